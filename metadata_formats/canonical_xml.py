"""The canonical record as XML, for stylesheets: every key is an element, and nothing is an attribute.

``<record xmlns="urn:oai-server:record">`` has the keys of the model in its order. A list is its element repeated, one
for each of its members; true is ``true``, and what is false or empty is left out. Two things are plainer than in JSON:
a text that may name its language always has a ``value`` (and a ``lang``), and a word that a key has by default, as the
``type`` of a title, is written. White space is kept.

``extra`` holds what others put there, in the order of its keys: characters of these that cannot stand in the name of
an element are ``_x0020_`` (the number of the character, hexadecimal), and a list in a list has the element ``item``.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, inspect

from metadata_formats.record import Record, Text
from metadata_formats.xml import Document

NAMESPACE = "urn:oai-server:record"
RELEASE = "1"
"""Changes whenever the XML of some record does: then what stylesheets make of it changes too."""

_NAME_START = "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d"
_NO_NAME = re.compile(
    rf"_(?=x[0-9A-F]{{4,6}}_)|(?<![\s\S])[^{_NAME_START}]|[^{_NAME_START}\-.0-9\u00b7\u0300-\u036f\u203f-\u2040]"
)
"""What cannot stand in a name, or stand first; and an underscore that could be taken for the beginning of a number."""


def to_xml(record: Record) -> Document:
    """Return a record as XML."""
    lines = [f'<record xmlns="{NAMESPACE}">']
    for name, value in values(record).items():
        _write(name, value, "\n  ", lines)
    return Document(NAMESPACE, "".join([*lines, "\n</record>"]))


def values(record: Record) -> dict[str, Any]:
    """Return a record as plain data that says what its XML says: texts as ``{value, lang}``, words by default."""
    plain: dict[str, Any] = _plain(record)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        worded = _worded(type(value))
        found: dict[str, Any] = {}
        for name in value.__struct_fields__:
            said = getattr(value, name)
            if said is None or said is False or said is UNSET or said == "" or said == []:
                continue
            if name in worded:
                said = [_text(each) for each in said] if isinstance(said, list) else _text(said)
            found[name] = _plain(said)
        return found
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):  # in order: a record that comes from the store has it sorted
        return {key: _plain(value[key]) for key in sorted(value, key=str)}
    return value


def _text(words: str | Text) -> Text:
    return Text(value=words) if isinstance(words, str) else words


@cache
def _worded(shape: type[msgspec.Struct]) -> frozenset[str]:
    """Return the keys of a shape whose texts may name their language."""

    def is_words(info: inspect.Type) -> bool:
        if isinstance(info, inspect.ListType):
            return is_words(info.item_type)
        types = info.types if isinstance(info, inspect.UnionType) else ()
        return any(isinstance(each, inspect.StructType) and each.cls is Text for each in types)

    info = inspect.type_info(shape)
    assert isinstance(info, inspect.StructType)
    return frozenset(field.name for field in info.fields if is_words(field.type))


def _write(name: str, value: Any, indent: str, lines: list[str]) -> None:
    """Append the elements of one key, each led by its line break and indentation."""
    if isinstance(value, str):
        if "&" in value or "<" in value or ">" in value or "\r" in value:
            value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            value = value.replace("\r", "&#13;")  # parsers make a line feed of it otherwise
        lines.append(f"{indent}<{name}>{value}</{name}>")
    elif isinstance(value, list):
        for each in value:
            _write(name, {"item": each} if isinstance(each, list) else each, indent, lines)
    elif isinstance(value, dict) and value:
        lines.append(f"{indent}<{name}>")
        for key, said in value.items():
            _write(element_name(str(key)), said, indent + "  ", lines)
        lines.append(f"{indent}</{name}>")
    else:
        word = "" if value is None or value == {} else "true" if value is True else "false" if value is False else value
        lines.append(f"{indent}<{name}>{word}</{name}>")


@lru_cache(maxsize=4096)
def element_name(key: str) -> str:
    """Return a key as the name of an element, no two keys as one."""
    return _NO_NAME.sub(lambda found: f"_x{ord(found[0]):04X}_", key) or "_x_"
