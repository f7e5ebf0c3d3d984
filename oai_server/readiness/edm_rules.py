"""The rules that an EDM document must keep: Europeana's Schematron, and what its XML schema makes mandatory.

Europeana's own Schematron needs XSLT 2; these are the same tests over the XML, for any document in EDM external. Those
that a record can break stand over the record too, in :mod:`metadata_formats.edm`, where they decide whether there is a
document at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from metadata_formats.edm import RIGHTS_URIS
from oai_server.readiness.item import elements

NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "edm": "http://www.europeana.eu/schemas/edm/",
    "ore": "http://www.openarchives.org/ore/terms/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "rdaGr2": "http://rdvocab.info/ElementsGr2/",
    "wgs84_pos": "http://www.w3.org/2003/01/geo/wgs84_pos#",
    "ebucore": "http://www.ebu.ch/metadata/ontologies/ebucore/ebucore#",
    "cc": "http://creativecommons.org/ns#",
    "odrl": "http://www.w3.org/ns/odrl/2/",
}
RESOURCE = f"{{{NAMESPACES['rdf']}}}resource"
ABOUT = f"{{{NAMESPACES['rdf']}}}about"


class Breach(NamedTuple):
    """A rule that a document breaks: its name, the element that does, its value (empty where it is missing)."""

    rule: str
    path: str
    value: str = ""


_FILLED = "[@rdf:resource or normalize-space()]"
_SCHEME = "translate(substring(@rdf:resource, 1, 8), 'HTPS', 'htps')"
_ABOUT_SOMETHING = f"*[self::dc:subject or self::dc:type or self::dcterms:temporal or self::dcterms:spatial]{_FILLED}"

# What must be there: rule, where it is looked for, the test.
_WANTED = (
    ("EU-1", "edm:ProvidedCHO", "count(edm:ProvidedCHO) = 1"),
    (
        "EU-1",
        "ore:Aggregation/edm:aggregatedCHO",
        "ore:Aggregation/edm:aggregatedCHO/@rdf:resource = edm:ProvidedCHO/@rdf:about",
    ),
    ("EU-2", "dc:title", f"not(edm:ProvidedCHO[not(dc:title[normalize-space()] or dc:description{_FILLED})])"),
    ("EU-3", "dc:subject", f"not(edm:ProvidedCHO[not({_ABOUT_SOMETHING})])"),
    ("EU-4", "edm:type", "not(edm:ProvidedCHO[count(edm:type) != 1])"),
    ("EU-5", "dc:language", "not(edm:ProvidedCHO[edm:type = 'TEXT'][not(dc:language[normalize-space()])])"),
    ("EU-6", "edm:dataProvider", "not(ore:Aggregation[count(edm:dataProvider) != 1])"),
    ("EU-6", "edm:provider", "not(ore:Aggregation[count(edm:provider) != 1])"),
    ("EU-7", "edm:isShownAt", "not(ore:Aggregation[not(edm:isShownAt/@rdf:resource or edm:isShownBy/@rdf:resource)])"),
    ("EU-8", "ore:Aggregation/edm:rights", "not(ore:Aggregation[count(edm:rights) != 1])"),
)  # fmt: skip
# What must not be there: rule, the nodes that break it.
_FORBIDDEN = (
    ("EU-4", "//edm:type[not(. = 'TEXT' or . = 'IMAGE' or . = 'SOUND' or . = 'VIDEO' or . = '3D')]"),
    ("EU-6", f"//edm:dataProvider[not(self::*{_FILLED})] | //edm:provider[not(self::*{_FILLED})]"),
    ("EU-7", "ore:Aggregation/edm:isShownAt[position() > 1] | ore:Aggregation/edm:isShownBy[position() > 1]"),
    (
        "EU-7",
        "//*[self::edm:isShownAt or self::edm:isShownBy or self::edm:hasView or self::edm:object]"
        f"[not(starts-with({_SCHEME}, 'http://') or {_SCHEME} = 'https://')]",
    ),
    ("EU-8", "edm:WebResource/edm:rights[position() > 1]"),
    ("EU-9", "//*[@rdf:resource][text()[normalize-space()]]"),
    ("EU-9", "//*[@rdf:about[not(normalize-space())] or @rdf:resource[not(normalize-space())] or @xml:lang = '']"),
    ("EU-10", "edm:WebResource/dcterms:hasPart[text()]"),
    ("EU-11", "//edm:ugc[. != 'true']"),
    (
        "EU-11",
        "edm:ProvidedCHO/edm:currentLocation[position() > 1] | edm:ProvidedCHO/edm:isRepresentationOf[position() > 1]",
    ),
    (
        "EU-12",
        "//edm:intermediateProvider[normalize-space() = normalize-space(../edm:provider)"
        " or normalize-space() = normalize-space(../edm:dataProvider)]",
    ),
)
_WANTED_TESTS = [(name, path, etree.XPath(f"boolean({test})", namespaces=NAMESPACES)) for name, path, test in _WANTED]
_FORBIDDEN_NODES = [(name, etree.XPath(path, namespaces=NAMESPACES)) for name, path in _FORBIDDEN]
_RIGHTS = etree.XPath("//edm:rights", namespaces=NAMESPACES)
_LICENCES = etree.XPath("cc:License[odrl:inheritFrom/@rdf:resource]", namespaces=NAMESPACES)


def breaches(root: etree._Element) -> list[Breach]:
    """Return which of the rules EU-1 to EU-12 an EDM document breaks, in their order; nothing where it keeps them."""
    found = [Breach(name, path) for name, path, test in _WANTED_TESTS if not test(root)]
    found += [
        Breach(name, _tag(node), _said(node)) for name, nodes in _FORBIDDEN_NODES for node in elements(nodes, root)
    ]
    found += _wrong_rights(root)
    return sorted(found, key=lambda breach: int(breach.rule.removeprefix("EU-")))


def _wrong_rights(root: etree._Element) -> Iterator[Breach]:
    """Yield rights that are neither on Europeana's list nor a licence of the document that inherits from one on it."""
    inherited = f"{{{NAMESPACES['odrl']}}}inheritFrom"
    own = {
        licence.get(ABOUT)
        for licence in elements(_LICENCES, root)
        if any(base.get(RESOURCE) in RIGHTS_URIS for base in licence.iterchildren(inherited))
    }
    for rights in elements(_RIGHTS, root):
        uri = rights.get(RESOURCE)
        if uri not in RIGHTS_URIS and (uri is None or uri not in own):
            yield Breach("EU-8", _tag(rights), _said(rights))


def _tag(element: etree._Element) -> str:
    """Return the name of an element with the usual prefix of its namespace."""
    name = etree.QName(element)
    prefix = next((prefix for prefix, uri in NAMESPACES.items() if uri == name.namespace), None)
    return f"{prefix}:{name.localname}" if prefix else name.localname


def _said(element: etree._Element) -> str:
    return element.get(RESOURCE) or (element.text or "").strip() or element.get(ABOUT) or ""
