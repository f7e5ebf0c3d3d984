"""Reading and rendering in processes of their own: most of the work of an import, that needs nothing but the record.

One process takes files apart, compares, publishes and reports; the others get records of a batch as JSON, with what is
stored of them, and give their renditions back, or say that nothing is new, in the same order. They are forked from an
import that has all formats, plug-ins too, in memory.
"""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

from metadata_formats import record as model
from metadata_formats.record import Record, RecordError
from oai_server.ingest.reader import Unaltered
from oai_server.ingest.rendering import Formats, Renditions
from oai_server.store.publish import Outcome, body_hashes


class Task(NamedTuple):
    """A record to render, or its JSON to read first; what its item is called, and the setSpecs that it gets, sorted.

    ``before`` is the change test of the record that is stored, if that is rendered as it would be now.
    """

    record: Record | bytes
    identifier: str
    sets: list[str]
    before: bytes = b""
    unaltered: Unaltered | None = None


class Made(NamedTuple):
    """A record in all formats, its canonical JSON and change tests, its sets, and which rules failed with it."""

    canonical: bytes
    hash: bytes
    renditions: Renditions
    hashes: dict[str, bytes]
    setspecs: tuple[str, ...]
    failed_rules: list[str]


Result = Made | Outcome | str
"""What became of a task: renditions; that the record is unchanged, or says that it is deleted; why it is no record."""


def render(formats: Formats, tasks: Iterable[Task]) -> Iterator[Result]:
    """Render records, in their order, each when it is asked for: in all formats they take far more than their size."""
    for task in tasks:
        try:
            record = model.from_json(task.record) if isinstance(task.record, bytes) else task.record
        except RecordError as error:
            yield str(error)
            continue
        yield Outcome.DELETED if record.deleted else _made(formats, task, record)


def _made(formats: Formats, task: Task, record: Record) -> Made | Outcome:
    record.sets = task.sets
    unaltered, hashed = task.unaltered, record.content_hash()
    if unaltered is not None:
        hashed = hashlib.blake2b(hashed + unaltered.body, digest_size=len(hashed)).digest()
    if hashed == task.before:
        return Outcome.UNCHANGED
    canonical = record.to_json()
    renditions = formats.renditions(record, task.identifier, unaltered=unaltered)
    hashes = body_hashes(renditions.bodies, renditions.abouts)
    return Made(canonical, hashed, renditions, hashes, *formats.sets(record))


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

    @property
    def started(self) -> bool:
        """Whether the processes are there."""
        return self._pool is not None

    def render(self, tasks: Sequence[Task]) -> Callable[[], list[Result]]:
        """Begin to render records, given as JSON; what is returned waits for them.

        Raises:
            BrokenProcessPool: (from what is returned) a process was ended from outside.
        """
        if not tasks:  # a batch of nothing but what is no record
            return list
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._jobs, get_context("fork"), _begin, (self._formats, os.getpid()))
        share = -(-len(tasks) // self._jobs)
        parts = [self._pool.submit(_render, tasks[at : at + share]) for at in range(0, len(tasks), share)]
        return lambda: [result for part in parts for result in part.result()]


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


def _render(tasks: Sequence[Task]) -> list[Result]:
    return list(render(_formats, tasks))
