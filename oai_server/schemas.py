"""The XML schemas of the formats, fetched once from their public addresses and known by their sums.

Nothing that the server does needs them: ``check`` and the test kit of formats validate by them where they are there.
Each lies under its address, as ``www.loc.gov/standards/mods/v3/mods-3-8.xsd``. ``schemas.tsv`` names the addresses with
the SHA-256 of what stood there: a schema that has changed is not taken, for what was valid by the old one may not be.
"""

from __future__ import annotations

import hashlib
import http.client
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

LARGEST = 8 * 1024 * 1024
"""Bytes of a schema: the largest of them, MODS, has a twentieth of that."""
TIMEOUT = 30
"""Seconds that a host may stay silent."""
TRIES = 3


class Schema(NamedTuple):
    """A schema: its public address and the SHA-256 of its bytes, in hexadecimal digits."""

    address: str
    sha256: str

    @property
    def place(self) -> str:
        """Its path in the folder of schemas."""
        return self.address.split("://", 1)[1]


class Fetched(NamedTuple):
    """What became of a schema: nothing to say where it is there now, else what went wrong."""

    schema: Schema
    problem: str = ""
    was_there: bool = False


def known() -> list[Schema]:
    """Return the schemas that are fetched, by address."""
    lines = Path(__file__).with_suffix(".tsv").read_text(encoding="ascii").splitlines()
    return [Schema(address, sha256) for sha256, address in (line.split("\t") for line in lines)]


def fetch(folder: Path, mirror: str | None = None, wait: Callable[[float], None] = time.sleep) -> list[Fetched]:
    """Bring into the folder what is not there yet, or not as it should be; what is there already is left alone.

    ``mirror`` is an address under which another host has the same tree: ``MIRROR/www.loc.gov/…``.

    Raises:
        OSError: the folder cannot be written.
    """
    return [_one(schema, folder / schema.place, mirror, wait) for schema in known()]


def _one(schema: Schema, path: Path, mirror: str | None, wait: Callable[[float], None]) -> Fetched:
    if path.is_file() and _sum(path.read_bytes()) == schema.sha256:
        return Fetched(schema, was_there=True)
    address = f"{mirror.rstrip('/')}/{schema.place}" if mirror else schema.address
    try:
        data = _download(address, wait)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error if isinstance(error, HTTPError) else getattr(error, "reason", None) or error
        return Fetched(schema, f"{address}: {' '.join(str(reason).split()) or type(error).__name__}")
    if len(data) > LARGEST:
        return Fetched(schema, f"{address}: longer than {LARGEST // 1024 // 1024} MiB, so it is no schema")
    if (found := _sum(data)) != schema.sha256:
        what = "an HTML page" if b"<html" in data[:1000].lower() else f"SHA-256 {found[:16]}…"
        return Fetched(schema, f"{address}: not the schema that is known (SHA-256 {schema.sha256[:16]}…) but {what}")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(data)
    part.replace(path)
    return Fetched(schema)


def _download(address: str, wait: Callable[[float], None]) -> bytes:
    """Return what stands at an address, one byte more than is allowed at most; a host that is busy is asked again."""
    for tried in range(1, TRIES + 1):
        try:
            request = Request(address, headers={"User-Agent": "oai-server"})  # noqa: S310 - http and https alone
            with urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
                return bytes(answer.read(LARGEST + 1))
        except (URLError, TimeoutError, http.client.HTTPException, ConnectionError) as error:
            final = isinstance(error, HTTPError) and error.code < 500 and error.code != 429
            if final or tried == TRIES:
                raise
        wait(2.0**tried)
    raise AssertionError("unreachable")


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
