"""XML as the crosswalks of this library write it: text in, escaped and indented markup out, nothing malformed.

A record has a hundred small elements, and to build a tree of them takes longer than the whole rendition does as text.
So an element is its own markup here, a string that only the functions below make: they collapse white space, escape,
and leave out what is empty. That markup has no line breaks but those of the indentation, so an element is indented by
indenting its lines.

Three kinds of string occur, and every parameter is named for one of them: ``text`` (anything, will be escaped),
``attributes`` (made by :func:`attribute`, or a constant) and ``children`` (elements). All are empty where there is
nothing to say, and what is made of nothing is empty again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r")
_PLAIN_URI = re.compile(r"[A-Za-z0-9:/?@!$&'()*+,;=~._-]*(?:#[A-Za-z0-9:/?@!$&'()*+,;=~._-]*)?")
_URI_PARTS = re.compile(r"([^:/?#]+:(?://[^/?#]*)?)([^#]*)(#?)(.*)")  # up to the host, up to the fragment, fragment
_ABSOLUTE_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]*:(//([^/?#@\[\]:]*(:[^/?#@\[\]:]*)?@)?([^/?#@\[\]:]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
    r"([/?#].*)?|(?!//).*)"
)
_URI_SAFE = ":/?@!$&'()*+,;=%"
_LONE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
LANGUAGE = re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*")  # xs:language


class Document(NamedTuple):
    """A whole document: the namespace of its root, and its markup, well formed if its characters are legal."""

    namespace: str
    markup: str

    def to_bytes(self) -> bytes:
        """Return the document in UTF-8.

        Raises:
            ValueError: it has a character that XML 1.0 forbids (section 2.2).
        """
        markup = self.markup
        data = markup.encode()
        if len(data.translate(None, _CONTROLS)) != len(data) or "\ufffe" in markup or "\uffff" in markup:
            raise ValueError("a character that XML 1.0 forbids")
        return data


def collapse(text: str | None) -> str:
    """Return text with every run of white space as one space, and none at its ends."""
    return " ".join(text.split()) if text else ""


def leaf(tag: str, text: str | None, attributes: str = "") -> str:
    """Return an element of text; nothing where the text is blank."""
    if not text:
        return ""
    if len(text) > _LONG:
        text = _remembered(text) if len(text) < _VERY_LONG else _long_content(text)
    else:
        text = " ".join(text.split())
        if "&" in text or "<" in text or ">" in text:
            text = _escaped(text)
    return f"<{tag}{attributes}>{text}</{tag}>" if text else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _long_content(text: str) -> str:
    """Return long text as it stands in an element; to see that its white space is right is quicker than to make it so.

    Of all white space, only the space is printable.
    """
    if not text.isprintable() or "  " in text or text[0] == " " or text[-1] == " ":
        text = " ".join(text.split())
    return _escaped(text) if "&" in text or "<" in text or ">" in text else text


_LONG, _VERY_LONG = 100, 10_000  # characters
_remembered = lru_cache(maxsize=32)(_long_content)
"""The same of text that every format of a record has, as an abstract; few are remembered, and no whole book."""


def wrap(tag: str, child: str, attributes: str = "") -> str:
    """Return an element of one element; nothing where that is empty."""
    if not child:
        return ""
    child = child.replace("\n", "\n  ")
    return f"<{tag}{attributes}>\n  {child}\n</{tag}>"


def branch(tag: str, children: Iterable[str], attributes: str = "", *, repeat: bool = False) -> str:
    """Return an element of elements, in their order and equal ones once (all of them where ``repeat`` is set).

    Nothing where all of them are empty.
    """
    lines = [*filter(None, children)]
    if not lines:
        return ""
    if not repeat and len(lines) > 1 and len(set(lines)) < len(lines):
        lines = [*dict.fromkeys(lines)]
    inner = "\n".join(lines).replace("\n", "\n  ")
    return f"<{tag}{attributes}>\n  {inner}\n</{tag}>"


def attribute(name: str, text: str | None) -> str:
    """Return an attribute, led by a space; nothing where the text is blank."""
    if not text or not (text := " ".join(text.split())):
        return ""
    if "&" in text or "<" in text or '"' in text:
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return f' {name}="{text}"'


@lru_cache(maxsize=4096)
def language(tag: str | None, default: str | None = None) -> str:
    """Return ``xml:lang`` for a BCP 47 tag, or for the default where there is none; nothing for what is no tag."""
    tag = tag or default
    return f' xml:lang="{tag}"' if tag and LANGUAGE.fullmatch(tag) else ""


def uri(text: str | None) -> str | None:
    """Return a URI with all percent-encoded that RFC 3986 wants so: then every validator takes it for xs:anyURI.

    Brackets belong around an IPv6 host and nowhere else, a hash mark before the fragment.
    """
    if not text or _PLAIN_URI.fullmatch(text):
        return text
    parts = _URI_PARTS.fullmatch(_LONE_PERCENT.sub("%25", text))
    if parts is None:
        return None
    host, path, mark, fragment = parts.groups()
    return quote(host, safe=_URI_SAFE + "[]") + quote(path, safe=_URI_SAFE) + mark + quote(fragment, safe=_URI_SAFE)


def is_uri(text: str) -> bool:
    """Tell whether text is an absolute URI as RFC 3986 writes it, with nothing left to encode.

    It has a scheme, and behind that anything, or a host, perhaps with a user before it and a port after it.
    """
    return _ABSOLUTE_URI.fullmatch(text) is not None and uri(text) == text


def uri_attribute(name: str, text: str | None) -> str:
    """Return an attribute that is a URI; nothing where there is none."""
    return attribute(name, uri(text))
