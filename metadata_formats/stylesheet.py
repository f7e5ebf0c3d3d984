"""Formats that are an XSLT 1.0 stylesheet over the canonical record (:mod:`metadata_formats.canonical_xml`) or MODS.

A stylesheet runs in a process of its own, one for each format, that is started with the first record and serves all
that follow (:mod:`metadata_formats.transformer`): no file, no network, so much time for a record and so much memory.
What goes wrong there costs that record this format, and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from lxml import etree
from msgspec import Meta

from metadata_formats import description, transformer
from metadata_formats.canonical_xml import RELEASE, to_xml
from metadata_formats.mods import Mods
from metadata_formats.record import Record
from metadata_formats.registry import FILES, Context, Format, FormatError, Unfit, parsed, rendition

XSL = "http://www.w3.org/1999/XSL/Transform"
SECONDS = 5.0
"""Time of the processor for one record; the option ``seconds``."""
MEGABYTES = 512
"""Memory of the process, its programs included; the option ``megabytes``."""
LARGEST = 32 * 1024 * 1024
"""Bytes of one rendition."""
OUT_OF_MEMORY = 77
"""Exit status of a process that had not enough of it."""
MOST_ENDS = 5
"""Records that may end the process, and one more for a thousand that did not; then the stylesheet gets no more of them:
an import must not wait for ever."""

_ELSEWHERE = {
    f"{{{XSL}}}import": "it cannot import another file: copy what it needs into it",
    f"{{{XSL}}}include": "it cannot include another file: copy what it needs into it",
    f"{{{XSL}}}document": "it cannot write files",
    "{http://exslt.org/common}document": "it cannot write files",
}
_GIVEN = ("identifier", "repository_name", "base_url")
"""Parameters that every stylesheet is given, where it has them."""


class Described(description.Described, kw_only=True, forbid_unknown_fields=True):
    """What ``NAME.toml`` says of ``NAME.xsl``; ``source`` is what the stylesheet reads."""

    source: Literal["canonical", "mods"] = "canonical"


class Failed(Unfit):
    """A stylesheet that failed with a record; the text says of what."""


class Stylesheet(Format):
    """A format that a stylesheet makes; :func:`load` makes a class of each."""

    source: ClassVar[str]
    markup: ClassVar[bytes]

    def __init__(self) -> None:
        self._worker: Worker | None = None

    def render(self, record: Record, context: Context) -> etree._Element | None:
        """Return what the stylesheet makes of the record, or nothing where it makes nothing.

        Raises:
            Failed: the stylesheet failed, or what it made is not XML.
        """
        if self.source == "mods":
            document = rendition(_MODS, record, Context(context.identifier, context.repository_name, context.base_url))
            if document is None:
                return None
        else:
            document = to_xml(record).to_bytes()
        options = dict(context.options)
        seconds, megabytes = options.pop("seconds", SECONDS), options.pop("megabytes", MEGABYTES)
        if self._worker is None:
            self._worker = Worker(self.markup, seconds, megabytes)
        given = {name: getattr(context, name) for name in _GIVEN}
        made = self._worker.transform(document, {**{name: _word(value) for name, value in options.items()}, **given})
        return parsed(made) if made else None


_MODS = Mods()


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def load(path: Path, described: Path) -> type[Stylesheet]:
    """Return the format of a stylesheet and of the TOML file that describes it.

    Raises:
        FormatError: one of them cannot be used; the text names the file, and the line.
    """
    said = description.read(described, Described)
    markup = description.content(path)
    tree = _checked(path, markup)
    parameters = [each.get("name") for each in tree.findall(f"{{{XSL}}}param")]
    limits: dict[str, Any] = {
        "seconds": Annotated[float, Meta(gt=0, le=3600)],
        "megabytes": Annotated[int, Meta(ge=128, le=65536)],
    }
    own = {name: str | int | float | bool for name in parameters if name and name not in _GIVEN}
    # What it reads is part of what comes out.
    release = Mods.version if said.source == "mods" else RELEASE
    what = (markup, msgspec.json.encode(said), release.encode())
    return type(
        "StylesheetOfFile",
        (Stylesheet,),
        {
            **{name: getattr(said, name) for name in ("prefix", "namespace", "schema", "source")},
            "version": hashlib.blake2b(b"\0".join(what), digest_size=6).hexdigest(),
            "options": {**own, **limits},
            "markup": markup,
            "__module__": FILES,
        },
    )


def _checked(path: Path, markup: bytes) -> etree._Element:
    """Return the stylesheet as a tree, refusing what can never run here."""

    def refuse(line: Any, what: str) -> FormatError:
        return FormatError(f"{path}, line {line or 1}: {what}")

    try:
        root = etree.fromstring(markup, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError as error:
        raise refuse(error.lineno, f"not XML: {error.msg}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise refuse(1, "it has a document type declaration, which is not read here: take it out")
    if root.tag not in (f"{{{XSL}}}stylesheet", f"{{{XSL}}}transform"):
        raise refuse(root.sourceline, f"the root is {root.tag}, not xsl:stylesheet")
    if root.get("version", "1.0") not in ("1.0", "1.1"):
        raise refuse(root.sourceline, f"it is XSLT {root.get('version')}; 1.0 can be run")
    for element in root.iter(*_ELSEWHERE):
        raise refuse(element.sourceline, f"{element.tag}: {_ELSEWHERE[str(element.tag)]}")
    try:
        transformer.compiled(markup)
    except etree.Error as error:
        said = transformer.why(error)
        raise FormatError(f"{path}{', ' if said.startswith('line ') else ': '}{said}") from error
    return root


class Worker:
    """The process of one stylesheet, started when it is needed, again where it has ended, and after a fork."""

    def __init__(self, markup: bytes, seconds: float, megabytes: int) -> None:
        self._markup = markup
        self._seconds = seconds
        self._megabytes = megabytes
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._ends = 0
        self._answers = 0
        self._lock = threading.Lock()

    def transform(self, document: bytes, parameters: Mapping[str, str]) -> bytes:
        """Return what the stylesheet makes of a document; nothing where it makes nothing.

        Raises:
            Failed: it failed.
        """
        with self._lock:
            if self._ends >= MOST_ENDS + self._answers // 1000:
                raise Failed(f"given up, after {self._ends} records that it could not end")
            try:
                process = self._running()
                assert process.stdin
                assert process.stdout
                transformer.send(process.stdin, {"parameters": parameters}, document)
                answer = transformer.receive(process.stdout, LARGEST)
            except BrokenPipeError:
                answer = None
            except OSError as error:
                raise Failed(f"its process cannot be started: {error.strerror or error}") from error
            except BaseException:  # an interrupt: what it answers now would be taken for the next record's
                self._ended()
                raise
            if answer is None:
                self._ends += 1
                raise Failed(self._ended())
            self._answers += 1
        header, body = answer
        if header["failed"]:
            raise Failed(header["failed"])
        return body

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner != os.getpid():
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", str(Path(transformer.__file__))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # an interrupt is for who waits, not for this process
            )
            self._owner = os.getpid()
            weakref.finalize(self, _end, self._process)
            limits = {"seconds": self._seconds, "memory": self._megabytes * 1024 * 1024, "largest": LARGEST}
            assert self._process.stdin
            transformer.send(self._process.stdin, limits, self._markup)
        return self._process

    def _ended(self) -> str:
        """Let go of the process, and say why it has ended."""
        process, self._process = self._process, None
        if process is None:
            return "its process cannot be started"
        status = _end(process)
        if status in (-signal.SIGPROF, -signal.SIGALRM):
            return f"it took longer than {self._seconds:g} s"
        if status == OUT_OF_MEMORY:
            return f"it needs more than {self._megabytes} MB of memory"
        return f"its process ended ({status}); perhaps it needs more than {self._megabytes} MB of memory"


def _end(process: subprocess.Popen[bytes]) -> int:
    for stream in (process.stdin, process.stdout):
        if stream:
            try:
                stream.close()
            except OSError:  # what could not be written to it
                continue
    try:
        return process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
