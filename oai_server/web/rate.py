"""How often one client may ask: counted by Flask-Limiter, in memory by each process for itself or in Redis for all."""

from __future__ import annotations

import math
import time

from flask import Blueprint, Flask
from flask_limiter import Limiter, RateLimitExceeded
from flask_limiter.util import get_remote_address
from werkzeug import Response

from oai_server.web.later import AFTER, later


def limit(app: Flask, rate: str, storage: str, exempt: Blueprint) -> None:
    """Answer clients (by their address) that exceed the rate with 503; ``exempt`` is never counted.

    While Redis is away each process counts for itself.
    """
    limiter = Limiter(
        get_remote_address,
        app=app,
        application_limits=[rate],
        storage_uri=storage,
        in_memory_fallback_enabled=True,
        key_prefix="oai",
    )
    limiter.exempt(exempt)

    @app.errorhandler(RateLimitExceeded)
    def _too_often(_: RateLimitExceeded) -> Response:
        exceeded = limiter.current_limit
        wait = AFTER if exceeded is None else max(1, math.ceil(exceeded.reset_at - time.time()))
        return later(f"This is more than {rate} from one address: come again in {wait} seconds.", wait)
