"""OpenAIRE: the guidelines for literature repositories 4.0, one rule for each element that they want.

The rules have the numbers of the elements in the guidelines. What is mandatory decides whether a record is available in
``oai_openaire`` at all; what else is wanted is looked for in the rendition, or in what it would be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, NamedTuple

from lxml import etree

from metadata_formats.oai_openaire import COAR, OaiOpenaire
from metadata_formats.registry import Context
from metadata_formats.vocabularies import ACCESS
from oai_server.readiness.finding import Finding, Rule, Severity
from oai_server.readiness.item import Item, elements, parsed
from oai_server.readiness.profile import Checked, Profile

_NAMESPACES = {
    "oaire": OaiOpenaire.namespace,
    "datacite": "http://datacite.org/schema/kernel-4",
    "dc": "http://purl.org/dc/elements/1.1/",
}
_E, _W, _I = Severity
_ACCESS_URIS = " or ".join(f"@rightsURI = '{term.uri}'" for term in ACCESS.values())
_CLASSES = ("literature", "dataset", "software", "other research product")
_GENERAL = " or ".join(f"@resourceTypeGeneral = '{name}'" for name in _CLASSES)
# Articles, parts, reviews and conference papers: what is published within something else.
_PARTS = "|c_6501|c_2df8fbb1|c_dcae04bc|c_3e5a|c_3248|c_ba08|c_5794|"

# number, severity, element, where it is looked for, what is wanted, how to mend it, when it applies (else always)
_TABLE = (
    (1, _E, "datacite:title", "*/datacite:title", "a title", "Give the item a main title (titles)", ""),
    (
        2, _E, "datacite:creator", "*/datacite:creator", "a creator",
        "Give agents with the role of a creator (aut, art, cre, …)", "",
    ),
    (3, _I, "datacite:contributor", "*/datacite:contributor", "contributors, if there are any", "Give agents", ""),
    (4, _I, "oaire:fundingReference", "*/oaire:fundingReference", "who paid, if anybody did", "Give funding", ""),
    (
        5, _I, "datacite:alternateIdentifier", "*/datacite:alternateIdentifier", "other identifiers",
        "Give identifiers", "",
    ),
    (
        6, _I, "datacite:relatedIdentifier", "*/datacite:relatedIdentifier", "related items",
        "Give relations with uri or identifiers", "",
    ),
    (
        7, _W, "datacite:date", "*/datacite:date[@dateType = 'Available']", "the end of an embargo",
        "Set rights.embargo_until", f"datacite:rights[@rightsURI = '{ACCESS['embargoed'].uri}']",
    ),
    (8, _W, "dc:language", "dc:language", "the language", "Give languages with role text", ""),
    (9, _W, "dc:publisher", "dc:publisher", "a publisher", "Give an agent with the role pbl", ""),
    (
        10, _E, "datacite:date", "*/datacite:date[@dateType = 'Issued']", "a date with a year",
        "Give dates with edtf, one of type issued if it was published", "",
    ),
    (
        11, _E, "oaire:resourceType", f"oaire:resourceType[starts-with(@uri, '{COAR}')][{_GENERAL}]",
        "a type of COAR", "Set resource_type, or a genre with the label or the uri of a COAR type", "",
    ),
    (12, _W, "dc:description", "dc:description", "a description", "Give abstracts", ""),
    (13, _I, "dc:format", "dc:format", "the media type of the files", "Set the mime of media", ""),
    (
        14, _E, "datacite:identifier", "datacite:identifier[@identifierType]", "an identifier that is a link",
        "Give identifiers of type doi, hdl, ark, urn or uri, or media with role landing", "",
    ),
    (
        15, _E, "datacite:rights", f"datacite:rights[{_ACCESS_URIS}]", "an access right of COAR",
        "Set rights.access to open, restricted, embargoed or metadata_only, for a whole source in its profile", "",
    ),
    (
        16, _I, "dc:source", "dc:source", "what it was made from", "Give relations of type original, or a holding",
        "",
    ),
    (17, _W, "datacite:subject", "*/datacite:subject", "a subject", "Give subjects or classification", ""),
    (18, _I, "oaire:licenseCondition", "oaire:licenseCondition[@uri]", "a licence", "Set rights.uri", ""),
    (
        19, _I, "dc:coverage", "dc:coverage | */datacite:geoLocation", "the place or time that it is about",
        "Give subjects of type place or period", "",
    ),
    (
        23, _W, "oaire:file", "oaire:file", "the address of the file, of what is open",
        "Give media with role object or download",
        f"oaire:resourceType and datacite:rights[@rightsURI = '{ACCESS['open'].uri}']",
    ),
    (
        24, _I, "oaire:citationTitle", "oaire:citationTitle", "what it was published in",
        "Give a relation of type host with its title and part",
        f"oaire:resourceType[contains('{_PARTS}', concat('|', substring-after(@uri, '{COAR}'), '|'))]",
    ),
)  # fmt: skip


class _Element(NamedTuple):
    """One element of the guidelines: its rule, where it is looked for, and when it is wanted."""

    rule: Rule
    path: str
    is_there: etree.XPath
    anywhere: etree.XPath
    applies: etree.XPath


def _xpath(path: str) -> etree.XPath:
    return etree.XPath(path, namespaces=_NAMESPACES)


_ELEMENTS = [
    _Element(
        Rule(f"OA-{number}", severity, demand, mend),
        element,
        _xpath(f"boolean({wanted})"),
        _xpath(f"//{element}"),
        _xpath(f"boolean({applies or 'true()'})"),
    )
    for number, severity, element, wanted, demand, mend, applies in _TABLE
]
_FORMAT = OaiOpenaire()


class OpenAire(Profile):
    """OpenAIRE's literature repositories."""

    name = "openaire"
    harvests = "oai_openaire"
    rules = tuple(element.rule for element in _ELEMENTS)
    unchecked: ClassVar[Mapping[str, str]] = {
        "OA-22": "the version of the text (oaire:version): the record has no place for it"
    }

    def check(self, item: Item) -> Checked:
        """Return the elements that an item lacks."""
        return Checked(list(_lacks(item)))


def _lacks(item: Item) -> Iterator[Finding]:
    root = item.root("oai_openaire")
    refused: set[str] = set()
    if root is None:
        context = Context(item.identifier)
        # "element: what is missing"; the rest of the document can be made all the same.
        refused = {refusal.partition(": ")[0] for refusal in _FORMAT.refusals(item.record, context)}
        root = parsed(_FORMAT.render(item.record, context).to_bytes())
    for element in _ELEMENTS:
        if element.rule.severity is Severity.ERROR and element.path in refused:
            yield item.breaks(element.rule, element.path)
        elif root is not None and element.applies(root) and not element.is_there(root):
            yield item.breaks(element.rule, element.path, _said(elements(element.anywhere, root)))


def _said(found: list[etree._Element]) -> str:
    return (found[0].text or "").strip() if found else ""
