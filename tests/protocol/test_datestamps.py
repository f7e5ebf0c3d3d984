"""Datestamps against the standard library's own calendar."""

import string
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oai_server.protocol import datestamps

moments = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0))


@given(moments)
def test_a_second_is_itself(moment):
    text = f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}Z"
    seconds = round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    assert datestamps.parse(text) == (seconds, seconds)
    assert datestamps.to_text(seconds) == text


@given(moments)
def test_a_day_is_all_its_seconds(moment):
    first, last = datestamps.parse(f"{moment.year:04}-{moment:%m-%d}")
    day = f"{moment.year:04}-{moment:%m-%d}"
    assert (datestamps.to_text(first), datestamps.to_text(last)) == (f"{day}T00:00:00Z", f"{day}T23:59:59Z")


@given(st.text(string.digits + "-", max_size=11) | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", fullmatch=True))
def test_what_is_a_day_is_what_python_takes_for_one(text):
    try:
        day = date.fromisoformat(text) if text.count("-") == 2 else None
    except ValueError:
        day = None
    if day is None:
        with pytest.raises(ValueError):
            datestamps.parse(text)
    else:
        assert datestamps.to_text(datestamps.parse(text).first) == f"{text}T00:00:00Z"


@given(st.text(string.digits + "-:TZtz+. ٣", max_size=22))
def test_what_is_read_is_written_the_same(text):
    try:
        span = datestamps.parse(text)
    except ValueError:
        return
    assert datestamps.to_text(span.first) in (text, f"{text}T00:00:00Z")


@pytest.mark.parametrize(
    "text",
    [
        "", "2026", "2026-01", "2026-1-1", "20260101", "2026-02-30", "2025-02-29", "1900-02-29", "0000-01-01",
        "2026-00-01", "2026-13-01", "2026-01-00", "2026-01-01T00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00z",
        "2026-01-01t00:00:00Z", "2026-01-01T00:00:00.0Z", "2026-01-01T00:00:00+00:00", "2026-01-01T24:00:00Z",
        "2026-01-01T23:60:00Z", "2026-01-01T23:59:60Z", " 2026-01-01", "2026-01-01\n", "-2026-01-01", "٢٠٢٦-٠١-٠١",
        "2026-01-01Z", "12026-01-01",
    ],
)  # fmt: skip
def test_rule_31_what_is_no_datestamp(text):
    with pytest.raises(ValueError):
        datestamps.parse(text)


def test_leap_days_and_the_last_second():
    assert datestamps.to_text(datestamps.parse("2024-02-29").first) == "2024-02-29T00:00:00Z"
    assert datestamps.parse("2000-02-29").length == datestamps.DAY
    assert datestamps.to_text(datestamps.LAST) == "9999-12-31T23:59:59Z"
