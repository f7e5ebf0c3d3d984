"""A record is read from JSON without being cleaned where nothing is to clean: it is the same, whatever the bytes."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from metadata_formats import record as model

PIECES = [
    *(
        b"a",
        b"=",
        rb"\u0001",
        rb"\u001f",
        rb"\ud800",
        rb"\ud83d\ude00",
        rb"\ufffe",
        rb"\b",
        rb"\f",
        rb"\n",
        rb"\\u0001",
    ),
    *(rb"\/", rb"\"", b"\x01", b"\x7f", b"\xed\xa0\x80", b"\xc0\x80", b"\xff", b"\xe2\x82", b"\xf4\x90\x80\x80"),
    *(char.encode() for char in "\u0301\u0338\u1100\u1161\u212b\u00e9\u0085\ufeff\ufffe\uffff"),
]
TEXT = st.lists(st.sampled_from(PIECES), max_size=5).map(b"".join)


@settings(max_examples=1000, deadline=None)
@given(TEXT, TEXT, TEXT)
def test_what_needs_no_cleaning_is_as_it_would_be_cleaned(first: bytes, second: bytes, name: bytes):
    data = b'{"id":"x%b","titles":[{"value":"T%b"}],"extra":{"k%b":{"%b":["%b"]}}}' % (
        first,
        second,
        name,
        first,
        second,
    )
    try:
        expected = model._cleaned(model._decoder.decode(data)).to_json()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        expected = None
    try:
        found = model.from_json(data).to_json()
    except model.RecordError:
        found = None
    assert found == expected
