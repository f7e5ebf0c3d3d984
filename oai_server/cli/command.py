"""What every command is made of: the installation that it works on, and how its errors are told.

Errors for people are one line on standard error that says what is wrong and what to do; ``--debug`` shows where they
come from. Exit status: 0 done, 1 done but something was rejected, 2 nothing could be done.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, TextIO, cast

import click

from metadata_formats import plugins, registry
from oai_server import config
from oai_server.config import ConfigError, Settings
from oai_server.ingest.importer import ImportRefused
from oai_server.ingest.oai_client import HarvestError
from oai_server.ingest.reader import ReaderError
from oai_server.ingest.rendering import Formats
from oai_server.ingest.rules import RuleError, Rules
from oai_server.readiness.endpoint import NotServer
from oai_server.readiness.profile import ProfileError
from oai_server.store.engine import StoreError
from oai_server.store.repository import Store
from oai_server.store.sets import Declared

REFUSALS = (
    ConfigError, RuleError, ReaderError, StoreError, registry.FormatError, ImportRefused, ProfileError, HarvestError,
    NotServer,
)  # fmt: skip
"""Errors whose text is for people as it is."""

NOTHING_DONE = 2
SOME_REJECTED = 1
FORMATS = "formats"
"""The folder of an instance with formats of its own."""


class Installation:
    """One instance folder with its settings, opened when a command needs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings: Settings = config.load(folder)
        self._opened: list[Store] = []
        self._plugins = plugins.found(folder / FORMATS)
        self._formats = self._loaded(self.settings.prefixes)
        for prefix, made in self._formats.items():
            registry.check_options(made, self.settings.format_options(prefix))
        self.rules = Rules({spec: said.where for spec, said in self.settings.sets.items() if said.where is not None})

    def _loaded(self, prefixes: Iterable[str] | None) -> dict[str, registry.Format]:
        return registry.load(prefixes, self._plugins, self.settings.plugins)

    @property
    def schemas(self) -> Path:
        """The folder of XML schemas: as the settings say, else ``schemas`` in the instance."""
        return Path(self.settings.schemas) if self.settings.schemas else self.folder / "schemas"

    def formats(self) -> dict[str, registry.Format]:
        """Return the formats that the settings offer."""
        return self._formats

    def installed(self) -> dict[str, registry.Format]:
        """Return all formats that the settings could offer: built in, installed, and in the instance's folder."""
        return self._loaded(None)

    def rendering(self) -> Formats:
        """Return the formats with their options, and the rules of the sets."""
        made, settings = self.formats(), self.settings
        options = {prefix: settings.format_options(prefix) for prefix in made}
        return Formats(made, settings.repository_name, settings.base_url, options, self.rules, settings.about)

    def database(self) -> Store:
        """Return the store, whatever there is; it is closed with the installation."""
        packed = self.settings.compression == "zstd"
        self._opened.append(Store(self.settings.database_url, packed=packed, kept=True))
        return self._opened[-1]

    def store(self) -> Store:
        """Open the store.

        Raises:
            StoreError: it is not there, or not of this version.
        """
        if self.settings.database_url.startswith("sqlite:"):
            path = Path(self.settings.database_url.removeprefix("sqlite:///"))
            if not path.exists():
                raise StoreError(f"there is no database at {path}: run 'oai-server init' first")
        store = self.database()
        store.check()
        return store

    def close(self) -> None:
        """Let go of the database."""
        for store in self._opened:
            store.close()


def command(function: Callable[..., int | None]) -> Callable[..., None]:
    """Give a command ``--instance`` and ``--debug``, and turn its errors into one line and an exit status."""

    @wraps(function)
    def run(instance: str | None, debug: bool, **options: Any) -> None:
        try:
            with closing(Installation(config.folder(instance))) as installation:
                status = function(installation, **options) or 0
            sys.exit(status)
        except REFUSALS as error:
            if debug:
                raise
            fail(str(error))
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that nothing complains at exit
            sys.exit(0)
        except KeyboardInterrupt:
            fail("interrupted: what was published stays; run it again to go on", 130)
        except MemoryError:
            if debug:
                raise
            fail("out of memory: what was published stays; run it again where there is more, or with smaller files")
        except OSError as error:
            if debug:
                raise
            place = f"{error.filename}: " if error.filename else ""
            fail(f"{place}{error.strerror or error}")
        except UnicodeEncodeError as error:  # bytes of the command line that are no text
            if debug:
                raise
            fail(f"an argument is not UTF-8: {error.object[:100]!a}")

    run = click.option("--debug", is_flag=True, help="Show tracebacks.")(run)
    return click.option("--instance", metavar="DIR", help="The instance folder [$OAI_INSTANCE, else ./instance].")(run)


_COMMANDING = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def harmless(text: str, kept: str = "") -> str:
    r"""Return text without what terminals obey, or show out of its place: controls, line ends, directions of writing.

    They are shown by their codes, as ``\x1b``, but those that are ``kept``. Names of files and values of records are
    written by others.
    """
    return _COMMANDING.sub(lambda found: found[0] if found[0] in kept else ascii(found[0])[1:-1], text)


def say(line: str, *, err: bool = False) -> None:
    """Write one line for people, on standard output or standard error."""
    click.echo(harmless(line), err=err)


class _Terminal(io.TextIOBase):
    """Standard output that is a terminal: data reach it harmless."""

    def write(self, text: str) -> int:
        sys.stdout.write(harmless(text, "\t\n"))
        return len(text)


def data_output() -> TextIO:
    """Return standard output for data, which programs get as they are."""
    return cast(TextIO, _Terminal()) if sys.stdout.isatty() else sys.stdout


def fail(message: str, status: int = NOTHING_DONE) -> NoReturn:
    """End with one line on standard error."""
    say(f"oai-server: {message}", err=True)
    sys.exit(status)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="oai-server")
def main() -> None:
    """Publish records to OAI-PMH harvesters, and copy those of others.

    First 'oai-server init', then 'import' or 'harvest', then 'serve'.
    """


def declare(installation: Installation, store: Store) -> None:
    """Write what the settings say of formats and sets."""
    store.declare((p, f.schema, f.namespace, f.version) for p, f in installation.formats().items())
    store.declare_sets(
        Declared(spec, said.name, said.description, said.tombstones)
        for spec, said in installation.settings.sets.items()
    )


@contextmanager
def progress_bar() -> Iterator[Callable[[int], None]]:
    """Show a progress bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("records"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("import", total=None)
        yield lambda count: progress.advance(task, count)
