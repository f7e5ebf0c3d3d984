"""Resumption tokens: round trip, keys, refusals."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from oai_server.protocol.errors import Refused
from oai_server.protocol.tokens import Place, Signer

seconds = st.integers(0, 1 << 34)
counts = st.integers(0, 1 << 48)
places = st.builds(
    Place, incarnation=counts, bodies=st.booleans(), prefix=st.from_regex(r"[a-z_]{1,12}", fullmatch=True),
    setspec=st.none() | st.from_regex(r"[a-z]{1,9}(:[a-z]{1,9}){0,3}", fullmatch=True), start=seconds,
    after=st.none() | counts, upper=seconds, horizon=seconds, cursor=counts, size=counts, expires=seconds,
)  # fmt: skip
A_PLACE = Place(
    1, True, "oai_dc", "wilson:korea", 1767225600, 10_000_000, 1767311999, 1767312000, 250, 1_000_000, 1767916800
)
SIGNER = Signer(["a key"])


@given(places)
def test_round_trip_in_characters_that_need_no_encoding(place):
    token = SIGNER.token(place)
    assert re.fullmatch(r"[A-Za-z0-9_.~-]+", token)
    assert SIGNER.place(token) == place


def test_a_token_is_short():
    assert len(SIGNER.token(A_PLACE)) < 120


def test_keys_rotate():
    old, rotated, new = Signer(["old"]), Signer(["new", "old"]), Signer(["new"])
    assert rotated.place(old.token(A_PLACE)) == A_PLACE
    assert new.place(rotated.token(A_PLACE)) == A_PLACE
    with pytest.raises(Refused):
        new.place(old.token(A_PLACE))


@pytest.mark.parametrize("keys", [[], [""], ["key", ""]])
def test_no_signing_without_a_key(keys):
    with pytest.raises(ValueError):
        Signer(keys)


def why(token: str) -> str:
    with pytest.raises(Refused) as caught:
        SIGNER.place(token)
    [fault] = caught.value.faults
    assert fault.code == "badResumptionToken"
    return fault.text


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("", "it is empty"),
        ("abc def", "not a token of this repository"),
        ("\N{SNOWMAN}", "not a token of this repository"),
        ("abcde", "not whole"),
        ("abcd", "did not issue it"),
        (Signer(["another key"]).token(A_PLACE), "did not issue it"),
        (SIGNER.token(A_PLACE)[:-4], "did not issue it"),
        (SIGNER.token(Place(*[getattr(A_PLACE, name) for name in Place.__struct_fields__[:-1]], version=2)), "version"),
    ],
)
def test_a_refusal_says_why(token, words):
    assert words in why(token)


@given(st.data())
def test_a_mutated_token_is_refused_or_means_the_same(data):
    token = SIGNER.token(A_PLACE)
    at = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.sampled_from("ABCdef019_-.~ %\x00é"))
    mutated = data.draw(
        st.sampled_from(
            [token[:at] + character + token[at + 1 :], token[:at], token[:at] + token[at + 1 :], token + character]
        )
    )
    assume(mutated != token)
    try:
        read = SIGNER.place(mutated)
    except Refused:
        return
    assert read == A_PLACE


@given(st.text())
def test_any_other_text_is_refused(token):
    with pytest.raises(Refused):
        SIGNER.place(token)
