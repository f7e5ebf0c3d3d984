"""The arguments of a request: decoded, and checked against the grammar of the six verbs (OAI-PMH 2.0 sections 3.1, 4).

The grammar is one table, the syntax of the values another. What passes :func:`parse` can be repeated in the answer's
``<request>`` and is valid there; what does not pass is never repeated.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from oai_server.protocol import datestamps
from oai_server.protocol.errors import Fault, Refused

TOKEN = "resumptionToken"  # noqa: S105


class Grammar(NamedTuple):
    """The arguments of a verb. ``exclusive`` stands alone, and then the required ones need not be there."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    exclusive: str | None = None

    def knows(self, name: str) -> bool:
        """Tell whether the verb has an argument of this name."""
        return name in self.required or name in self.optional or name == self.exclusive


_LIST = Grammar(required=("metadataPrefix",), optional=("from", "until", "set"), exclusive=TOKEN)
GRAMMAR: Mapping[str, Grammar] = {
    "Identify": Grammar(),
    "ListMetadataFormats": Grammar(optional=("identifier",)),
    "ListSets": Grammar(exclusive=TOKEN),
    "ListIdentifiers": _LIST,
    "ListRecords": _LIST,
    "GetRecord": Grammar(required=("identifier", "metadataPrefix")),
}


@dataclass(frozen=True)
class Request:
    """A request that parsed: ``given`` are its arguments as sent, in their order, without the verb.

    ``start`` and ``until`` are ``from`` and ``until`` in seconds, both included.
    """

    verb: str
    given: Mapping[str, str]
    start: int | None = None
    until: int | None = None


def decode(query: bytes, body: bytes = b"") -> list[tuple[str, str]]:
    """Return the arguments of a query string and a form body, in their order, as (name, value).

    ``&`` separates, ``+`` is a space, the bytes are UTF-8. Bytes that are not become lone surrogates, which
    :func:`parse` refuses like every other character that XML cannot hold: this function never fails.
    """
    fields = (field.partition(b"=") for part in (query, body) for field in part.split(b"&") if field)
    return [(_unquoted(name), _unquoted(value)) for name, _, value in fields]


def _unquoted(quoted: bytes) -> str:
    return unquote_to_bytes(quoted.replace(b"+", b" ")).decode("utf-8", "surrogateescape")


def parse(arguments: Sequence[tuple[str, str]]) -> Request:
    """Check the arguments against the grammar of their verb.

    Raises:
        Refused: badVerb, or badArgument with everything that is wrong with them.
    """
    verb = _verb([value for name, value in arguments if name == "verb"])
    pairs = [pair for pair in arguments if pair[0] != "verb"]
    texts = [*_misplaced(verb, Counter(name for name, _ in pairs))]
    spans = {}
    for name, value in pairs:
        if GRAMMAR[verb].knows(name):
            try:
                spans[name] = _check(name, value)
            except ValueError as error:
                texts.append(f"{name} {error}")
    start, until = spans.get("from"), spans.get("until")
    if start is not None and until is not None and not texts:
        texts += _disorder(start, until)
    if texts:
        raise Refused(*(Fault("badArgument", text) for text in texts))
    return Request(verb, dict(pairs), start and start.first, until and until.last)


def _verb(values: Sequence[str]) -> str:
    if len(values) != 1:
        raise Refused(Fault("badVerb", "the verb is given more than once" if values else "the verb is missing"))
    if values[0] not in GRAMMAR:
        raise Refused(Fault("badVerb", f"not a verb of OAI-PMH 2.0; there are: {', '.join(GRAMMAR)}"))
    return values[0]


def _misplaced(verb: str, counts: Mapping[str, int]) -> Iterator[str]:
    """Yield what is wrong with the names of the arguments, whatever their values."""
    grammar = GRAMMAR[verb]
    if unknown := [name for name in counts if not grammar.knows(name)]:
        yield f"{verb} has no argument {_named(unknown)}"
    if repeated := [name for name, count in counts.items() if count > 1 and grammar.knows(name)]:
        yield f"given more than once: {_named(repeated)}"
    if grammar.exclusive in counts:
        if others := [name for name in counts if name != grammar.exclusive and grammar.knows(name)]:
            yield f"{grammar.exclusive} excludes {_named(others)}"
    elif missing := [name for name in grammar.required if name not in counts]:
        yield f"{verb} needs {_named(missing)}"


def _named(names: Iterable[str]) -> str:
    """Write names for people, however many and however long they are."""
    first, more = (listed := list(names))[:5], len(listed) > 5
    return ", ".join(name[:40] for name in first) + (", …" if more else "")


def _disorder(start: datestamps.Span, until: datestamps.Span) -> Iterator[str]:
    if start.length != until.length:
        yield "from and until are not of the same granularity"
    elif start.first > until.first:
        yield "from is later than until"


# The syntax of the values: protocol.xsd's own patterns (metadataPrefixType, setSpecType, identifierType).
_WORD = r"[A-Za-z0-9\-_.!~*'()]+"
# An identifier is a URI reference of RFC 3986, or of RFC 3987 where it is not ASCII, without IP literals.
_CHAR = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2}|[^\x00-\xa0\ud800-\udfff\ufffe\uffff])"
_REST = rf"(?:{_CHAR}|[@:/])*(?:\?(?:{_CHAR}|[@:/?])*)?(?:#(?:{_CHAR}|[@:/?])*)?"
_AUTHORITY = rf"//(?:(?:{_CHAR}|:)*@)?{_CHAR}+(?::[0-9]{{1,5}})?(?=[/?#]|\Z)"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.\-]*:"
_IDENTIFIER = rf"(?:{_SCHEME}(?:{_AUTHORITY}|(?!//))|(?!//)(?:{_CHAR}|@)*(?![^/?#])){_REST}"
_XML = r"[^\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]*"


def is_identifier(text: str) -> bool:
    """Tell whether GetRecord can ask for an identifier: a URI that is not too long."""
    syntax = _SYNTAX["identifier"]
    return bool(re.match(_SCHEME, text)) and len(text) <= syntax.longest and syntax.pattern.fullmatch(text) is not None


class Syntax(NamedTuple):
    """What the values of an argument look like; the length is in characters."""

    pattern: re.Pattern[str]
    longest: int
    empty: bool = False


_SYNTAX: Mapping[str, Syntax] = {
    "metadataPrefix": Syntax(re.compile(_WORD), 255),
    "set": Syntax(re.compile(rf"{_WORD}(?::{_WORD})*"), 1024),
    "identifier": Syntax(re.compile(_IDENTIFIER), 1024),
    # Any text that can be repeated in the answer: whether it is a token is for the signature to say.
    TOKEN: Syntax(re.compile(_XML), 4096, empty=True),
}


def _check(name: str, value: str) -> datestamps.Span | None:
    """Check the syntax of a value; a date is also read.

    Raises:
        ValueError: with a text that goes on after the name of the argument.
    """
    if name in ("from", "until"):
        return datestamps.parse(value)
    syntax = _SYNTAX[name]
    if not value and not syntax.empty:
        raise ValueError("is empty")
    if len(value) > syntax.longest:
        raise ValueError("is too long")
    if not syntax.pattern.fullmatch(value):
        raise ValueError("is ill-formed")
    return None
