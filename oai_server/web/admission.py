"""Who is let in: the threads of a process are for those who can be served in time, and one is always left to say so.

A harvester that reads slowly holds a thread for as long as its page takes. Where such harvesters have taken the share
of the threads that they may have, and none gets free, who comes on top is told to come later instead of waiting unseen,
and the probes of load balancers are answered as ever. Short crowds wait their turn: they never notice.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from threading import Condition
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wsgi import ClosingIterator

from oai_server.web.later import later

PATIENCE = 0.2
"""Seconds without any thread taken or given back after which nobody waits any more."""
PROBES = "/health/"


class Admission:
    """A WSGI application around another: so many requests at a time are inside, each to the end of its answer."""

    def __init__(self, inside: WSGIApplication, places: int) -> None:
        self._inside = inside
        self._places = places
        self._moved = 0.0  # when a place was last taken or given back
        self._turn = Condition()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, or 503 where there is no place."""
        if environ.get("PATH_INFO", "").startswith(PROBES):
            return self._inside(environ, start_response)
        if not self._enter():
            return later("All that can be served at once is being served: come again later.")(environ, start_response)
        try:
            return ClosingIterator(self._inside(environ, start_response), self._leave)
        except BaseException:
            self._leave()
            raise

    def _enter(self) -> bool:
        """Take a place, waiting as long as that makes sense; return whether there was one."""
        with self._turn:
            while not self._places:
                left = self._moved + PATIENCE - time.monotonic()
                if left <= 0:
                    return False
                self._turn.wait(left)
            self._places -= 1
            self._moved = time.monotonic()
            return True

    def _leave(self) -> None:
        with self._turn:
            self._places += 1
            self._moved = time.monotonic()
            self._turn.notify()
