"""Pages for people: what this repository is, and one record."""

from __future__ import annotations

import json
import re
import secrets
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, abort, render_template

from metadata_formats import schema_org
from metadata_formats.record import RecordError, from_json
from metadata_formats.registry import Context
from oai_server.config import Settings
from oai_server.protocol.arguments import GRAMMAR
from oai_server.readiness.item import dublin_core, parsed
from oai_server.store.harvest import Harvest
from oai_server.store.repository import Shown, Store

# Nothing of a page comes from elsewhere, and nothing in a record can make it so.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
MOST_SETS = 500
"""Sets shown on the first page; ListSets has them all."""
_LINK = re.compile(r"https?://[^\s<>\"]+\Z")
NOT_SHOWN = frozenset({"full_text", "extra"})
"""Keys of a record that are not metadata: no format gives them to harvesters, so no page shows them to everybody."""


def blueprint(settings: Settings, store: Store, repository: Harvest) -> Blueprint:
    """Return ``/`` and ``/records/<OAI identifier>``."""
    pages = Blueprint("pages", __name__)

    @pages.get("/")
    def home() -> Response:
        """Show name, base URL, counts, sets and formats, and a form that builds a request."""
        sets = store.sets()
        horizon = repository.clock(tick=False)
        return _page(
            "home.html",
            settings=settings,
            totals=store.totals(),
            formats=repository.formats(),
            sets=sets[:MOST_SETS],
            more_sets=max(len(sets) - MOST_SETS, 0),
            earliest=_utc(horizon.earliest),
            verbs=GRAMMAR,
        )

    @pages.get("/records/<path:identifier>")
    def record(identifier: str) -> Response:
        """Show one item: its Dublin Core for people, where it is in each format, and its canonical record."""
        shown = store.show(identifier)
        if shown is None or shown.identifier != identifier:
            abort(404)
        canonical = {key: value for key, value in json.loads(shown.canonical).items() if key not in NOT_SHOWN}
        titles = canonical.get("titles", ())
        return _page(
            "record.html",
            settings=settings,
            item=shown,
            title=next((title["value"] for title in titles if title.get("type", "main") == "main"), shown.key),
            described=_described(shown),
            canonical=None if shown.deleted else json.dumps(canonical, ensure_ascii=False, indent=2),
            linked=None if shown.deleted else _linked(shown, settings),
            records=[(prefix, _utc(stamp), deleted) for prefix, stamp, deleted, _ in shown.records],
        )

    return pages


def _described(shown: Shown) -> list[tuple[str, list[tuple[str, bool]]]]:
    """Return the Dublin Core elements of an item in their order: name, and values, which may be links."""
    body = next((body for prefix, _, _, body in shown.records if prefix == "oai_dc"), None)
    said = dublin_core(parsed(body))
    return [(name, [(text, bool(_LINK.match(text))) for text in values]) for name, values in said.items()]


def _linked(shown: Shown, settings: Settings) -> dict[str, Any] | None:
    """Return what search engines read: the item in schema.org's words; None where the model takes it no longer."""
    context = Context(shown.identifier, settings.repository_name, settings.base_url)
    try:
        return schema_org.document(from_json(shown.canonical), context)
    except RecordError:
        return None


def _page(template: str, **values: object) -> Response:
    nonce = secrets.token_urlsafe(16)
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": _POLICY.format(nonce=nonce),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    return Response(render_template(template, nonce=nonce, **values), headers=headers)


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
