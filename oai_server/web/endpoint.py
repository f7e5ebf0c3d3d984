"""The OAI-PMH endpoint: HTTP around :mod:`oai_server.protocol`."""

from __future__ import annotations

from flask import Blueprint, Response, request

from oai_server.protocol import arguments
from oai_server.protocol.provider import Document
from oai_server.web import caching, compression
from oai_server.web.nodes import Nodes

LONGEST_BODY = 65_536
"""Bytes of a POST body; a longer one is no OAI-PMH request."""
DRAINED = 16 * 1024 * 1024
"""Bytes of a body too long that are read all the same."""
SHORT = 1024
"""Bytes below which compressing an answer costs more than it saves."""

_FORM = "application/x-www-form-urlencoded"
_TOO_LONG = [("verb", ""), ("verb", "")]  # no verb can be told: badVerb


def blueprint(nodes: Nodes) -> Blueprint:
    """Return the endpoint at ``/oai`` (``/oai/`` answers too: a redirect would lose harvesters)."""
    endpoint = Blueprint("endpoint", __name__)

    @endpoint.route("/oai", methods=["GET", "POST"])
    @endpoint.route("/oai/", methods=["GET", "POST"])
    def oai() -> Response:
        """Answer one request: always XML, whatever Accept says, for Java clients put text/html first."""
        return _respond(nodes.answer(_given()))

    return endpoint


def _given() -> list[tuple[str, str]]:
    """Return the arguments of the query string and, of a POST, of the body."""
    query = request.query_string
    if request.method != "POST":
        return arguments.decode(query)
    # Read, bounded, whatever the content type: what is not read would be taken for the connection's next request.
    body = request.stream.read(LONGEST_BODY + 1)
    if len(body) > LONGEST_BODY:
        # A client that is still sending when the connection closes never sees the answer.
        for _ in range(DRAINED // LONGEST_BODY):
            if not request.stream.read(LONGEST_BODY):
                break
        return _TOO_LONG
    return arguments.decode(query, body if request.mimetype in (_FORM, "") else b"")


def _respond(document: Document) -> Response:
    packed = len(document.content) > SHORT and _accepts_gzip()
    headers = {"Vary": "Accept-Encoding"}
    if request.method != "POST":
        headers["Cache-Control"] = caching.control(document)
        tag = caching.tag(document, compression.NAME if packed else "")
        if tag:
            headers["ETag"] = f'"{tag}"'
            if "If-None-Match" in request.headers and request.if_none_match.contains_weak(tag):
                return Response(status=304, headers=headers)
    headers["Content-Type"] = "text/xml; charset=utf-8"
    if not packed:
        return Response(document.content, headers=headers)
    headers["Content-Encoding"] = "gzip"
    return Response(compression.gzip(document.content), headers=headers)


def _accepts_gzip() -> bool:
    accepted = request.headers.get("Accept-Encoding", "")
    return "gzip" in accepted and request.accept_encodings["gzip"] > 0
