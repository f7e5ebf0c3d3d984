"""Sets made by rule: ``where`` is a JMESPath expression over the canonical record (https://jmespath.org).

A record is in the set where the expression gives something: not null, false, or an empty list, object or text. A field
that a record does not have is null, or an empty list where the model has a list; comparing or searching null finds
nothing, and is no error. Beside JMESPath's own functions there is ``year(edtf)``: the first year of a date.

An expression reads one record and nothing else: no file, no network, no loop without end.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from metadata_formats.expression import ExpressionError, compiled
from metadata_formats.record import Record


class RuleError(Exception):
    """A rule that cannot be used; the text names the set and says what is wrong."""


_NOTHING: tuple[Any, ...] = (None, "", [], {})  # what is false in JMESPath, beside false itself


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
                result = expression(values)
            except Exception as error:  # whatever an expression stumbles over, one record must not stop an import
                failures.append(f"{spec}: {' '.join(str(error).split())}")
                continue
            if result is not False and result not in _NOTHING:
                found.add(spec)
        return found, failures


def _compiled(spec: str, text: str) -> Callable[[Any], Any]:
    try:
        return compiled(text)
    except ExpressionError as error:
        raise RuleError(f'[sets."{spec}"] where: {error}') from error


# What a record that does not have a field is searched for: lists are empty, all else is null.
_EMPTY: dict[str, Any] = {
    field.name: [] if field.default_factory is list else None for field in msgspec.structs.fields(Record)
}
