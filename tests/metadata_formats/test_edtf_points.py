"""What crosswalks read from an EDTF date (crosswalk, section 3.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata_formats import edtf_dates
from metadata_formats.edtf_dates import Point

AS_WRITTEN = "as written"


@pytest.mark.parametrize(
    ("edtf", "literal"),
    [
        ("1967-06-08", "1967-06-08"),
        ("1967-06", "1967-06"),
        ("1962/1967", "1962/1967"),
        ("1967~", "1967"),
        ("1967-06?", "1967-06"),
        ("1967%", "1967"),
        ("1962~/1967?", "1962/1967"),
        ("196X", "1960/1969"),
        ("19XX", "1900/1999"),
        ("196X/197X", "1960/1979"),
        ("1967-XX", "1967"),
        ("1967-06-XX", "1967-06"),
        ("2004-01-01T10:10:10Z", "2004-01-01T10:10:10Z"),
        ("2004-01-01T10:10:10", "2004-01-01"),
    ],
)
def test_plain_forms_are_given_as_dates_whatever_was_written(edtf, literal):
    assert edtf_dates.is_valid(edtf)
    assert edtf_dates.literal(edtf) == literal
    assert edtf_dates.literal(edtf, AS_WRITTEN) == literal


@pytest.mark.parametrize(
    ("edtf", "literal"),
    [
        ("1967/..", "1967/.."),
        ("/1967", "../1967"),
        ("[1667,1669]", "1667/1669"),
        ("{1667..1669}", "1667/1669"),
        ("1967-21", "1967-03-01/1967-05-31"),
        ("-0044/1967", "-0044/1967"),
        ("Y170000002", "Y170000002"),
    ],
)
def test_other_forms_are_given_as_written_else_by_their_bounds(edtf, literal):
    assert edtf_dates.is_valid(edtf)
    assert edtf_dates.literal(edtf, AS_WRITTEN) == AS_WRITTEN
    assert edtf_dates.literal(edtf) == literal


def test_points_are_w3cdtf_with_their_qualifier():
    assert edtf_dates.points("1967-06-08") == (Point("1967-06-08"),)
    assert edtf_dates.points("1967~") == (Point("1967", "approximate"),)
    assert edtf_dates.points("1962/1967?") == (Point("1962"), Point("1967", "questionable"))


@pytest.mark.parametrize("edtf", ["1967%", "196X", "1967/..", "1967-21", "[1667,1669]", "2004-01-01T10:10:10", "-0044"])
def test_what_w3cdtf_cannot_say_has_no_points(edtf):
    assert edtf_dates.points(edtf) == ()


days = st.dates().map(lambda day: day.isoformat())


@given(days, days, st.sampled_from(["", "~", "?"]))
def test_an_interval_has_the_bounds_of_its_ends(one, other, mark):
    first, last = sorted((one, other))
    interval = f"{first}{mark}/{last}"
    assert edtf_dates.is_valid(interval)
    assert edtf_dates.bounds(interval) == (first, last)
    assert [point.value for point in edtf_dates.points(interval)] == [first, last]


@given(st.integers(0, 999))
def test_a_decade_lies_between_its_years(decade):
    edtf = f"{decade:03}X"
    assert edtf_dates.is_valid(edtf)
    assert edtf_dates.bounds(edtf) == (f"{decade:03}0", f"{decade:03}9")


@given(st.text(max_size=30))
def test_any_text_has_an_answer(text):
    edtf_dates.bounds(text)
    edtf_dates.points(text)
    assert isinstance(edtf_dates.literal(text), str)
