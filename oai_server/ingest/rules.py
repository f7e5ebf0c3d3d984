"""Sets made by rule: ``where`` is a JMESPath expression over the canonical record (https://jmespath.org).

A record is in the set where the expression gives something: not null, false, or an empty list, object or text. A field
that a record does not have is null, or an empty list where the model has a list; comparing or searching null finds
nothing, and is no error. Beside JMESPath's own functions there is ``year(edtf)``: the first year of a date.

An expression reads one record and nothing else: no file, no network, no loop without end.
"""

from __future__ import annotations

import difflib
import hashlib
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions, signature

from metadata_formats import edtf_dates
from metadata_formats import record as model
from metadata_formats.record import Record

_YEAR = re.compile(r"-?[0-9]+")
_ANY: list[str] = []  # JMESPath's way to say that a function takes every type


class RuleError(Exception):
    """A rule that cannot be used; the text names the set and says what is wrong."""


class _Functions(Functions):
    """JMESPath's functions, of which those that search find nothing in null; and the year of a date."""

    @signature({"types": ["array", "string", "null"]}, {"types": _ANY})
    def _func_contains(self, where: Any, what: Any) -> bool:
        return where is not None and (isinstance(where, list) or isinstance(what, str)) and what in where

    @signature({"types": ["string", "null"]}, {"types": ["string"]})
    def _func_starts_with(self, text: str | None, start: str) -> bool:
        return text is not None and text.startswith(start)

    @signature({"types": ["string", "null"]}, {"types": ["string"]})
    def _func_ends_with(self, text: str | None, end: str) -> bool:
        return text is not None and text.endswith(end)

    @signature({"types": ["string", "array", "object", "null"]})
    def _func_length(self, value: Any) -> int:
        return len(value or "")

    @signature({"types": ["string", "null"]})
    def _func_year(self, text: str | None) -> int | None:
        first = edtf_dates.bounds(text)[0] if text and edtf_dates.is_valid(text) else None
        match = _YEAR.match(first or "")
        return int(match[0]) if match else None


_NOTHING: tuple[Any, ...] = (None, "", [], {})  # what is false in JMESPath, beside false itself
_FUNCTIONS = _Functions()
_OPTIONS = jmespath.Options(custom_functions=_FUNCTIONS)


class Rules:
    """The rules of the sets that have one.

    Raises:
        RuleError: an expression that is none, or names a field that no record has.
    """

    def __init__(self, where: Mapping[str, str]) -> None:
        self._expressions = {spec: _compiled(spec, text) for spec, text in sorted(where.items())}
        written = json.dumps(sorted(where.items())).encode()
        self.fingerprint = f"where={hashlib.blake2b(written, digest_size=6).hexdigest()}" if where else ""

    def sets(self, record: Record) -> tuple[set[str], list[str]]:
        """Return the sets that take the record in, and what went wrong where a rule failed with it."""
        if not self._expressions:
            return set(), []
        values = {**_EMPTY, **msgspec.to_builtins(record)}
        found = set()
        failures = []
        for spec, expression in self._expressions.items():
            try:
                result = expression.search(values, options=_OPTIONS)
            except Exception as error:  # whatever an expression stumbles over, one record must not stop an import
                failures.append(f"{spec}: {' '.join(str(error).split())}")
                continue
            if result is not False and result not in _NOTHING:
                found.add(spec)
        return found, failures


def _compiled(spec: str, text: str) -> Any:
    try:
        expression = jmespath.compile(text)
        # Functions are looked up when they are called: an unknown one must show now, not with some record.
        unknown = sorted(_named("function_expression", expression.parsed) - _FUNCTIONS.FUNCTION_TABLE.keys())
        if unknown:
            raise RuleError(f'[sets."{spec}"] where: there is no function {unknown[0]}()')
    except (JMESPathError, RecursionError) as error:
        raise RuleError(f'[sets."{spec}"] where: {" ".join(str(error).split())}') from error
    fields = _named("field", expression.parsed)
    for name in sorted(fields - _FIELDS) if "extra" not in fields else []:
        near = difflib.get_close_matches(name, _FIELDS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "; a text stands in single quotes"
        raise RuleError(f'[sets."{spec}"] where: no record has a field {name!r}{hint}')
    return expression


def _named(kind: str, node: Mapping[str, Any]) -> set[str]:
    """Return the names that nodes of a kind have in a parsed expression."""
    return {one["value"] for one in _nodes(node) if one["type"] == kind}


def _nodes(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, dict) and "type" in node:
        yield node
        for child in node.get("children", ()):
            yield from _nodes(child)


def _shapes() -> Iterator[type[msgspec.Struct]]:
    for _, value in inspect.getmembers(model, inspect.isclass):
        if issubclass(value, msgspec.Struct) and not value.__name__.startswith("_"):
            yield value


_FIELDS = frozenset(field.name for shape in _shapes() for field in msgspec.structs.fields(shape))
# What a record that does not have a field is searched for: lists are empty, all else is null.
_EMPTY: dict[str, Any] = {
    field.name: [] if field.default_factory is list else None for field in msgspec.structs.fields(Record)
}
