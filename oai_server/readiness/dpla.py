"""DPLA, the Digital Public Library of America: what its ingestion wants of a record, by whichever hub it comes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from metadata_formats.edm import CC_ZERO, RIGHTS_URIS, plain_rights
from metadata_formats.mods import Mods
from metadata_formats.oai_dc import all_identifiers, is_place, main_date
from metadata_formats.record import Media, Record
from metadata_formats.vocabularies import RIGHTS_LABELS
from metadata_formats.xml import collapse
from oai_server.readiness.finding import Finding, Rule, Severity
from oai_server.readiness.item import Item
from oai_server.readiness.profile import Checked, Profile

_E, _W, _I = Severity
_PROVIDER = "Set data_provider once for all records of a source, in its profile (defaults.provider)"
PROVIDER = Rule("DP-1", _E, "a data provider", _PROVIDER)
SHOWN = Rule(
    "DP-2", _E, "the http address of a page that shows the item, of a named host", "Give media with role landing"
)
TITLE = Rule("DP-3", _E, "a title", "Give the item a main title (titles)")
RIGHTS = Rule("DP-4", _E, "rights, as words or as an address", "Set rights.uri or rights.statement")
RECORD_ID = Rule("DP-5", _E, "an identifier of the record", "Give the record an id")
ONE_RIGHT = Rule(
    "DP-6a", _E, "at most one rights URI that is valid", "Keep one in rights.uri and words alone in rights.statement"
)
KNOWN_RIGHT = Rule(
    "DP-6b", _W, "a rights URI of RightsStatements.org or Creative Commons", "Choose one of theirs for rights.uri"
)
SPELLED_RIGHT = Rule(
    "DP-6c", _W, "a rights URI in its one spelling: http, no www, no page, a slash at the end", "Correct rights.uri"
)
RECOMMENDED = Rule(
    "DP-7",
    _W,
    "creator, date, description, format, language, place, publisher, subject and type",
    "Give agents, dates, abstracts, physical, languages, subjects of type place and others, resource_type",
)
PREVIEW = Rule(
    "DP-8a",
    _W,
    "one preview and one object at most, on a named host",
    "Keep one media with role thumbnail; others are views",
)
MANIFEST = Rule("DP-8b", _W, "an http address of the IIIF manifest", "Correct the media with role iiif_manifest")
ORIGINAL = Rule(
    "DP-9a",
    _W,
    "a description of the original and not of its scan",
    "Make the date of the original the key date, and its size the extent; pixels and bytes belong to media",
)
FREE = Rule("DP-9b", _W, "metadata under CC0", "Leave out rights.metadata_licence, or set it to CC0")
KEEPER = Rule(
    "DP-9c",
    _I,
    "a keeper that is the data provider: several hubs take physicalLocation of MODS for it",
    "Set holding.original where the data provider keeps another thing than what is described",
)

_RECOMMENDED = ("creator", "date", "description", "format", "language", "publisher", "subject", "type")
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_OF_A_FILE = re.compile(r"\d\s*(?:bytes|[kmg]i?b|pixels?|px|dpi|ppi)\b", re.IGNORECASE)
_CREATIVE_COMMONS = re.compile(
    r"http://creativecommons\.org/(?:publicdomain/(?:zero|mark)/1\.0|licenses/[a-z-]+/\d\.\d(?:/[a-z]+)?)/"
)
_PLACE = {"m": Mods.namespace}


class Dpla(Profile):
    """The Digital Public Library of America."""

    name = "dpla"
    harvests = "oai_dc"
    reads = ("mods",)
    rules = (
        PROVIDER, SHOWN, TITLE, RIGHTS, RECORD_ID, ONE_RIGHT, KNOWN_RIGHT, SPELLED_RIGHT, RECOMMENDED, PREVIEW,
        MANIFEST, ORIGINAL, FREE, KEEPER,
    )  # fmt: skip

    def check(self, item: Item) -> Checked:
        """Return the rules that an item breaks."""
        return Checked([*_mandatory(item), *_rights(item), *_recommended(item), *_web(item), *_manners(item)])


def _mandatory(item: Item) -> Iterator[Finding]:
    given, provider = item.dublin_core, item.record.provider
    if not (provider and collapse(provider.data_provider)):
        yield item.breaks(PROVIDER, "provider.data_provider")
    shown = _shown_at(item.record)
    if shown is None or _is_bare(shown):
        yield item.breaks(SHOWN, "media", shown)
    for rule, element in ((TITLE, "title"), (RIGHTS, "rights"), (RECORD_ID, "identifier")):
        if element not in given:
            yield item.breaks(rule, f"dc:{element}")


def _shown_at(record: Record) -> str | None:
    addresses = (value for value in all_identifiers(record, objects=False) if _ADDRESS.fullmatch(value))
    return next(addresses, None)


def _is_bare(address: str) -> bool:
    """Tell whether the host of an address is a number: what it names may be another machine tomorrow."""
    try:
        ip_address(urlsplit(address).hostname or "")
    except ValueError:
        return False
    return True


def _rights(item: Item) -> Iterator[Finding]:
    addresses = [value for value in item.dublin_core.get("rights", ()) if _ADDRESS.fullmatch(value)]
    known = list(dict.fromkeys(plain for plain in map(plain_rights, addresses) if _is_known(plain)))
    if len(known) > 1:
        yield item.breaks(ONE_RIGHT, "dc:rights", " ".join(known))
    for address in addresses:
        plain = plain_rights(address)
        if not _is_known(plain):
            yield item.breaks(KNOWN_RIGHT, "dc:rights", address)
        elif plain != address:
            yield item.breaks(SPELLED_RIGHT, "dc:rights", address)


def _is_known(uri: str) -> bool:
    return uri in RIGHTS_URIS or uri in RIGHTS_LABELS or _CREATIVE_COMMONS.fullmatch(uri) is not None


def _recommended(item: Item) -> Iterator[Finding]:
    for element in _RECOMMENDED:
        if element not in item.dublin_core:
            yield item.breaks(RECOMMENDED, f"dc:{element}")
    if not any(map(is_place, item.record.subjects)):
        yield item.breaks(RECOMMENDED, "subjects")


def _web(item: Item) -> Iterator[Finding]:
    media = item.record.media
    previews = [each for each in media if each.role == "thumbnail"]
    for extra in previews[1:]:
        yield item.breaks(PREVIEW, "media", extra.url)
    first_object: list[Media] = [each for each in media if each.role == "object"][:1]
    for each in (*previews[:1], *first_object):
        if _is_bare(each.url):
            yield item.breaks(PREVIEW, "media", each.url)
    for each in media:
        if each.role == "iiif_manifest" and not _ADDRESS.fullmatch(each.url):
            yield item.breaks(MANIFEST, "media", each.url)


def _manners(item: Item) -> Iterator[Finding]:
    record = item.record
    physical = record.physical
    if physical is None or physical.digital_origin != "born digital":
        for date in main_date(record):
            if date.type == "captured":
                yield item.breaks(ORIGINAL, "dates", date.edtf or date.text)
        for extent in physical.extent if physical else ():
            if _OF_A_FILE.search(extent):
                yield item.breaks(ORIGINAL, "physical.extent", extent)
    if record.rights and plain_rights(record.rights.metadata_licence) != CC_ZERO:
        yield item.breaks(FREE, "rights.metadata_licence", record.rights.metadata_licence)
    root, provider = item.root("mods"), record.provider
    name = collapse(provider.data_provider) if provider else ""
    for keeper in root.iterfind("m:location/m:physicalLocation", _PLACE) if root is not None and name else ():
        if not collapse(keeper.text).startswith(name):
            yield item.breaks(KEEPER, "mods:location/mods:physicalLocation", keeper.text)
