"""The fastest peer that installs from a registry, oai-repo, over SQLite and tuned in its favour.

It is given bulk queries and the size of the list for nothing. Run by gunicorn with ``PEER_DB`` and ``PEER_PAGE`` in the
environment; it needs the extra ``bench``.
"""

import json
import os
import sqlite3
import threading
from pathlib import Path

from flask import Flask, Response, request
from lxml import etree
from oai_repo import DataInterface, Identify, MetadataFormat, OAIRepository, RecordHeader

from benchmarks import collection

OAI_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
DC = "http://purl.org/dc/elements/1.1/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
_local = threading.local()


def build(source: Path, target: Path, most: int) -> None:
    """Copy the first live records in oai_dc from a repository's SQLite file: the fields that the peer makes XML of."""
    with sqlite3.connect(target) as made:
        made.execute("CREATE TABLE rec (id INTEGER PRIMARY KEY, identifier TEXT UNIQUE, sets TEXT, data TEXT)")
        rows = collection.live(made, source, most)
        made.executemany(
            "INSERT INTO rec VALUES (?, ?, ?, ?)",
            ((n, identifier, json.dumps(sets.split()), _fields(body)) for n, identifier, sets, body in rows),
        )
    made.close()


def _fields(body: bytes) -> str:
    fields: dict[str, list[str]] = {}
    for each in etree.fromstring(body):
        fields.setdefault(etree.QName(each).localname, []).append(each.text or "")
    return json.dumps(fields)


def _connection() -> sqlite3.Connection:
    if not hasattr(_local, "connection"):
        _local.connection = sqlite3.connect(f"file:{os.environ['PEER_DB']}?mode=ro", uri=True)
        _local.size = _local.connection.execute("SELECT count(*) FROM rec").fetchone()[0]
    return _local.connection


class Data(DataInterface):
    """The peer's door to its data; live records alone, for it cannot tell that one is deleted."""

    limit = int(os.environ.get("PEER_PAGE", "100"))

    def get_identify(self):
        return Identify(
            base_url="http://127.0.0.1/oai", admin_email=["a@example.org"], repository_name="peer",
            earliest_datestamp="2024-01-01T00:00:00Z", deleted_record="no", granularity="YYYY-MM-DDThh:mm:ssZ",
        )  # fmt: skip

    def is_valid_identifier(self, identifier):
        return _connection().execute("SELECT 1 FROM rec WHERE identifier = ?", (identifier,)).fetchone() is not None

    def get_metadata_formats(self, identifier=None):
        schema = "http://www.openarchives.org/OAI/2.0/oai_dc.xsd"
        return [MetadataFormat(metadata_prefix="oai_dc", schema=schema, metadata_namespace=OAI_DC)]

    def _rows(self, identifiers, columns):
        marks = ",".join("?" * len(identifiers))
        query = f"SELECT identifier, {columns} FROM rec WHERE identifier IN ({marks})"
        found = {row[0]: row for row in _connection().execute(query, identifiers)}
        return [found[identifier] for identifier in identifiers]

    def get_records_header(self, identifiers):
        return [
            RecordHeader(identifier=identifier, datestamp="2024-01-01T00:00:00Z", setspecs=json.loads(sets))
            for identifier, sets in self._rows(identifiers, "sets")
        ]

    def get_records_metadata(self, identifiers, metadataprefix):
        return [_markup(data) for _, data in self._rows(identifiers, "data")]

    def get_records_abouts(self, identifiers):
        return [[] for _ in identifiers]

    def get_record_header(self, identifier):
        return self.get_records_header([identifier])[0]

    def get_record_metadata(self, identifier, metadataprefix):
        return self.get_records_metadata([identifier], metadataprefix)[0]

    def get_record_abouts(self, identifier):
        return []

    def list_set_specs(self, identifier=None, cursor=0):
        return [], 0, None

    def list_identifiers(self, metadataprefix, filter_from=None, filter_until=None, filter_set=None, cursor=0):
        connection = _connection()
        rows = connection.execute("SELECT identifier FROM rec ORDER BY id LIMIT ? OFFSET ?", (self.limit, cursor))
        return [identifier for (identifier,) in rows], _local.size, None


def _markup(data):
    root = etree.Element(f"{{{OAI_DC}}}dc", nsmap={"oai_dc": OAI_DC, "dc": DC, "xsi": XSI})
    root.set(f"{{{XSI}}}schemaLocation", f"{OAI_DC} http://www.openarchives.org/OAI/2.0/oai_dc.xsd")
    for name, values in json.loads(data).items():
        for value in values:
            etree.SubElement(root, f"{{{DC}}}{name}").text = value
    return root


repository = OAIRepository(Data())
app = Flask(__name__)


@app.route("/oai", methods=["GET", "POST"])
def oai() -> Response:
    """Answer a request."""
    return Response(bytes(repository.process(request.values.to_dict())), content_type="text/xml; charset=utf-8")
