"""The envelope of every answer (OAI-PMH 2.0 section 3.2), and how text becomes XML: strings and bytes, no tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from oai_server.protocol import datestamps
from oai_server.protocol.errors import Fault

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/ http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd">\n'
)
_TAIL = b"</OAI-PMH>\n"

# What XML 1.0 cannot hold (section 2.2, production 2), and what would not come back from an attribute as it was.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)


def escape(text: str) -> str:
    """Return text for the content of an element or for an attribute in double quotes."""
    return _FORBIDDEN.sub("", text).translate(_ENTITIES)


def element(name: str, text: str) -> str:
    """Return an element that holds text."""
    return f"<{name}>{escape(text)}</{name}>\n"


def attributes(values: Mapping[str, str]) -> str:
    """Return attributes, each with a space before it."""
    return "".join(f' {name}="{escape(value)}"' for name, value in values.items())


def document(base_url: str, responded: int, echo: Mapping[str, str], content: Iterable[bytes]) -> bytes:
    """Return a whole answer: ``responded`` is the responseDate, ``echo`` the attributes of ``<request>``."""
    opening = (
        f"{_HEAD}<responseDate>{datestamps.to_text(responded)}</responseDate>\n"
        f"<request{attributes(echo)}>{escape(base_url)}</request>\n"
    )
    return b"".join([opening.encode(), *content, _TAIL])


def errors(faults: Sequence[Fault]) -> bytes:
    """Return the ``<error>`` elements."""
    return "".join(f'<error code="{code}">{escape(text)}</error>\n' for code, text in faults).encode()
