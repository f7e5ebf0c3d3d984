"""The process that runs one stylesheet: what it does there, it can do to nobody else.

libxslt cannot be interrupted within a thread, so a stylesheet that loops must be ended with the process that it runs
in. :mod:`metadata_formats.stylesheet` starts this file as a program of its own and speaks to it through its standard
input and output. Here nothing can be opened, written or called: libxslt is told so, and the kernel too, which gives
this process no more file descriptors. A timer that nobody here can stop ends it where one record takes too long, so
that it also ends where its parent is gone.

Each message is a line of JSON, which says how many ``bytes`` follow it. First comes the stylesheet, then documents.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import sys
from collections.abc import Callable
from typing import IO, Any

from lxml import etree

PATIENCE = 10
"""What counts is the time of the processor; a record may wait for its turn, but not longer than so many times that."""


def send(stream: IO[bytes], header: dict[str, Any], body: bytes = b"") -> None:
    """Write one message."""
    stream.write(json.dumps({**header, "bytes": len(body)}).encode() + b"\n" + body)
    stream.flush()


def receive(stream: IO[bytes], most: int) -> tuple[dict[str, Any], bytes] | None:
    """Read one message, whose body has so many bytes at most; None where it breaks off, or is none."""
    line = stream.readline(1 << 20)
    if not line.endswith(b"\n"):
        return None
    header = json.loads(line)
    body = stream.read(header["bytes"]) if header["bytes"] <= most else b""
    return (header, body) if len(body) == header["bytes"] else None


def compiled(markup: bytes) -> etree.XSLT:
    """Compile a stylesheet that may reach nothing outside itself.

    Raises:
        etree.Error: it is none.
    """
    denied = etree.XSLTAccessControl.DENY_ALL  # type: ignore[attr-defined] # lxml-stubs do not know it
    return etree.XSLT(etree.fromstring(markup, _parser()), access_control=denied)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


def _transformed(transform: etree.XSLT, document: bytes, parameters: dict[str, str]) -> bytes:
    """Return the element that a stylesheet makes of a document; nothing where it makes nothing."""
    quoted = {name: etree.XSLT.strparam(value) for name, value in parameters.items()}
    made = transform(etree.fromstring(document, _parser()), **quoted)  # type: ignore[arg-type] # lxml-stubs' mistake
    root = made.getroot()
    if root is None:
        if str(made).strip():
            raise ValueError("it made text, not an element")
        return b""
    if any(isinstance(each.tag, str) for each in root.itersiblings()):
        raise ValueError("it made more than one root element")
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False, with_tail=False)


def why(error: BaseException) -> str:
    """Return what a stylesheet failed of, and in which line of it."""
    log = list(getattr(error, "error_log", ()))
    line = next((entry.line for entry in log if entry.line > 0), 0)
    # What went wrong stands before libxslt's word on the element in which it did.
    said = next(
        (entry.message for entry in log if not entry.message.startswith(("runtime error,", "compilation err"))), ""
    )
    text = said.splitlines()[0] if said else str(error) or type(error).__name__
    return f"line {line}: {text}" if line else text


def peak_meter() -> Callable[[], int]:
    """Return what tells the most address space, in bytes, that this process ever had; 0 where the system does not say.

    It is asked for where nothing can be opened any more. (What getrusage says is that of the parent, before it was us.)
    """
    try:
        status = os.open("/proc/self/status", os.O_RDONLY)
    except OSError:
        return lambda: 0

    def peak() -> int:
        said = re.search(rb"VmPeak:\s+(\d+) kB", os.pread(status, 4096, 0))
        return int(said[1]) * 1024 if said else 0

    return peak


def main() -> None:
    """Run the stylesheet that comes first on the documents that follow, until there are no more."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    start = receive(requests, sys.maxsize)
    if start is None:
        return
    settings, markup = start
    memory, seconds, largest = settings["memory"], settings["seconds"], settings["largest"]
    transform, peak = compiled(markup), peak_meter()
    for limit, most in (("RLIMIT_AS", memory), ("RLIMIT_FSIZE", 0), ("RLIMIT_CORE", 0), ("RLIMIT_NOFILE", 3)):
        resource.setrlimit(getattr(resource, limit), (most, most))
    while message := receive(requests, sys.maxsize):
        header, document = message
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.setitimer(signal.ITIMER_REAL, seconds * PATIENCE)
        try:
            body = _transformed(transform, document, header["parameters"])
            failed = f"it made more than {largest} bytes" if len(body) > largest else ""
        except MemoryError:
            raise
        except Exception as error:
            body, failed = b"", why(error)
            # libxslt takes what it got no memory for as undefined, and says that.
            if peak() > memory / 2:
                failed += f"; perhaps it needs more than {memory >> 20} MB of memory"
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        send(answers, {"failed": failed}, b"" if failed else body)


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        sys.exit(77)  # what stylesheet.OUT_OF_MEMORY says
