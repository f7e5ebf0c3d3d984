"""What a format does not carry, found by trying: a value is taken away or changed, and the rendition stays as it was.

This is true of every format, however it is made: nobody need keep a list. A value counts as carried where any change of
it shows, even if it only decides between two elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import inspect

from metadata_formats.record import Record, RecordError, from_builtins
from metadata_formats.registry import Context, Format, FormatError, rendition

Render = Callable[[Record], bytes | None]
"""Gives the rendition of a record in the format that is tried; nothing where it has none, or fails."""

_RECORD = inspect.type_info(Record)
_ADDRESS = "https://example.org/other"
OTHER_TEXTS = {
    **dict.fromkeys(("edtf", "dates", "embargo_until"), ("1901-02-03", "1902")),
    **dict.fromkeys(("uri", "url", "repository_uri", "holder_uri", "rights_uri", "metadata_licence"), (_ADDRESS,)),
    **dict.fromkeys(("lang", "tag", "description_lang"), ("cy", "de")),
    **dict.fromkeys(("code", "language"), ("fre", "ger")),
    "script": ("Grek", "Cyrl"),
    "roles": ("ill", "aut"),
    "gac": ("n-us", "e-bu"),
}
"""What a text is changed into where it may not be any, by its key; others are made longer."""


def rendering(format_: Format, context: Context) -> Render:
    """Return what renders records in a format, and gives nothing where it fails."""

    def render(record: Record) -> bytes | None:
        try:
            return rendition(format_, record, context)
        except FormatError:
            return None

    return render


class Value(msgspec.Struct, frozen=True):
    """A value of a record: its path as in ``dates.edtf``, where it stands among the keys and lists, and its type."""

    path: str
    steps: tuple[str | int, ...]
    type: inspect.Type
    said: Any


@dataclass
class Lost:
    """A path of the model, and what becomes of the values there: in how many records none, or not all, are carried."""

    path: str
    records: int = 0
    none: int = 0
    some: int = 0
    example: str = ""


@dataclass
class Losses:
    """What is lost of the records that were tried."""

    tried: int = 0
    not_given: int = 0
    paths: dict[str, Lost] = field(default_factory=dict)

    @property
    def lost(self) -> list[Lost]:
        """The paths of which something is lost, those of most records first."""
        found = (one for one in self.paths.values() if one.none or one.some)
        return sorted(found, key=lambda one: (-one.none, -one.some, one.path))

    @property
    def never(self) -> list[str]:
        """The paths of which nothing is carried, and in their place the path above them where that holds of all."""
        carried = {path for path, one in self.paths.items() if one.none < one.records}
        above = {path[:at] for path in carried for at in range(len(path)) if path[at] == "."}
        found = set()
        for path in self.paths.keys() - carried:
            keys = path.split(".")
            steps = (".".join(keys[:length]) for length in range(1, len(keys) + 1))
            found.add(next(step for step in steps if step not in carried and step not in above))
        return sorted(found)

    def add(self, record: Record, render: Render) -> None:
        """Try one record; one that the format does not give has lost nothing by it."""
        before = render(record)
        if before is None:
            self.not_given += 1
            return
        self.tried += 1
        plain = msgspec.to_builtins(record)
        seen: dict[str, set[bool]] = {}
        for value in values(plain):
            became = seen.setdefault(value.path, set())
            if len(became) == 2:  # one is carried and one is not: more of them say nothing new
                continue
            shows = _shows(plain, value, before, render)
            became.add(shows)
            if not shows:
                one = self.paths.setdefault(value.path, Lost(value.path))
                one.example = one.example or str(value.said)
        for path, became in seen.items():
            one = self.paths.setdefault(path, Lost(path))
            one.records += 1
            one.none += became == {False}
            one.some += len(became) == 2


def values(plain: Mapping[str, Any]) -> Iterator[Value]:
    """Yield every single value of a record, given as plain data."""
    yield from _values(plain, _RECORD, (), ())


def _values(said: Any, info: inspect.Type, names: tuple[str, ...], steps: tuple[str | int, ...]) -> Iterator[Value]:
    if isinstance(said, list):
        item = next((each.item_type for each in _kinds(info) if isinstance(each, inspect.ListType)), info)
        for index, each in enumerate(said):
            yield from _values(each, item, names, (*steps, index))
    elif isinstance(said, dict) and (shape := _shape(info, said)):
        types = {one.name: one.type for one in shape.fields}
        for name, each in said.items():
            yield from _values(each, types[name], (*names, name), (*steps, name))
    else:
        yield Value(".".join(names), steps, info, said)


def _kinds(info: inspect.Type) -> tuple[inspect.Type, ...]:
    return info.types if isinstance(info, inspect.UnionType) else (info,)


def _shape(info: inspect.Type, said: Mapping[str, Any]) -> inspect.StructType | None:
    shapes = (each for each in _kinds(info) if isinstance(each, inspect.StructType))
    return next((each for each in shapes if said.keys() <= {one.name for one in each.fields}), None)


def _shows(plain: Any, value: Value, before: bytes, render: Render) -> bool:
    """Tell whether some change of a value changes the rendition; one that cannot change is implied by others."""
    tried = False
    for variant in (_without(plain, value.steps), *(_with(plain, value.steps, other) for other in _others(value))):
        try:
            record = from_builtins(variant)
        except RecordError:
            continue
        if render(record) != before:
            return True
        tried = True
    return not tried


def _others(value: Value) -> Iterator[Any]:
    """Yield other values that may stand in a value's place."""
    words = [each for kind in _kinds(value.type) if isinstance(kind, inspect.LiteralType) for each in kind.values]
    if words:
        yield from (word for word in words if word != value.said)
    elif isinstance(value.said, bool):
        yield not value.said
    elif isinstance(value.said, (int, float)):
        yield value.said + 1
        yield value.said - 1
    elif isinstance(value.said, str):
        texts = OTHER_TEXTS.get(value.path.rpartition(".")[2], (f"{value.said} and more",))
        yield from (text for text in texts if text != value.said)
    else:
        yield {"other": "words"}


def _without(plain: Any, steps: tuple[str | int, ...]) -> Any:
    """Return plain data without what stands at these steps."""
    first, *rest = steps
    if isinstance(plain, list):
        assert isinstance(first, int)
        kept = [_without(plain[first], tuple(rest))] if rest else []
        return [*plain[:first], *kept, *plain[first + 1 :]]
    return {
        key: _without(each, tuple(rest)) if key == first else each
        for key, each in plain.items()
        if rest or key != first
    }


def _with(plain: Any, steps: tuple[str | int, ...], other: Any) -> Any:
    """Return plain data with something else at these steps."""
    if not steps:
        return other
    first, *rest = steps
    if isinstance(plain, list):
        assert isinstance(first, int)
        return [*plain[:first], _with(plain[first], tuple(rest), other), *plain[first + 1 :]]
    return {key: _with(each, tuple(rest), other) if key == first else each for key, each in plain.items()}
