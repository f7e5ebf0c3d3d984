"""gunicorn around the application: one master, workers with threads, no connection made before the fork."""

from __future__ import annotations

import ctypes
import gc
import select
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from oai_server.config import Settings
from oai_server.protocol.repository import MetadataFormat
from oai_server.web.app import create_app

LINGER_MS = 20
"""For how long a thread waits for the next request of a harvester before it gives the connection back."""


class _Threads(ThreadPoolExecutor):
    """The threads of a process."""

    @property
    def wanted(self) -> bool:
        """Whether a request waits for a thread."""
        return not self._work_queue.empty()


class Worker(ThreadWorker):
    """gunicorn's worker with threads, changed in two things.

    A thread that has answered goes on with the next request of that connection, if that comes at once and nobody waits
    for a thread: each way through gunicorn's loop and to another thread costs a fifth of a page's CPU. Where all
    threads wait like that, another request waits with them, some milliseconds. And the loop does not wait for a slow
    client to take what is left: gunicorn closes a connection from there, and waits for the other side, up to two
    seconds each time.
    """

    tpool: _Threads

    def get_thread_pool(self) -> _Threads:
        """Return the threads that requests are answered in."""
        return _Threads(max_workers=self.cfg.threads)

    def handle(self, conn: Any) -> bool:
        """Answer a request of a connection, and those that follow at once; returns what gunicorn says of the last."""
        done = super().handle(conn)
        while done is True and self.alive and self._follows(conn):
            done = super().handle(conn)
        return done

    def _follows(self, conn: Any) -> bool:
        """Wait for something to read, or the end of the connection; return whether this thread should see to it."""
        if self.tpool.wanted or conn.parser.unreader.buf.getvalue():  # or it was read with the one before
            return False
        waiting = select.poll()
        waiting.register(conn.sock, select.POLLIN)
        return bool(waiting.poll(LINGER_MS)) and not self.tpool.wanted

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        """Take an answered connection back, to go on with it or to let a thread close it."""
        close = conn.close
        conn.close = lambda *given, **named: self.tpool.submit(close, *given, **named)
        super().finish_request(conn, fs)
        del conn.close  # its own again, and no circle that only the collector would find


_MALLOC = {-8: 1, -1: 64 * 1024 * 1024, -3: 32 * 1024 * 1024}
"""``M_ARENA_MAX``, ``M_TRIM_THRESHOLD`` and ``M_MMAP_THRESHOLD`` of malloc.h, in bytes but for the first."""


def _keep_memory() -> None:
    """Let all threads take memory from one place, and keep what a page took for the next, where the C library can.

    Threads take turns anyway: a place for each costs a tenth of a page's CPU, and memory that no other thread uses. To
    give a page's memory back to the system and ask for it again costs a twentieth.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in _MALLOC.items():
            mallopt(option, value)


class Server(BaseApplication):
    """One server process tree; SIGTERM lets requests that are under way finish, then ends it."""

    def __init__(self, settings: Settings, formats: list[MetadataFormat]) -> None:
        self._settings = settings
        self._formats = formats
        super().__init__()

    def load_config(self) -> None:
        """Give gunicorn its settings."""
        settings = self._settings
        options: dict[str, Any] = {
            "bind": settings.bind,
            "workers": settings.workers,
            # Threads, not processes, wait for slow harvesters: twenty of them stop a sync server.
            "worker_class": "oai_server.web.serving.Worker",
            "threads": settings.threads,
            "timeout": 60,
            "graceful_timeout": 30,
            # A harvester asks for its next page within seconds; a connection each would cost more than the page.
            "keepalive": 75,
            "limit_request_line": 8190,
            "proc_name": "oai-server",
            "control_socket_disable": True,
        }
        if Path("/dev/shm").is_dir():  # noqa: S108 - heartbeats belong in memory, where no slow disk stops them
            options["worker_tmp_dir"] = "/dev/shm"  # noqa: S108
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def run(self) -> None:
        """Serve. What is in memory by now stays shared by all processes: to look for garbage in it would copy it."""
        gc.freeze()
        super().run()

    def load(self) -> Flask:  # type: ignore[override] # gunicorn's types know WSGI by another name
        """Make the application, in each worker."""
        _keep_memory()
        return create_app(self._settings, self._formats)
