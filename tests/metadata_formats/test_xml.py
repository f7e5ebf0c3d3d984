"""Markup that is written as text: what a parser makes of it is what was said, however long and odd it was."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from metadata_formats.xml import Document, branch, leaf, wrap

LENGTHS = (0, 1, 98, 99, 100, 101, 5_000, 9_998, 9_999, 10_000, 10_001)
"""Characters of a text before its end: short, long, and long enough to be made anew each time."""
PIECES = ("  ", " ", "\t", "\u00a0", "\u2028", "a", "&", "<", ">", "]]>", "é", "日", "𝔘")
TEXT = st.builds(
    lambda length, start, pieces, end: f"{start}{'long ' * (length // 5)}{'x' * (length % 5)}{''.join(pieces)}{end}",
    st.sampled_from(LENGTHS),
    st.sampled_from(("", " ", "\n", "&", "x")),
    st.lists(st.sampled_from(PIECES), max_size=6),
    st.sampled_from(("", " ", "\u3000", ".")),
)
CHILDREN = st.lists(st.sampled_from(("", "<b>1</b>", "<b>2</b>", "<b>\n  <c>3</c>\n</b>", "<d/>")), max_size=6)


@given(TEXT)
def test_text_is_escaped_with_single_spaces_the_second_time_too(text: str):
    for _ in range(2):
        made = leaf("a", text, ' b="c"')
        assert bool(made) == bool(text.strip())
        assert not made or etree.fromstring(made).text == " ".join(text.split())


def test_every_character_is_as_white_in_long_text_as_in_short():
    half = "x" * 51
    odd = [
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if character not in "&<>"
        and leaf("a", text := f"{half}{character}{half}") != f"<a>{' '.join(text.split())}</a>"
    ]
    assert odd == []


@given(CHILDREN, st.booleans())
def test_elements_stand_in_their_order_and_once_unless_they_repeat(children: list[str], repeat: bool):
    made = branch("a", children, repeat=repeat)
    kept = [child for child in children if child]
    kept = kept if repeat else [*dict.fromkeys(kept)]
    lines = [f"  {line}" for child in kept for line in child.split("\n")]
    assert made == ("\n".join(["<a>", *lines, "</a>"]) if kept else "")
    if len(kept) < 2:
        assert wrap("a", "".join(kept)) == made


@pytest.mark.parametrize("character", [*map(chr, range(32)), "\x7f", "\ufffd", "\ufffe", "\uffff", "\U0001fffe"])
def test_a_document_has_the_characters_of_xml_alone(character: str):
    document = Document("urn:x", f"<a>é{character}日</a>")
    if character in "\t\n\r\x7f\ufffd\U0001fffe":
        assert etree.fromstring(document.to_bytes()) is not None
    else:
        with pytest.raises(ValueError, match="forbids"):
            document.to_bytes()
