"""Asking a server over HTTP as a validator does: one request at a time, each bounded in bytes and seconds."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlencode

import urllib3

from oai_server.readiness.endpoint import Reply, Unanswered

LARGEST = 64 * 1024 * 1024
"""Bytes of an answer, unpacked; validators stop at 100 MB."""
SILENCE = 60
"""Seconds that a server may say nothing."""
LONGEST = 300
"""Seconds that an answer may take in all."""
PATIENCE = (60, 3)
"""Seconds that are waited for a server that is busy, at most, and how often."""


class Asking:
    """A connection to one server; redirects are seen and not followed."""

    def __init__(self, url: str, agent: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(
            retries=False, timeout=urllib3.Timeout(connect=30, read=SILENCE), headers={"User-Agent": agent}
        )

    def __call__(self, arguments: Sequence[tuple[str, str]], method: str, headers: Mapping[str, str]) -> Reply:
        """Send a request.

        Raises:
            Unanswered: there is no answer, or no end of it.
        """
        query = urlencode(list(arguments), safe=":/")
        request = f"{self._url}?{query}" if method == "GET" and query else self._url
        told = request if method == "GET" else f"POST {request} {query}"
        for left in range(PATIENCE[1], -1, -1):
            reply = self._once(request, told, method, query, {"Accept-Encoding": "identity", **headers})
            wait = reply.headers.get("retry-after", "")
            if reply.status != 503 or not left or not wait.isdecimal():
                break
            time.sleep(min(int(wait), PATIENCE[0]))
        return reply

    def _once(self, request: str, told: str, method: str, query: str, headers: Mapping[str, str]) -> Reply:
        begun = time.monotonic()
        body = query.encode() if method == "POST" else None
        sent = {**headers, "Content-Type": "application/x-www-form-urlencoded"} if body is not None else headers
        try:
            answer = self._pool.request(
                method, request, body=body, headers={**self._pool.headers, **sent}, redirect=False,
                preload_content=False, decode_content=False,
            )  # fmt: skip
            with answer:
                said = {name.lower(): value for name, value in answer.headers.items()}
                encoding = said.get("content-encoding", "").strip().lower()
                data = b"".join(self._bounded(answer, encoding, begun, told))
            return Reply(told, answer.status, said, data, encoding, time.monotonic() - begun)
        except (urllib3.exceptions.HTTPError, OSError, zlib.error) as error:
            reason = re.sub(r"^HTTPS?Connection\w*\(.*?\): ", "", " ".join(str(error).split()))
            raise Unanswered(f"{told}: {reason}") from error

    def _bounded(self, answer: urllib3.BaseHTTPResponse, encoding: str, begun: float, told: str) -> Iterator[bytes]:
        unpack = zlib.decompressobj(47) if encoding in ("gzip", "deflate") else None
        size = 0
        while block := answer.read(65536):
            plain = unpack.decompress(block, LARGEST + 1) if unpack else block
            size += len(plain)
            if size > LARGEST:
                raise Unanswered(f"{told}: the answer is longer than {LARGEST // 1024 // 1024} MiB")
            if time.monotonic() - begun > LONGEST:
                raise Unanswered(f"{told}: the answer takes longer than {LONGEST} seconds")
            yield plain
