"""Expressions over the canonical record, in JMESPath (https://jmespath.org): for rules of sets and maps of formats.

A field that a record does not have is null; comparing or searching null finds nothing, and is no error. Beside
JMESPath's own functions there is ``year(edtf)``, the first year of a date; who uses expressions may add others.

An expression reads one record and nothing else: no file, no network, no loop without end.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions, signature

from metadata_formats import edtf_dates
from metadata_formats import record as model

_YEAR = re.compile(r"-?[0-9]+")
_ANY: list[str] = []  # JMESPath's way to say that a function takes every type


class ExpressionError(ValueError):
    """An expression that is none, or names a field or function that there is not; the text says which."""


class RecordFunctions(Functions):
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


RECORD_FUNCTIONS = RecordFunctions()


def compiled(text: str, functions: Functions = RECORD_FUNCTIONS) -> Callable[[Any], Any]:
    """Return what evaluates an expression on a value of plain data.

    Raises:
        ExpressionError: it is none, or names what no record has.
    """
    try:
        expression = jmespath.compile(text)
        # Functions are looked up when they are called: an unknown one must show now, not with some record.
        known = functions.FUNCTION_TABLE.keys()
        for name in sorted(_named("function_expression", expression.parsed) - known):
            raise ExpressionError(f"there is no function {name}(){_near(name, known)}")
        fields = _named("field", expression.parsed)
        made = _named("key_val_pair", expression.parsed)
    except (JMESPathError, RecursionError) as error:
        raise ExpressionError(" ".join(str(error).split())) from error
    for name in sorted(fields - FIELDS - made) if "extra" not in fields else []:
        hint = _near(name, FIELDS) or "; a text stands in single quotes"
        raise ExpressionError(f"no record has a field {name!r}{hint}")
    options = jmespath.Options(custom_functions=functions)
    return _plain(expression.parsed) or (lambda value: expression.search(value, options=options))


def calls(text: str, function: str) -> Iterator[str]:
    """Yield the texts that an expression gives as first argument in calls of a function, as far as they stand in it."""
    for node in _nodes(jmespath.compile(text).parsed):
        if node["type"] == "function_expression" and node["value"] == function and node["children"]:
            first = node["children"][0]
            if first["type"] == "literal" and isinstance(first["value"], str):
                yield first["value"]


def _plain(node: Mapping[str, Any]) -> Callable[[Any], Any] | None:
    """Return a way past the interpreter for what most expressions are: ``@`` or one field."""
    if node["type"] == "current":
        return lambda value: value
    if node["type"] == "field":
        name = node["value"]
        return lambda value: value.get(name) if isinstance(value, dict) else None
    return None


def _near(word: str, words: Any) -> str:
    close = difflib.get_close_matches(word, sorted(words), n=3)
    if not close:
        return ""
    share = {each: difflib.SequenceMatcher(None, each, word).ratio() for each in close}
    # "titlez" has more in common with "title" than with "titles", but letters are mistyped more often than added.
    equal = [each for each in close if len(each) == len(word) and share[each] > share[close[0]] - 0.1]
    return f"; did you mean {(equal or close)[0]!r}?"


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


FIELDS = frozenset(field.name for shape in _shapes() for field in msgspec.structs.fields(shape))
"""The names of all fields of the record."""
