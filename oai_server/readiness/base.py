"""BASE, the Bielefeld Academic Search Engine: what its validator OVAL looks for in oai_dc."""

from __future__ import annotations

import re
from collections.abc import Iterator

import langcodes

from oai_server.readiness.finding import Finding, Rule, Severity
from oai_server.readiness.item import Item
from oai_server.readiness.profile import Checked, Profile, Shared

_EXPECTED = ("identifier", "title", "date", "type", "creator")
COMPLETE = Rule(
    "BA-1",
    Severity.WARNING,
    "identifier, title, date, type and creator",
    "Give dates with edtf, resource_type, and agents with a role of a creator (creator_roles, promote_editors in "
    "[formats.oai_dc]); an item that nobody made keeps the warning",
)
DATE = Rule(
    "BA-2",
    Severity.WARNING,
    "a date as YYYY, YYYY-MM or YYYY-MM-DD",
    "Give dates with edtf, and mark as key a day, month or year",
)
LANGUAGE = Rule("BA-3", Severity.WARNING, "a language by its code in ISO 639", "Set the code in languages")
ADDRESS = Rule(
    "BA-4",
    Severity.WARNING,
    "an identifier that is an http address, and the item's own",
    "Give media with role landing, or identifiers of type uri or doi; the address must be that of this item alone",
)
TEXT = Rule(
    "BA-5",
    Severity.WARNING,
    "text that was encoded once, and handles of a registered prefix",
    "Export the source again as UTF-8, and register a prefix in place of 123456789",
)
RIGHTS = Rule("BA-6", Severity.INFO, "a licence by its address", "Set rights.uri, for a whole source in its profile")

_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])(T\d\d:\d\d(:\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d))?)?)?")
_CODE = re.compile("[a-z]{2,3}")
_ADDRESS = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"(?:hdl\.handle\.net/|/handle/|^hdl:|^)123456789/")
# UTF-8 taken for Latin-1 or Windows-1252: signs that no word has behind these letters, and controls that no text has.
_ENCODED_TWICE = re.compile(
    "[\u00c2-\u00c5][\u00a1-\u00aa\u00ac-\u00ba\u00bc-\u00bf†‡ˆ‰™ƒœŒ]|\u00e2\u20ac|[\u00c2-\u00f4][\u0080-\u009f]"
)


class Base(Profile):
    """BASE."""

    name = "base"
    harvests = "oai_dc"
    rules = (COMPLETE, DATE, LANGUAGE, ADDRESS, TEXT, RIGHTS)

    def check(self, item: Item) -> Checked:
        """Return the rules that the Dublin Core of an item breaks."""
        return Checked(list(_broken(item, item.dublin_core)))

    def shared(self, item: Item) -> Iterator[Shared]:
        """Yield the first address of an item: it must not be that of the whole repository."""
        for address in _addresses(item.dublin_core)[:1]:
            yield Shared(ADDRESS, "dc:identifier", address)

    def is_too_common(self, rule: Rule, records: int, total: int) -> bool:  # noqa: ARG002
        """Tell whether all records have one address."""
        return records == total > 1


def _broken(item: Item, given: dict[str, list[str]]) -> Iterator[Finding]:
    for element in _EXPECTED:
        if element not in given:
            yield item.breaks(COMPLETE, f"dc:{element}")
    for date in given.get("date", ()):
        if not _DATE.fullmatch(date):
            yield item.breaks(DATE, "dc:date", date)
    for language in given.get("language", ()):
        if not (_CODE.fullmatch(language) and langcodes.tag_is_valid(language)):
            yield item.breaks(LANGUAGE, "dc:language", language)
    if not _addresses(given):
        yield item.breaks(ADDRESS, "dc:identifier", next(iter(given.get("identifier", ())), ""))
    for element, values in given.items():
        for value in values:
            if _ENCODED_TWICE.search(value) or (element == "identifier" and _PLACEHOLDER.search(value)):
                yield item.breaks(TEXT, f"dc:{element}", value)
    if not any(_ADDRESS.fullmatch(value) for value in given.get("rights", ())):
        yield item.breaks(RIGHTS, "dc:rights", next(iter(given.get("rights", ())), ""))


def _addresses(given: dict[str, list[str]]) -> list[str]:
    return [value for value in given.get("identifier", ()) if _ADDRESS.fullmatch(value)]
