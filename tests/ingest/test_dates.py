"""Dates of catalogues become EDTF, or nothing."""

import edtf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metadata_formats import edtf_dates
from oai_server.ingest import dates

READ = {
    "1802": "1802",
    "c.1850": "1850~",
    "c. 1850": "1850~",
    "ca. 1850": "1850~",
    "circa 1850–60": "1850~/1860~",
    "c.1850–60": "1850~/1860~",
    "1831–2": "1831/1832",
    "1831-2": "1831/1832",
    "1899–1901": "1899/1901",
    "?1845": "1845?",
    "1845?": "1845?",
    "?c.1785": "1785%",
    "c.1785?": "1785%",
    "1816–?17": "1816/1817?",
    "1838–c.1842": "1838/1842~",
    "1845 or 1846": "[1845,1846]",
    "1845 or 46": "[1845,1846]",
    "1830 (or 1831)": "[1830,1831]",
    "1960, 1965": "{1960,1965}",
    "1960 and 1965": "{1960,1965}",
    "1831–2, 1835": "{1831..1832,1835}",
    "before 1900": "[..1900]",
    "after 1900": "[1900..]",
    "After 1900": "[1900..]",
    "after c.1830": "1830~/..",
    "c.1800 or earlier": "../1800~",
    "1850s": "185X",
    "c.1850s": "185X~",
    "early 1850s": "185X",
    "late 1840s–early 1850s": "184X/185X",
    "19th century": "18XX",
    "late 18th C": "17XX",
    "June 1967": "1967-06",
    "8 June 1967": "1967-06-08",
    "8th June, 1967": "1967-06-08",
    "June 8, 1967": "1967-06-08",
    "1967-06-08": "1967-06-08",
    "1967-06": "1967-06",
    "6/1967": "1967-06",
    "08.06.1967": "1967-06-08",
    "13/04/1967": "1967-04-13",
    "04/13/1967": "1967-04-13",
    "03/03/1967": "1967-03-03",
    "Spring 1967": "1967-21",
    "between 1962 and 1967": "1962/1967",
    "1901–02": "1901/1902",
    "1975, printed 1978": "1975",
    "1975; printed 1980s": "1975",
    "c.1850–60, cast 1900": "1850~/1860~",
    "1826–7, reprinted 1892": "1826/1827",
}

UNREAD = [
    "03/04/1967", "1967-06-31", "31 June 1967", "29 February 1967", "1898–02", "1850–1840", "c.18320–1835", "c.1829–9",
    "published by 1832–4", "1969, 1969", "sometime", "in the reign of Anne", "1828 (or 1836", "12", "1967 1968",
    "13/1967", "00/1967", "exhibition copy 2007 (original 1993)",
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), READ.items())
def test_is_read(text: str, expected: str) -> None:
    assert dates.read(text) == dates.Reading(expected)


@pytest.mark.parametrize("text", UNREAD)
def test_is_left_unread(text: str) -> None:
    assert dates.read(text) == dates.Reading()


@pytest.mark.parametrize("text", ["date not known", "no date", "Undated", "n.d.", "[n.d.]", "?", "", "—"])
def test_says_that_there_is_no_date(text: str) -> None:
    assert dates.read(text) == dates.Reading(placeholder=True)


@pytest.mark.parametrize(
    ("text", "edtf_", "event"),
    [
        ("published 1801", "1801", "published"),
        ("exhibited 1818", "1818", "exhibited"),
        ("?exhibited 1818", "1818?", "exhibited"),
        ("first published 1820, reprinted 1890", "1820", "first published"),
        ("Published 1833–4", "1833/1834", "published"),
    ],
)
def test_the_word_before_the_date_is_kept(text: str, edtf_: str, event: str) -> None:
    assert dates.read(text) == dates.Reading(edtf_, event)


def test_the_order_of_day_and_month_can_be_told() -> None:
    assert dates.read("03/04/1967", "day first").edtf == "1967-04-03"
    assert dates.read("03/04/1967", "month first").edtf == "1967-03-04"


@given(st.text() | st.text(alphabet="0123456789c.?–-,/ sor()tXafb", max_size=24))
def test_any_text_gives_valid_edtf_or_nothing(text: str) -> None:
    found = dates.read(text)
    assert found.edtf is None or edtf_dates.is_valid(found.edtf)


years = st.integers(min_value=1000, max_value=2099)
marks = st.sampled_from(["", "c.", "?", "?c."])


@given(marks, years, st.integers(min_value=1, max_value=300), st.integers(min_value=1, max_value=4))
def test_a_range_is_what_was_meant_or_nothing(mark: str, start: int, span: int, digits: int) -> None:
    end = start + span
    short = str(end)[-digits:]
    found = dates.read(f"{mark}{start}–{short}").edtf
    written = int(str(start)[: 4 - digits] + short) if digits < 3 else None
    if digits in (1, 2) and written is not None and written > start:
        end = written  # what a reader of the shortened year understands
    elif digits != 4:
        assert found is None
        return
    sign = {"": "", "c.": "~", "?": "?", "?c.": "%"}[mark]
    assert found == f"{start}{sign}/{end}{sign}"


@given(st.dates())
def test_a_day_in_words_is_that_day(day: object) -> None:
    if day.year < 1000:  # type: ignore[attr-defined]
        return
    expected = day.isoformat()  # type: ignore[attr-defined]
    for pattern in ("%-d %B %Y", "%B %-d, %Y", "%d.%m.%Y", "%Y-%m-%d", "%-d %b %Y"):
        found = dates.read(day.strftime(pattern)).edtf  # type: ignore[attr-defined]
        assert found == (expected if day.year < 3000 else None)  # type: ignore[attr-defined]


@settings(max_examples=25, deadline=None)
@given(
    st.from_regex(edtf_dates._FREQUENT, fullmatch=True, alphabet=st.characters(codec="ascii")).filter(
        lambda text: text.count(",") < 5
    )
)
def test_the_short_way_of_validation_agrees_with_the_library(text: str) -> None:
    edtf.parse_edtf(text)
