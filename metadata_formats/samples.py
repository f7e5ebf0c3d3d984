"""Records to try formats on: the smallest, ones with a value in every field of the model, and a hostile one.

They are made from the types of the model, so a new field is in them at once; what types cannot say, as which texts are
dates or addresses, stands in the tables below.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from metadata_formats.record import Record, from_builtins

Words = Callable[[str], str]
"""Makes the text of a field, by its name."""

HOSTILE = "a & b < c > \"d\" 'e' ]]> \u202eשלום\u202c 👩‍👩‍👧‍👦 e\u0301 \ud7ff\u2028 \x07 end"
"""Markup, writing from right to left, characters beyond 16 bits, combining ones, a control character."""

LONG = "A long abstract. " * 60_000
"""A megabyte."""

_DATE = "{year}-06-08"
_URI = "https://example.org/{number}"
_TEXTS = {
    **dict.fromkeys(("edtf", "dates", "embargo_until", "created", "changed"), _DATE),
    **dict.fromkeys(("uri", "url", "repository_uri", "holder_uri", "award_uri"), _URI),
    **dict.fromkeys(("data_provider_uri", "base_url", "metadata_namespace"), _URI),
    **dict.fromkeys(("lang", "tag", "description_lang"), "en"),
    **dict.fromkeys(("datestamp", "harvest_date"), "2001-02-03T04:05:06Z"),
    "rights_uri": "http://creativecommons.org/licenses/by/4.0/",
    "language": "eng",
    "country": "bu",
    "year": "1967",
    "mime": "image/jpeg",
    "media_types": "image/jpeg",
    "metadata_licence": "http://creativecommons.org/publicdomain/zero/1.0/",
}
_PATTERNS = {"^[a-z]{3}$": "eng", "^[A-Z][a-z]{3}$": "Latn", "^[a-z](-[a-z]{1,3}){0,2}$": "e-bu"}
_ROLES = ("aut", "pbl", "edt", "ill")
_OTHERWISE = frozenset({"invalid", "key"})
"""What would take the rest of its shape away if it were true everywhere."""


def smallest() -> Record:
    """Return a record of an id and a title."""
    return from_builtins({"id": "1", "titles": [{"value": "A title"}]})


def filled(words: Words = "Some {}".format, resource_type: str = "text") -> Record:
    """Return a record with a value in every field, and one of each kind where a field says of which kind it is."""
    numbers = itertools.count(1)

    def text(name: str) -> str:
        number = next(numbers)  # no two values are equal: formats give equal ones once
        return _TEXTS.get(name, f"{words(name)} {number}").format(number=number, year=1900 + number % 100)

    values = {**_made(Record, text), "resource_type": resource_type}
    values["titles"][0]["type"] = "main"
    values["dates"][0]["key"] = True
    values["rights"]["uri"] = "http://rightsstatements.org/vocab/InC/1.0/"
    values["provider"]["country"] = "Bulgaria"
    values["languages"][0]["role"] = "text"
    for agent, role in zip(values["agents"], _ROLES, strict=True):
        agent["roles"] = [role]
    values["notes"].append({"value": text("value")})
    for subject in values["subjects"]:
        if subject["type"] != "place":  # only a place has levels
            del subject["parts"]
    steps = [{"type": kind, "label": text(kind)} for kind in ("topic", "place")]
    values["subjects"].append({"type": "topic", "parts": steps})
    values["identifiers"].append({"type": "doi", "value": "10.1000/182"})
    values["record"].pop("lang")
    values["record"]["status"] = "active"
    return from_builtins(values)


def hostile() -> Record:
    """Return a record with everything in every field that a careless format stumbles over, and a very long text."""
    values = msgspec.to_builtins(filled(lambda name: f"{HOSTILE} {name}"))
    return from_builtins({**values, "abstracts": [HOSTILE, LONG]})


def corpus() -> Iterator[tuple[str, Record]]:
    """Yield all these records with what they are."""
    yield "the smallest record", smallest()
    for kind in kinds():
        yield f"a full record ({kind})", filled(resource_type=kind)
    yield "a hostile record", hostile()


def kinds() -> list[str]:
    """Return the kinds of things that records describe (``resource_type``)."""
    return next(_words(field.type) for field in _fields(Record) if field.name == "resource_type")


def _words(info: inspect.Type) -> list[str]:
    """Return the words that a field is limited to; none where it is not."""
    types = info.types if isinstance(info, inspect.UnionType) else (info,)
    return [str(value) for each in types if isinstance(each, inspect.LiteralType) for value in each.values]


def _value(info: inspect.Type, name: str, words: Words) -> Any:
    match info:
        case inspect.StructType(cls=shape):
            return _made(shape, words)
        case inspect.UnionType(types=types):
            shapes = [each for each in types if isinstance(each, inspect.StructType)]
            return _value(shapes[0] if shapes else types[0], name, words)
        case inspect.ListType(item_type=item, min_length=least):
            return [each for _ in range(least or 1) for each in _items(item, name, words)]
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.BoolType():
            return name not in _OTHERWISE
        case inspect.IntType() | inspect.FloatType():
            return 1
        case inspect.StrType(pattern=str(pattern)):
            return _PATTERNS[pattern]
        case inspect.StrType():
            return words(name)
        case _:
            return {"plugin": words(name)}


def _items(item: inspect.Type, name: str, words: Words) -> Iterator[Any]:
    """Yield the members of a list: of a shape that has kinds, one of each."""
    fields = item.fields if isinstance(item, inspect.StructType) else ()
    kinds = [{field.name: kind} for field in fields if field.name in ("type", "role") for kind in _words(field.type)]
    for kind in kinds:
        yield {**_value(item, name, words), **kind}
    if not kinds:
        yield _value(item, name, words)


def _made(shape: type, words: Words) -> dict[str, Any]:
    return {field.name: _value(field.type, field.name, words) for field in _fields(shape)}


@cache
def _fields(shape: type) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(shape)
    assert isinstance(info, inspect.StructType)
    return info.fields
