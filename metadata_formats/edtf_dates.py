"""Dates as EDTF (Extended Date/Time Format, Library of Congress, levels 0 to 2).

The ``edtf`` library knows the whole grammar, but takes milliseconds for a date and lets a 29 February of any year and
an interval that runs backwards pass. So the plain forms, which are nearly all dates that occur, are read here, and
everything else is asked of the library and then checked for order.

What crosswalks ask of a date stands below: what W3CDTF can say of it (:func:`points`), its :func:`bounds`, and the
plain :func:`literal` that Dublin Core wants (crosswalk, section 3.2). All answers are cached: collections repeat dates.
"""

from __future__ import annotations

import calendar
import re
from functools import lru_cache
from typing import Literal, NamedTuple

import edtf

LONGEST = 100
"""Characters: a longer text is no date, and the general grammar takes exponential time on adversarial input."""

Qualifier = Literal["approximate", "questionable"]
_QUALIFIERS: dict[str, Qualifier | None] = {"": None, "~": "approximate", "?": "questionable"}
_OPEN = frozenset({"", ".."})
_CLOCK = r"T\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)"
_W3CDTF = re.compile(rf"(\d{{4}}(?:-(?:0[1-9]|1[0-2])(?:-\d\d(?:{_CLOCK})?)?)?)([~?]?)")
_UNSPECIFIED = re.compile(r"(\d{1,4}X{0,3})(?:-(\d\d|XX)(?:-(\d\d|XX))?)?")
_DAY = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?([~?%]?)")
# Other forms that catalogues need often: decades and centuries, open ends, one or all of some years.
_FREQUENT = re.compile(
    r"\d\d(?:\dX|XX)[~?%]?|\d{4}[~?%]?/\.\.|\.\./\d{4}[~?%]?|\[\.\.\d{4}\]|\[\d{4}\.\.\]|"
    r"\[\d{4}(?:,\d{4})+\]|\{\d{4}(?:,\d{4})+\}"
)


@lru_cache(maxsize=65536)
def is_valid(text: str) -> bool:
    """Tell whether ``text`` is EDTF and names a time that exists: not 31 June, no interval that runs backwards."""
    if not text or len(text) > LONGEST or not text.isascii():
        return False
    start, slash, end = text.partition("/")
    first, last = _DAY.fullmatch(start), _DAY.fullmatch(end)
    if first and not slash:
        return _exists(first)
    if first and last:
        return _exists(first) and _exists(last) and _not_after(start, end)
    if _FREQUENT.fullmatch(text):
        return True
    try:
        parsed = edtf.parse_edtf(text)
    except (edtf.EDTFParseException, ValueError, OverflowError, RecursionError, TypeError, AttributeError):
        return False
    for day in re.finditer(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)", text):
        if not _day_exists(*map(int, day.groups())):
            return False
    if slash:
        try:
            return bool(parsed.lower_strict() <= parsed.upper_strict())
        except (TypeError, ValueError, AttributeError, OverflowError):
            return True  # an open or unknown end has no order
    return True


def _exists(match: re.Match[str]) -> bool:
    year, month, day = match.group(1, 2, 3)
    if month is None:
        return True
    if day is None:
        return 1 <= int(month) <= 12 or 21 <= int(month) <= 41  # seasons, level 1 and 2
    return _day_exists(int(year), int(month), int(day))


def _day_exists(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= (calendar.monthrange(year, month)[1] if year else 31)


def _not_after(start: str, end: str) -> bool:
    """Compare two plain dates at the precision that both have."""
    start, end = start.rstrip("~?%"), end.rstrip("~?%")
    shared = min(len(start), len(end))
    return start[:shared] <= end[:shared]


class Point(NamedTuple):
    """A date as W3CDTF, and how sure it is."""

    value: str
    qualifier: Qualifier | None = None


@lru_cache(maxsize=65536)
def points(text: str) -> tuple[Point, ...]:
    """Return the one date, or the start and the end, that EDTF names; nothing where W3CDTF cannot say it."""
    found = [_W3CDTF.fullmatch(end) for end in text.split("/", 1)]
    if not all(found):
        return ()
    return tuple(Point(match[1], _QUALIFIERS[match[2]]) for match in found if match)


@lru_cache(maxsize=65536)
def bounds(text: str) -> tuple[str | None, str | None]:
    """Return the earliest and the latest date that EDTF names, each as precise as it is known; None: open or unknown.

    ``196X`` lies between 1960 and 1969, ``1967-XX`` between 1967 and 1967, ``1967-21`` (spring) between 1967-03-01
    and 1967-05-31.
    """
    start, slash, end = text.partition("/")
    if slash:
        return bounds(start)[0], bounds(end)[1]
    if text in _OPEN:
        return None, None
    if point := points(text.replace("%", "~")):
        return point[0].value, point[0].value
    if (match := _UNSPECIFIED.fullmatch(text.rstrip("~?%"))) and len(match[1]) == 4:
        known = "-".join(part for part in match.groups() if part and part != "XX")
        if "X" in match[1]:
            return match[1].replace("X", "0"), match[1].replace("X", "9")
        if re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2]))?", known):
            return known, known
    return _library_bounds(text)


@lru_cache(maxsize=65536)
def literal(text: str, written: str | None = None) -> str:
    """Return a date as Dublin Core wants it: W3CDTF, or an interval of it; else as it was written, else its bounds."""
    if found := points(text.replace("%", "~")):
        return "/".join(point.value for point in found)
    first, last = bounds(text)
    if not (first and last) or not _UNSPECIFIED.fullmatch(text.rstrip("~?%")) or _season(text):
        if written:
            return written
        if not (first or last):
            return text
    return first if first and first == last else f"{first or '..'}/{last or '..'}"


def _season(text: str) -> bool:
    return text[4:5] == "-" and text[5:7] > "12" and text[5:7] != "XX"


def _library_bounds(text: str) -> tuple[str | None, str | None]:
    """Ask the library, which answers with the first and the last day."""
    try:
        parsed = edtf.parse_edtf(text)
        first, last = parsed.lower_strict(), parsed.upper_strict()
        return _iso_day(first), _iso_day(last)
    except (edtf.EDTFParseException, ValueError, OverflowError, RecursionError, TypeError, AttributeError):
        return None, None


def _iso_day(day: object) -> str | None:
    year, month, date = day[:3]  # type: ignore[index]
    return f"{year:04}-{month:02}-{date:02}" if 0 <= year <= 9999 else None
