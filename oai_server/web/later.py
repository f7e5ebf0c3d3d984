"""Say "later" in the way that harvesters understand: 503, and Retry-After in whole seconds. 429 stops most of them."""

from __future__ import annotations

from werkzeug import Response

AFTER = 10
"""Seconds after which to come again, where nothing better is known."""


def later(text: str, seconds: int = AFTER) -> Response:
    """Return the answer to a request that cannot be served now."""
    headers = {"Retry-After": str(seconds), "Cache-Control": "no-store"}
    return Response(f"{text}\n", 503, headers, content_type="text/plain; charset=utf-8")
