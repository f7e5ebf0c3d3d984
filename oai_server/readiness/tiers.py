"""The tiers of the Europeana Publishing Framework, computed from an EDM document as Europeana's Metis does.

Metis looks at the pages and files themselves; here they are taken to be what the record says (media type, width,
height), and a page that is named to answer. So a tier is what a record will get if it tells the truth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from oai_server.readiness.edm_rules import ABOUT, NAMESPACES, RESOURCE

GRADES = ("0", "A", "B", "C")
"""The metadata tiers, the lowest first."""

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_LARGE, _MEDIUM, _SMALL = 950_000, 420_000, 100_000  # pixels
_LEAST_HEIGHT = 480  # of a video
_EMBEDDABLE = re.compile(
    r"https?://(?:(?:player\.)?vimeo\.com/|soundcloud\.com/|sounds\.bl\.uk/embed/|(?:www\.)?euscreen\.eu/item\.html"
    r"|(?:www\.)?dismarc\.org/player/|eusounds\.ait\.co\.at/player/|(?:www\.)?ina\.fr/(?:.*/)?video/"
    r"|archives\.crem-cnrs\.fr/archives/items/|www\.ccma\.cat/tv3/alacarta/programa/titol/video/"
    r"|www\.theeuropeanlibrary\.org/tel4/newspapers/issue/fullscreen/"
    r"|api\.picturepipe\.net/api/html/widgets/public/playout_cloudfront\?token=)"
    r"|https://(?:[\w.]+\.youtube\.com/(?:v/|watch)|youtu\.be/|sketchfab\.com/(?:3d-)?models|skfb\.ly/)"
)
_OPEN = re.compile(r"http://creativecommons\.org/(?:publicdomain/(?:zero|mark)|licenses/by(?:-sa)?)/")
_RESTRICTED = re.compile(
    r"http://creativecommons\.org/|http://rightsstatements\.org/vocab/(?:NoC-NC|NoC-OKLR|InC-EDU)/"
)


def _tag(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


def _tags(names: str) -> frozenset[str]:
    return frozenset(map(_tag, names.split()))


# The content tier.


class Content(NamedTuple):
    """The content tier, 0 to 4, and what it comes from."""

    tier: int
    because: str


def content(root: etree._Element) -> Content:
    """Return the content tier: that of the best file, as far as its licence lets it count; else that of the page."""
    aggregation = root.find(_tag("ore:Aggregation"))
    kind = root.findtext(f"{_tag('edm:ProvidedCHO')}/{_tag('edm:type')}", "").strip()
    if aggregation is None:
        return Content(0, "there is no aggregation")
    has_page = aggregation.find(_tag("edm:isShownAt")) is not None
    if kind == "IMAGE" and aggregation.find(_tag("edm:object")) is None:
        return Content(0, "there is no thumbnail")
    described = {each.get(ABOUT): each for each in root.iterchildren(_tag("edm:WebResource"))}
    shown = [each.get(RESOURCE, "") for each in aggregation.iterchildren(_tag("edm:isShownBy"), _tag("edm:hasView"))]
    if not shown:
        return _page_alone(kind, has_page)
    embeddable = any(_EMBEDDABLE.match(each.get(RESOURCE, "")) for each in aggregation.iter(_tag("edm:isShownBy")))
    rights = _rights(aggregation)
    found = []
    for address in shown:
        file = _File.of(described.get(address), rights)
        tier, because = _of_file(kind, file, has_page, embeddable)
        if tier > file.cap:
            tier, because = file.cap, f"{because}, of which the licence lets no more count"
        found.append(Content(tier, because))
    return max(found, key=lambda each: each.tier)


class _File(NamedTuple):
    """A file as its web resource describes it; ``cap`` is the tier that its licence allows."""

    mime: str
    width: int
    height: int
    cap: int

    @classmethod
    def of(cls, resource: etree._Element | None, rights: str) -> _File:
        if resource is None:
            return cls("", 0, 0, _cap(rights))
        mime = resource.findtext(_tag("ebucore:hasMimeType"), "").strip().lower()
        sides = (resource.findtext(_tag(f"ebucore:{side}"), "").strip() for side in ("width", "height"))
        width, height = (int(side) if re.fullmatch("[0-9]{1,18}", side) else 0 for side in sides)
        return cls(mime, width, height, _cap(_rights(resource) or rights))


def _rights(element: etree._Element) -> str:
    rights = element.find(_tag("edm:rights"))
    return rights.get(RESOURCE, "") if rights is not None else ""


def _cap(rights: str) -> int:
    return 4 if _OPEN.match(rights) else 3 if _RESTRICTED.match(rights) else 2


def _page_alone(kind: str, has_page: bool) -> Content:
    if has_page and kind != "IMAGE":
        return Content(1, "there is a page and no file")
    return Content(0, "there is no file")


def _of_file(kind: str, file: _File, has_page: bool, embeddable: bool) -> tuple[int, str]:
    """Return the tier of one file before its licence is looked at, and why."""
    if kind in ("TEXT", "IMAGE"):
        if kind == "TEXT" and file.mime.startswith("application/pdf"):
            return 4, "a PDF"
        is_image = file.mime.startswith("image/")
        pixels = file.width * file.height if is_image else 0
        tier = 4 if pixels >= _LARGE else 2 if pixels >= _MEDIUM else 1 if pixels >= _SMALL else 0
        if kind == "TEXT" and has_page:
            tier = max(tier, 1)
        return tier, f"an image of {pixels:,} pixels" if pixels else _unknown(file, is_image)
    if kind == "3D":
        is_model = file.mime and not file.mime.startswith(("image/", "application/pdf"))
        return (4, f"a file of {file.mime}") if is_model else (0, _unknown(file, False))
    if embeddable:
        return 4, "a player that can be embedded"
    if kind == "SOUND" and file.mime.startswith("audio/"):
        return 4, f"a file of {file.mime}"
    if kind == "VIDEO" and file.mime.startswith("video/"):
        height = f"{file.height} pixels high" if file.height else "of unknown height"
        return (4 if file.height >= _LEAST_HEIGHT else int(has_page)), f"a video {height}"
    return int(has_page), _unknown(file, False)


def _unknown(file: _File, is_image: bool) -> str:
    if is_image:
        return "an image of unknown width and height"
    return f"a file of {file.mime}" if file.mime else "a file of unknown media type"


# The metadata tier.


class Metadata(NamedTuple):
    """The metadata tier, and the three that it is the lowest of.

    ``tagged`` of ``properties`` say in which language they are; ``enabling`` elements help discovery, of so many
    ``groups``; ``classes`` are the kinds of things (agents, places, …) that are described well enough.
    """

    tier: str
    language: str
    tagged: int
    properties: int
    enabling_tier: str
    enabling: int
    groups: int
    class_tier: str
    classes: tuple[str, ...]


_LANGUAGE_PROPERTIES = _tags("""
    dc:coverage dc:description dc:format dc:relation dc:rights dc:source dc:subject dc:title dc:type
    dcterms:alternative dcterms:hasPart dcterms:isPartOf dcterms:isReferencedBy dcterms:medium dcterms:provenance
    dcterms:references dcterms:spatial dcterms:tableOfContents dcterms:temporal
    edm:currentLocation edm:hasType edm:isRelatedTo
""")
_ENABLING = {
    **dict.fromkeys(_tags("dcterms:created dcterms:issued dcterms:temporal"), "time"),
    **dict.fromkeys(_tags("dc:format dc:type dcterms:medium"), "concept"),
    **dict.fromkeys(_tags("dc:creator dc:contributor dc:publisher"), "agent"),
    **dict.fromkeys(_tags("dcterms:spatial edm:currentLocation"), "place"),
}
# Elements that count where they link to a thing which the document describes, by the classes that count.
_ENABLING_LINKS = {
    _tag("edm:hasMet"): {"edm:TimeSpan": "time", "edm:Agent": "agent"},
    _tag("dc:subject"): {"skos:Concept": "concept", "edm:Agent": "agent", "edm:Place": "place"},
}
_CLASSES = ("edm:Agent", "edm:Place", "edm:TimeSpan", "skos:Concept")
_AGENT_DETAILS = _tags("""
    edm:begin edm:end rdaGr2:dateOfBirth rdaGr2:dateOfDeath rdaGr2:placeOfBirth rdaGr2:placeOfDeath
    rdaGr2:professionOrOccupation
""")
_CONCEPT_DETAILS = _tags("skos:note skos:broader skos:narrower skos:exactMatch skos:closeMatch skos:related")
_PLACE_DETAILS = _tags("wgs84_pos:lat wgs84_pos:long skos:prefLabel")
_TIME_DETAILS = _tags("edm:begin edm:end")


def metadata(root: etree._Element) -> Metadata:
    """Return the metadata tier: the lowest of those for language, enabling elements and contextual classes."""
    things = {thing.get(ABOUT, ""): (name, thing) for name in _CLASSES for thing in root.iterchildren(_tag(name))}
    elements = [element for cho in root.iterchildren(_tag("edm:ProvidedCHO")) for element in cho]
    tagged, properties = _languages(elements, things)
    found = set(_enabling(elements, things))
    enabling, groups = len({tag for tag, _ in found}), len({group for _, group in found})
    linked = {element.get(RESOURCE) for element in elements}
    kinds = {name for about, (name, thing) in things.items() if about in linked and _is_complete(name, thing)}
    share = tagged / properties if properties else 0
    language = GRADES[(share >= 0.25) + (share >= 0.5) + (share >= 0.75)]
    enabled = GRADES[min(enabling - 1, 3) if enabling > 2 and groups > 1 else min(enabling, 1)]
    classes = GRADES[min(len(kinds), 2) + 1]
    tier = min(language, enabled, classes, key=GRADES.index)
    return Metadata(tier, language, tagged, properties, enabled, enabling, groups, classes, tuple(sorted(kinds)))


_Things = dict[str, tuple[str, etree._Element]]


def _languages(elements: list[etree._Element], things: _Things) -> tuple[int, int]:
    """Return how many of the properties that occur say their language, and how many occur."""
    said: dict[str, bool] = {}
    for element in elements:
        if element.tag in _LANGUAGE_PROPERTIES:
            said[element.tag] = said.get(element.tag, False) or _says_its_language(element, things)
    return sum(said.values()), len(said)


def _says_its_language(element: etree._Element, things: _Things) -> bool:
    if element.get(_XML_LANG) and (element.text or "").strip():
        return True
    name, thing = things.get(element.get(RESOURCE, ""), ("", None))
    if thing is None or name == "edm:Agent":
        return False
    return any(label.get(_XML_LANG) for label in thing.iterchildren(_tag("skos:prefLabel")))


def _enabling(elements: list[etree._Element], things: _Things) -> Iterator[tuple[str, str]]:
    """Yield the elements that help discovery, each with its group."""
    for element in elements:
        tag = str(element.tag)
        if (group := _ENABLING.get(tag)) or (group := _linked_group(tag, element, things)):
            yield tag, group


def _linked_group(tag: str, element: etree._Element, things: _Things) -> str | None:
    name, _ = things.get(element.get(RESOURCE, ""), ("", None))
    return _ENABLING_LINKS.get(tag, {}).get(name)


def _is_complete(name: str, thing: etree._Element) -> bool:
    """Tell whether a described thing says enough of itself to count."""
    said = {str(child.tag) for child in thing if child.get(RESOURCE) or (child.text or "").strip()}
    if name == "edm:Place":
        return said >= _PLACE_DETAILS
    if name == "edm:TimeSpan":
        return said >= _TIME_DETAILS
    details = _AGENT_DETAILS if name == "edm:Agent" else _CONCEPT_DETAILS
    return _tag("skos:prefLabel") in said and not said.isdisjoint(details)
