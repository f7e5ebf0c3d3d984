"""The floor: the least that Flask and sqlite3 can do to serve the same records, joined from bytes that are ready.

No tokens that anybody signs, no sets, no windows, no errors: what a server costs beyond this is its own.
Run by gunicorn with ``FLOOR_DB`` and ``FLOOR_PAGE`` (records on a page) in the environment.
"""

import os
import sqlite3
import threading
from pathlib import Path

from flask import Flask, Response, request

from benchmarks import collection

HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>\n'
FOOT = b"</ListRecords></OAI-PMH>\n"
_local = threading.local()


def build(source: Path, target: Path, most: int) -> None:
    """Copy the first live records in oai_dc from a repository's SQLite file, each with its header and frame ready."""
    with sqlite3.connect(target) as made:
        made.execute("CREATE TABLE rec (id INTEGER PRIMARY KEY, identifier TEXT UNIQUE, body BLOB)")
        rows = collection.live(made, source, most)
        made.executemany("INSERT INTO rec VALUES (?, ?, ?)", ((n, i, _framed(i, body)) for n, i, _, body in rows))
    made.close()


def _framed(identifier: str, body: bytes) -> bytes:
    header = f"<header><identifier>{identifier}</identifier><datestamp>2024-01-01T00:00:00Z</datestamp></header>"
    return f"<record>{header}<metadata>\n".encode() + body + b"\n</metadata></record>\n"


def _connection() -> sqlite3.Connection:
    if not hasattr(_local, "connection"):
        _local.connection = sqlite3.connect(f"file:{os.environ['FLOOR_DB']}?mode=ro", uri=True)
    return _local.connection


app = Flask(__name__)


@app.route("/oai")
def oai() -> Response:
    """Answer ListRecords, or GetRecord."""
    given = request.args
    if given.get("verb") == "GetRecord":
        found = _connection().execute("SELECT body FROM rec WHERE identifier = ?", (given["identifier"],)).fetchone()
        return Response(b"".join((HEAD, found[0], FOOT)), content_type="text/xml; charset=utf-8")
    page = int(os.environ["FLOOR_PAGE"])
    last = int(given.get("resumptionToken", "0"))
    query = "SELECT id, body FROM rec WHERE id > ? ORDER BY id LIMIT ?"
    rows = _connection().execute(query, (last, page + 1)).fetchall()
    token = f"<resumptionToken>{rows[page - 1][0]}</resumptionToken>".encode() if len(rows) > page else b""
    body = b"".join((HEAD, *(row[1] for row in rows[:page]), token, FOOT))
    return Response(body, content_type="text/xml; charset=utf-8")
