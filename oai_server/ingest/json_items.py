"""The elements of a JSON array, one at a time: all of them at once may take fifty times the memory of their text."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

_TOKEN = re.compile(rb"""[\[{]|[\]}]|,|"[^"\\]*+(?:\\.[^"\\]*+)*+\"""", re.DOTALL)


def items(data: bytes) -> Iterator[bytes]:
    """Yield the bytes of each element of an array.

    Raises:
        msgspec.MsgspecError, UnicodeDecodeError, RecursionError: it is not JSON; then no element was yielded.
    """
    msgspec.json.decode(data, type=msgspec.Raw)  # looks at all of it, and keeps nothing
    depth, start = 0, 0
    for token in _TOKEN.finditer(data):
        kind = token[0]
        if kind in b"[{":
            depth += 1
            start = start if depth > 1 else token.end()
        elif kind in b"]}":
            depth -= 1
        if (kind == b"," and depth == 1) or not depth:
            piece = data[start : token.start()].strip()
            start = token.end()
            if piece:  # an empty array has none
                yield piece
