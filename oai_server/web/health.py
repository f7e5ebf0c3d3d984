"""What a load balancer or container asks: is the process alive, can it answer harvesters."""

from __future__ import annotations

from flask import Blueprint

from oai_server.store.engine import StoreError
from oai_server.store.repository import Store

_TEXT = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}


def blueprint(store: Store) -> Blueprint:
    """Return ``/health/live`` (the process answers) and ``/health/ready`` (its database does too)."""
    health = Blueprint("health", __name__)

    @health.get("/health/live")
    def live() -> tuple[str, int, dict[str, str]]:
        """Answer 200 while the process runs."""
        return "alive\n", 200, _TEXT

    @health.get("/health/ready")
    def ready() -> tuple[str, int, dict[str, str]]:
        """Answer 200 when harvesters can be served, else 503 with the reason."""
        try:
            store.check()
        except StoreError as error:
            return f"{error}\n", 503, {**_TEXT, "Retry-After": "10"}
        return "ready\n", 200, _TEXT

    return health
