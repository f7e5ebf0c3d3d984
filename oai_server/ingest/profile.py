"""Profiles: what a collection's files do not say about themselves, in TOML, checked when loaded.

A profile names its ``reader``; the other keys are that reader's own. Each reader states them as a msgspec ``Struct``;
an unknown or ill-typed key is an error that names it and the nearest right one.

``[defaults]`` is the same for all readers: parts of the canonical record that every record of the collection gets. In
its texts ``{id}`` stands for the record's id. Where a record has a value of its own, that wins; lists are joined, the
record's own values first (but default ``identifiers`` before: the address of an item leads).
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from metadata_formats import record as model
from oai_server.ingest.reader import ReaderError

LARGEST = 1024 * 1024
"""Bytes: no profile is longer."""

S = TypeVar("S", bound=msgspec.Struct)


def load(path: str | Path) -> tuple[str | None, dict[str, Any]]:
    """Return the reader that a profile file names (or None) and its other keys, not yet checked.

    Raises:
        ReaderError: the file cannot be read, or is not TOML.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise ReaderError(f"{path}: not a profile: larger than {LARGEST} bytes")
        keys = tomllib.loads(data.decode("utf-8-sig"))
    except OSError as error:
        raise ReaderError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReaderError(f"{path}: not TOML: {error}") from error
    reader = keys.pop("reader", None)
    if reader is not None and not isinstance(reader, str):
        raise ReaderError(f"{path}: reader: expected the name of a reader, got {reader!r}")
    return reader, keys


def checked(keys: Mapping[str, Any], shape: type[S], name: str) -> S:
    """Return the profile as the reader's own ``shape``; ``name`` is the file, for messages.

    Raises:
        ReaderError: an unknown or ill-typed key; the text names its path and the nearest right key.
    """
    try:
        return msgspec.convert(dict(keys), shape)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ReaderError(f"{name}: {_message(error, shape)}") from error


def nearest(word: str, words: Iterable[str]) -> str:
    """Return ``, did you mean 'x'?`` for the word nearest to ``word``, or the empty string."""
    known = list(words)
    folded = {other.casefold(): other for other in reversed(known)}
    close = difflib.get_close_matches(word.casefold(), list(folded), 1, 0.5)
    return f", did you mean {folded[close[0]]!r}?" if close else ""


class Defaults:
    """The checked ``[defaults]`` of a profile, ready to be laid under records."""

    def __init__(self, values: Mapping[str, Any], name: str) -> None:
        """Take the values of the table as they stand in the file called ``name``.

        Raises:
            ReaderError: they are no parts of a record.
        """
        self._constant: dict[str, Any] = {}
        self._varying: dict[str, Callable[[str], Any]] = {}
        for key, value in values.items():
            varies = _varies(value)
            if varies:
                self._varying[key] = _template(value)
            else:
                self._constant[key] = value
        trial = {"id": "id", "titles": [{"value": "title"}]}
        self.under(trial)
        if "id" in values:
            raise ReaderError(f"{name}: defaults.id: every record has an id of its own")
        try:
            model.from_builtins(trial)
        except model.RecordError as error:
            raise ReaderError(f"{name}: defaults: {_suggestion(str(error), model.Record)}") from error

    def under(self, record: dict[str, Any]) -> None:
        """Fill up ``record`` in place. Values of the profile are shared, not copied: they must not be changed."""
        for key, value in self._constant.items():
            record[key] = _joined(key, record[key], value) if key in record else value
        for key, made in self._varying.items():
            value = made(record["id"])
            record[key] = _joined(key, record[key], value) if key in record else value


def _joined(key: str, own: Any, default: Any) -> Any:
    if isinstance(own, list) and isinstance(default, list):
        return default + own if key == "identifiers" else own + default
    if isinstance(own, dict) and isinstance(default, dict):
        more = {name: _joined(name, own[name], value) if name in own else value for name, value in default.items()}
        return {**own, **more}
    return own


def _varies(value: Any) -> bool:
    if isinstance(value, str):
        return "{id}" in value
    return any(map(_varies, value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()))


def _template(value: Any) -> Callable[[str], Any]:
    """Return what makes ``value`` with ``{id}`` filled in."""
    if isinstance(value, str):
        return lambda id_: value.replace("{id}", id_)
    if isinstance(value, list):
        items = [_template(item) for item in value]
        return lambda id_: [item(id_) for item in items]
    if isinstance(value, dict):
        named = {key: _template(item) for key, item in value.items()}
        return lambda id_: {key: item(id_) for key, item in named.items()}
    return lambda _id: value


def _message(error: Exception, shape: type[msgspec.Struct]) -> str:
    text, found, path = str(error).rpartition(" - at `$")
    if not found:
        return _suggestion(str(error), shape)
    return f"{path.rstrip('`').lstrip('.')}: {_suggestion(text, shape)}"


def _suggestion(message: str, shape: type[msgspec.Struct]) -> str:
    unknown = re.search(r"unknown field `([^`]*)`", message)
    if unknown is None:
        return message
    return message + nearest(unknown[1], sorted(_names(shape, set())))


def _names(shape: Any, seen: set[Any]) -> set[str]:
    """Return the keys of ``shape`` and of all shapes inside it."""
    names: set[str] = set()
    todo = [msgspec.inspect.type_info(shape)]
    while todo:
        info = todo.pop()
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls in seen:
                continue
            seen.add(info.cls)
            names.update(field.encode_name for field in info.fields)
            todo += [field.type for field in info.fields]
        elif isinstance(info, msgspec.inspect.UnionType):
            todo += info.types
        elif isinstance(info, msgspec.inspect.ListType):
            todo.append(info.item_type)
        elif isinstance(info, msgspec.inspect.DictType):
            todo.append(info.value_type)
    return names
