"""Resumption tokens: the place where a list goes on, signed, with no state kept in the server (section 3.5).

A token is msgpack behind its HMAC, as base64 from ``A-Za-z0-9_-``, about 85 characters. Any worker or host that has
one of the keys reads it, as often as a harvester likes to send it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Sequence

import msgspec

from oai_server.protocol.errors import Fault, Refused

VERSION = 1

_TEXT = re.compile(r"[A-Za-z0-9_-]+")
_TAG = 16  # bytes of the HMAC that are kept: nobody guesses 128 bits


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A place in a list: what is needed to build the page that begins here. Times are seconds.

    ``after`` is the last item given out and ``start`` its datestamp then; at the beginning of a list ``after`` is None
    and ``start`` the lower bound. ``upper`` and ``horizon`` are those of the first page, ``cursor`` counts the records
    given out before, ``size`` is the completeListSize, and ``expires`` is compared with the horizon of the clock row:
    the protocol has no other clock.
    """

    incarnation: int
    bodies: bool
    prefix: str
    setspec: str | None
    start: int
    after: int | None
    upper: int
    horizon: int
    cursor: int
    size: int
    expires: int
    version: int = VERSION

    @property
    def verb(self) -> str:
        """The verb whose list this is."""
        return "ListRecords" if self.bodies else "ListIdentifiers"


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Place).decode


class Signer:
    """Makes tokens of places, and places of tokens. The first key signs; the others are older and still accepted.

    Raises:
        ValueError: there is no key, or an empty one.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys or not all(keys):
            raise ValueError("resumption tokens need a secret key")
        # Not the key itself: it signs other things elsewhere.
        self._keys = [hmac.digest(key.encode(), b"resumptionToken", "sha256") for key in keys]

    def token(self, place: Place) -> str:
        """Write a place as a token."""
        payload = _encode(place)
        return base64.urlsafe_b64encode(_tag(self._keys[0], payload) + payload).rstrip(b"=").decode()

    def place(self, token: str) -> Place:
        """Read a token.

        Raises:
            Refused: badResumptionToken; the text says why.
        """
        if not _TEXT.fullmatch(token):
            raise refused("it is empty" if not token else "it is not a token of this repository")
        try:
            signed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except binascii.Error:
            raise refused("it is not whole") from None
        tag, payload = signed[:_TAG], signed[_TAG:]
        if not any(hmac.compare_digest(_tag(key, payload), tag) for key in self._keys):
            raise refused("this repository did not issue it, or it was altered on its way")
        try:
            place = _decode(payload)
        except msgspec.MsgspecError:
            raise refused("another version of this repository issued it") from None
        if place.version != VERSION:
            raise refused("another version of this repository issued it")
        return place


def refused(why: str) -> Refused:
    """Return the refusal of a token, for a reason in plain words."""
    return Refused(Fault("badResumptionToken", f"the resumptionToken cannot be used: {why}; begin the list again"))


def _tag(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, "sha256")[:_TAG]
