"""One harvester and what it costs the server: CPU from /proc, times of pages, memory."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import selectors
import socket
import statistics
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

_TOKEN = re.compile(rb"<resumptionToken[^>]*>([^<]+)</resumptionToken>")
_LENGTH = re.compile(rb"(?im)^content-length: *(\d+)")
_TICKS = os.sysconf("SC_CLK_TCK")


def processes(roots: Iterable[int]) -> list[int]:
    """Return the processes and all that they started."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        children.setdefault(parent, []).append(int(folder.name))
    found, left = [], list(roots)
    while left:
        found.append(left.pop())
        left += children.get(found[-1], [])
    return found


def cpu(roots: Iterable[int]) -> float:
    """Return the seconds of CPU, user and system, that processes have used, their ended children included."""
    ticks = 0
    for process in processes(roots):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / _TICKS


def running(roots: Iterable[int]) -> float:
    """Return the seconds of CPU of all threads that are alive: to the nanosecond, where :func:`cpu` counts ticks.

    It is for servers whose threads stay. A kernel that does not count so gives the ticks.
    """
    used = 0
    for process in processes(roots):
        for file in Path(f"/proc/{process}/task").glob("*/schedstat"):
            try:
                used += int(file.read_text().split()[0])
            except (OSError, IndexError):
                continue
    return used / 1e9 or cpu(roots)


def private_bytes(roots: Iterable[int]) -> int:
    """Return the largest private memory of one of the processes, the first of each tree (a master) left out."""
    return _largest(roots, "smaps_rollup", r"^Private_(?:Clean|Dirty): +(\d+)")


def peak_bytes(roots: Iterable[int]) -> int:
    """Return the most resident memory that one of the processes below these has ever had."""
    return _largest(roots, "status", r"^VmHWM:\s+(\d+)")


def _largest(roots: Iterable[int], name: str, kilobytes: str) -> int:
    """Return what lines of a file of the kernel sum up to, in bytes, for the process below these that has most."""
    most = 0
    for root in roots:
        for process in processes([root])[1:]:
            try:
                text = Path(f"/proc/{process}/{name}").read_text()
            except OSError:
                continue
            most = max(most, sum(map(int, re.findall(kilobytes, text, re.MULTILINE))))
    return most * 1024


class Client:
    """A connection that stays open."""

    def __init__(self, base_url: str, *, gzip: bool = False) -> None:
        self._url = urlsplit(base_url)
        self._headers = {"Accept-Encoding": "gzip" if gzip else "identity"}
        self._connection = http.client.HTTPConnection(self._url.hostname or "", self._url.port, timeout=120)
        self.received = 0

    def get(self, **arguments: str) -> bytes:
        """Ask; returns the answer unpacked."""
        named = {name.rstrip("_"): value for name, value in arguments.items()}
        try:
            self._connection.request("GET", f"{self._url.path}?{urlencode(named)}", headers=self._headers)
            response = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            self._connection.close()
            self._connection.request("GET", f"{self._url.path}?{urlencode(named)}", headers=self._headers)
            response = self._connection.getresponse()
        body = response.read()
        assert response.status == 200, (response.status, body[:300])
        self.received += len(body)
        return zlib.decompress(body, 31) if response.getheader("Content-Encoding") == "gzip" else body


def crowd(base_url: str, clients: int, wanted: Iterable[dict[str, str]]) -> list[float]:
    """Ask from many clients at once, each again as soon as it is answered; returns the seconds that answers took.

    All clients are one thread: threads would wait for each other, and not for the server.
    """
    url = urlsplit(base_url)
    left = [f"GET {url.path}?{urlencode(one)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for one in wanted]
    times: list[float] = []
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(clients):
            one = stack.enter_context(socket.create_connection((url.hostname, url.port)))
            one.sendall(left.pop())
            selector.register(one, selectors.EVENT_READ, (time.perf_counter(), b""))
        while selector.get_map():
            for key, _ in selector.select():
                connection: Any = key.fileobj
                begun, answer = key.data
                answer += connection.recv(1 << 20)
                head, _, body = answer.partition(b"\r\n\r\n")
                length = _LENGTH.search(head)
                if length is None or len(body) < int(length[1]):
                    selector.modify(connection, selectors.EVENT_READ, (begun, answer))
                    continue
                times.append(time.perf_counter() - begun)
                assert head.startswith(b"HTTP/1.1 200"), head
                if left:
                    connection.sendall(left.pop())
                    selector.modify(connection, selectors.EVENT_READ, (time.perf_counter(), b""))
                else:
                    selector.unregister(connection)
    return times


@dataclass
class Harvest:
    """What a harvest came to. Times in seconds, ``cpu`` that of the server (and database)."""

    records: int
    cpu: float
    times: list[float]
    received: int

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU per 1,000 records."""
        return self.cpu / self.records * 1e6

    @property
    def tenth(self) -> int:
        """How many pages are a tenth of all; 0 where there are too few to tell whether they get slower."""
        return max(len(self.times) // 10, 5) if len(self.times) >= 12 else 0

    def depth(self, again: Harvest) -> float:
        """Return the median time of the last tenth of the pages by that of the first, as it was before and is after.

        What else the machine does changes in the course of minutes: ``again`` are the first pages once more. The very
        first page (it makes the connection, counts, ticks) and the very last, which is not full, are left out.
        """
        first = self.times[1 : self.tenth + 1] + again.times[1 : self.tenth + 1]
        return statistics.median(self.times[-self.tenth - 1 : -1]) / statistics.median(first)


def harvest(
    base_url: str,
    roots: Iterable[int],
    *,
    gzip: bool = False,
    most: int = 10**9,
    verb: str = "ListRecords",
    **more: str,
) -> Harvest:
    """Harvest a list, or its first ``most`` records."""
    roots = list(roots)
    client = Client(base_url, gzip=gzip)
    client.get(verb="Identify")
    client.received = 0
    records, times = 0, []
    arguments: dict[str, str] = {"verb": verb, "metadataPrefix": "oai_dc", **more}
    before = running(roots)
    while True:
        begun = time.perf_counter()
        page = client.get(**arguments)
        times.append(time.perf_counter() - begun)
        found = page.count(b"<header")
        assert found, page[:1000]
        records += found
        token = _TOKEN.search(page, max(len(page) - 5000, 0))
        if token is None or records >= most:
            return Harvest(records, running(roots) - before, times, client.received)
        arguments = {"verb": verb, "resumptionToken": token[1].decode()}


def cost(base_url: str, roots: Iterable[int], times: int, **arguments: str) -> float:
    """Return the milliseconds of CPU that one request costs, of many."""
    roots = list(roots)
    client = Client(base_url)
    client.get(**arguments)
    before = running(roots)
    for _ in range(times):
        client.get(**arguments)
    return (running(roots) - before) / times * 1000
