"""Rendering in processes of its own: half of the work of an import, and the part that needs nothing but the record.

One process reads, publishes and reports, as ever; the others get records of a batch, in their canonical JSON, and give
their renditions back, in the same order. They are forked from an import that has all formats, plug-ins too, in memory.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

from metadata_formats import record as model
from metadata_formats.record import Record
from oai_server.ingest.reader import Unaltered
from oai_server.ingest.rendering import Formats, Renditions


class Task(NamedTuple):
    """A record to render: its canonical JSON, and what its item is called."""

    canonical: bytes
    identifier: str
    unaltered: Unaltered | None = None


class Made(NamedTuple):
    """A record in all formats, the sets it is in, and which rules failed with it."""

    renditions: Renditions
    setspecs: tuple[str, ...]
    failed_rules: list[str]


def render(formats: Formats, records: Iterable[Record], tasks: Sequence[Task]) -> Iterator[Made]:
    """Render records, in their order, each when it is asked for: in all formats they take far more than their size."""
    for record, task in zip(records, tasks, strict=True):
        renditions = formats.renditions(record, task.identifier, unaltered=task.unaltered)
        yield Made(renditions, *formats.sets(record))


def cores() -> int:
    """Return how many processes can run at once here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """Processes that render. They are started with the first tasks, and end with the block, or with their parent."""

    def __init__(self, formats: Formats, jobs: int) -> None:
        self._formats = formats
        self._jobs = jobs
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if self._pool is None:
            return
        if failure is not None:  # nobody waits for what they are at, which may never end
            for process in (self._pool._processes or {}).values():
                process.kill()
        self._pool.shutdown(cancel_futures=True)

    def render(self, tasks: Sequence[Task]) -> Callable[[], list[Made]]:
        """Begin to render records; what is returned waits for them.

        Raises:
            BrokenProcessPool: (from what is returned) a process was ended from outside.
        """
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._jobs, get_context("fork"), _begin, (self._formats, os.getpid()))
        share = -(-len(tasks) // self._jobs)
        parts = [self._pool.submit(_render, tasks[at : at + share]) for at in range(0, len(tasks), share)]
        return lambda: [made for part in parts for made in part.result()]


_formats: Formats


def _begin(formats: Formats, parent: int) -> None:
    """Make a process ready: Ctrl-C is for its parent to heed, whose end is its own."""
    global _formats
    _formats = formats
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _render(tasks: Sequence[Task]) -> list[Made]:
    return list(render(_formats, (model.from_json(task.canonical) for task in tasks), tasks))
