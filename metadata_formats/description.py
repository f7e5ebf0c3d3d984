"""What a plug-in says of its format in a TOML file: read, checked, and refused in one line that names the place."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TypeVar

import msgspec

from metadata_formats.registry import FormatError
from metadata_formats.spelling import nearest

LARGEST = 4 * 1024 * 1024
"""Bytes: no file of a plug-in is longer."""


class Described(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What every such file says. ``schema`` is the public address of the XML schema."""

    prefix: str
    namespace: str
    schema: str


D = TypeVar("D", bound=Described)


def content(path: Path) -> bytes:
    """Return a file of a plug-in.

    Raises:
        FormatError: it cannot be read, or is too long.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise FormatError(f"{path}: {error.strerror or error}") from error
    if len(data) > LARGEST:
        raise FormatError(f"{path}: longer than {LARGEST} bytes")
    return data


def read(path: Path, shape: type[D]) -> D:
    """Return what a file says.

    Raises:
        FormatError: it is no TOML, or has an unknown or ill-typed key; the text names the nearest right one.
    """
    try:
        return msgspec.convert(tomllib.loads(content(path).decode("utf-8-sig")), shape)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"{path}: not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise FormatError(f"{path}: {_readable(str(error), shape)}") from error


def _readable(message: str, shape: type[Described]) -> str:
    text, found, where = message.rpartition(" - at `$")
    where = re.sub(r"\[(\d+)\]", lambda index: f" {int(index[1]) + 1}", where).replace("[...]", "[]")
    place = f"{where.rstrip('`').lstrip('.')}: " if found else ""
    said = text if found else message
    if unknown := re.search(r"unknown field `([^`]*)`", said):
        said = f"there is no key {unknown[1]!r}{nearest(unknown[1], _keys(shape))}"
    return f"{place}{said}"


def _keys(shape: type[msgspec.Struct]) -> list[str]:
    """Return the keys of a shape and of the shapes in its lists."""
    found: dict[str, None] = {}
    todo, seen = [shape], set()
    while todo:
        one = todo.pop()
        seen.add(one)
        for field in msgspec.structs.fields(one):
            found[field.encode_name] = None
        todo += [other for other in _inner(one) if other not in seen]
    return list(found)


def _inner(shape: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    info = msgspec.inspect.type_info(shape)
    assert isinstance(info, msgspec.inspect.StructType)
    lists = [field.type.item_type for field in info.fields if isinstance(field.type, msgspec.inspect.ListType)]
    return [item.cls for item in lists if isinstance(item, msgspec.inspect.StructType)]
