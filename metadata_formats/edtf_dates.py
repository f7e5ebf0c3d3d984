"""Dates as EDTF (Extended Date/Time Format, Library of Congress, levels 0 to 2).

The ``edtf`` library knows the whole grammar, but takes milliseconds for a date and lets a 29 February of any year and
an interval that runs backwards pass. So the plain forms, which are nearly all dates that occur, are read here, and
everything else is asked of the library and then checked for order.
"""

from __future__ import annotations

import calendar
import re
from functools import lru_cache

import edtf

LONGEST = 100
"""Characters: a longer text is no date, and the general grammar takes exponential time on adversarial input."""

_DAY = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?([~?%]?)")


@lru_cache(maxsize=65536)
def is_valid(text: str) -> bool:
    """Tell whether ``text`` is EDTF and names a time that exists: not 31 June, not an interval that ends before it begins."""
    if not text or len(text) > LONGEST or not text.isascii():
        return False
    start, slash, end = text.partition("/")
    if (first := _DAY.fullmatch(start)) and (not slash or (last := _DAY.fullmatch(end))):
        if not _exists(first):
            return False
        return not slash or (_exists(last) and _not_after(start, end))
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
