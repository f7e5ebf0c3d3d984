"""Asking an OAI-PMH server, politely and with little trust: one request at a time, waiting as long as it asks for.

A busy server (503, 429) is asked again after the time that it names, one that is away or whose answer breaks off after
growing waits; both a bounded number of times. Answers are bounded in bytes, after decompression, and in time.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError, SSLError

from oai_server.ingest.oai_response import NotResponse, Response, parse


class HarvestError(Exception):
    """A harvest that cannot go on; the text says why and what to do. What was stored before stays."""


@dataclass(frozen=True)
class Patience:
    """How long and how often a server is waited for. Times are seconds, ``largest`` is bytes of one answer."""

    tries: int = 6
    wait: float = 1
    longest_wait: float = 600
    connect: float = 20
    silent: float = 120
    answer: float = 900
    largest: int = 64 * 1024 * 1024


PATIENCE = Patience()
_REDIRECTS = 5
_BUSY = (429, 503)
_MOVED = (301, 302, 303, 307, 308)
_PIECE = 65536


class _Again(Exception):
    """A try that failed in a way that another one may not. ``wait`` is what the server asks for, in seconds."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class Client:
    """One OAI-PMH server, as one harvester sees it."""

    def __init__(
        self, url: str, email: str = "", patience: Patience | None = None, tell: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:  # fmt: skip
        """Open a client for a base URL; ``email`` is whom the server's people may write to, ``tell`` gets warnings.

        Raises:
            HarvestError: it is no address of the web.
        """
        self.url = base_url(url)
        self._at = self.url
        self._patience = patience or PATIENCE
        self._tell = tell
        self._sleep = sleep or time.sleep
        agent = f"oai-server/{version('oai-server')}" + (f" (mailto:{email})" if email else "")
        self._headers = {"User-Agent": agent, "Accept-Encoding": "gzip", "Accept": "text/xml, application/xml;q=0.9"}
        self._headers |= {"From": email} if email else {}
        self._pools: dict[str, urllib3.PoolManager] = {}
        self._answered = False

    def close(self) -> None:
        """Let go of connections."""
        for pool in self._pools.values():
            pool.clear()

    def ask(self, verb: str, **arguments: str) -> Response:
        """Send one request and return what the server answers; ``from_`` stands for ``from``.

        Raises:
            HarvestError: the server cannot be reached, is busy for too long, or answers something else.
        """
        query = urlencode({"verb": verb, **{name.rstrip("_"): value for name, value in arguments.items()}})
        for tried in range(1, self._patience.tries + 1):
            try:
                response = self._once(query)
            except _Again as again:
                # Who has never answered in this run is more likely the wrong address than busy.
                if tried == self._patience.tries:
                    times = f", {tried} times" if tried > 1 else ""
                    raise HarvestError(f"{self.url}: {again}{times}") from again
                asked = self._patience.wait * 2 ** (tried - 1) if again.wait is None else again.wait
                wait = max(0.0, min(asked, self._patience.longest_wait))
                self._tell(f"{self.url}: {again}; it is asked again in {wait:.0f} s")
                self._sleep(wait)
            else:
                self._answered = True
                return response
        raise AssertionError("unreachable")

    def _once(self, query: str) -> Response:
        status, headers, data = self._fetch(query)
        if status in _BUSY:
            raise _Again(f"the server is busy (HTTP {status})", _retry_after(headers))
        try:
            response = parse(data, _charset(headers.get("Content-Type", "")))
        except NotResponse as error:
            if status != 200:
                message = f"HTTP {status}"
                if status >= 500 or status == 408:
                    raise _Again(message) from error
                raise HarvestError(f"{self.url}: {message}; is this the base URL of an OAI-PMH server?") from error
            if self._answered:  # an error page in mid-harvest may be gone soon
                raise _Again(str(error)) from error
            raise HarvestError(f"{self.url}: {error}; is this its base URL?") from error
        if not response.complete:
            raise _Again("the answer breaks off before its end")
        return response

    def _fetch(self, query: str) -> tuple[int, Any, bytes]:
        """Return status, headers and content of the answer to a GET request, following redirects."""
        url = f"{self._at}{'&' if urlsplit(self._at).query else '?'}{query}"
        for _ in range(_REDIRECTS + 1):
            answer = self._open(url)
            try:
                if answer.status not in _MOVED or not (location := answer.headers.get("Location")):
                    return answer.status, answer.headers, self._read(answer)
            finally:
                answer.close()
            url = self._moved(url, location, query)
        raise HarvestError(f"{self.url}: redirected more than {_REDIRECTS} times")

    def _moved(self, url: str, location: str, query: str) -> str:
        to, was = urlsplit(urljoin(url, location)), urlsplit(url)
        if to.scheme not in ("http", "https") or not to.hostname:
            raise HarvestError(f"{self.url}: redirected to {location[:200]!r}, which is no address of the web")
        known = parse_qsl(query)
        kept = [pair for pair in parse_qsl(to.query, keep_blank_values=True) if pair not in known]
        base = urlunsplit((to.scheme, to.netloc, to.path, urlencode(kept), ""))
        if base != self._at:
            if (to.scheme, to.hostname) != (was.scheme, was.hostname):
                self._tell(f"{self._at} leads to {base}: harvest that address if it is to be trusted and lasts")
            self._at = base
        return f"{base}{'&' if kept else '?'}{query}"

    def _open(self, url: str) -> urllib3.BaseHTTPResponse:
        timeout = urllib3.Timeout(connect=self._patience.connect, read=self._patience.silent)
        try:
            return self._pool(url).request(
                "GET", url, headers=self._headers, timeout=timeout, retries=False, redirect=False,
                preload_content=False,
            )  # fmt: skip
        except SSLError as error:
            raise HarvestError(f"{self.url}: {_reason(error)}") from error
        except (HTTPError, OSError) as error:
            raise _Again(_reason(error)) from error

    def _pool(self, url: str) -> urllib3.PoolManager:
        """Return the connections of a scheme, through the proxy that the environment names for it."""
        parts = urlsplit(url)
        if parts.scheme not in self._pools:
            proxy = getproxies().get(parts.scheme)
            if proxy and not proxy_bypass(parts.hostname or ""):
                self._pools[parts.scheme] = urllib3.ProxyManager(proxy, maxsize=1)
            else:
                self._pools[parts.scheme] = urllib3.PoolManager(maxsize=1)
        return self._pools[parts.scheme]

    def _read(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        """Return the content, decompressed.

        Raises:
            HarvestError: it is longer than it may be, or takes longer.
        """
        deadline = time.monotonic() + self._patience.answer
        data = bytearray()
        try:
            while piece := answer.read1(_PIECE, decode_content=True):
                data += piece
                if len(data) > self._patience.largest:
                    raise HarvestError(
                        f"{self.url}: an answer of more than {self._patience.largest // 1024 // 1024} MiB, which is "
                        "refused; a server that cuts its lists into pages can be harvested"
                    )
                if time.monotonic() > deadline:
                    raise HarvestError(f"{self.url}: an answer that takes longer than {self._patience.answer:g} s")
        except (HTTPError, OSError) as error:
            raise _Again(f"the answer breaks off: {_reason(error)}") from error
        return bytes(data)


def base_url(url: str) -> str:
    """Return the base URL in what people copy from a browser: without ``verb`` and what belongs to it.

    Raises:
        HarvestError: it is no address of the web.
    """
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError as error:
        raise HarvestError(f"{url}: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HarvestError(f"{url!r} is no address like https://archive.example.org/oai")
    if "@" in parts.netloc:  # it would stand in the provenance of every record
        raise HarvestError("the address has a user name in it, which servers of OAI-PMH do not ask for")
    query = "" if "verb=" in parts.query else parts.query
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def _charset(content_type: str) -> str | None:
    _, found, charset = content_type.lower().partition("charset=")
    return charset.split(";")[0].strip(" \"'") or None if found else None


def _retry_after(headers: Any) -> float | None:
    """Return the seconds that a busy server asks for, as a number or as a date; None where it says nothing."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text[:9])
    try:
        then = parsedate_to_datetime(text)
        now = parsedate_to_datetime(headers["Date"]) if "Date" in headers else None
        return then.timestamp() - (now.timestamp() if now else time.time())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _reason(error: BaseException) -> str:
    """Return what went wrong with a connection, without the names of objects."""
    text = " ".join(str(getattr(error, "reason", None) or error).split())
    return re.sub(r"^HTTPS?Connection\w*\(.*?\): ", "", text)
