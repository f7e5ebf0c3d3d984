"""The one command, ``oai-server``, with a sub-command per task.

Errors for people are one line on standard error that says what is wrong and what to do; ``--debug`` shows where they
come from. Exit status: 0 done, 1 done but something was rejected, 2 nothing could be done.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, ParamSpec, TextIO

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from metadata_formats import registry
from metadata_formats.record import clean_text
from oai_server import config
from oai_server.config import ConfigError, Settings
from oai_server.ingest import files
from oai_server.ingest.importer import Importer, ImportRefused, Plan, Report
from oai_server.ingest.reader import ReaderError
from oai_server.ingest.readers import Job
from oai_server.ingest.rendering import Formats, Rendered, Renderer
from oai_server.ingest.rules import RuleError, Rules
from oai_server.protocol.repository import MetadataFormat
from oai_server.store.engine import StoreError, StoreUnavailable
from oai_server.store.publish import Outcome
from oai_server.store.repository import Count, Store
from oai_server.store.sets import Declared

P = ParamSpec("P")
NOTHING_DONE = 2
SOME_REJECTED = 1
SHOWN_REJECTIONS = 20
"""Rejections that an import prints; ``--report`` has them all."""


class Installation:
    """One instance folder with its settings, opened when a command needs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings: Settings = config.load(folder)
        self._opened: list[Store] = []
        self._formats = registry.load(self.settings.prefixes)
        for prefix, made in self._formats.items():
            registry.check_options(made, self.settings.format_options(prefix))
        self.rules = Rules({spec: said.where for spec, said in self.settings.sets.items() if said.where is not None})

    def formats(self) -> dict[str, registry.Format]:
        """Return the formats that the settings offer."""
        return self._formats

    def rendering(self) -> Formats:
        """Return the formats with their options, and the rules of the sets."""
        made, settings = self.formats(), self.settings
        options = {prefix: settings.format_options(prefix) for prefix in made}
        return Formats(made, settings.repository_name, settings.base_url, options, self.rules)

    def database(self) -> Store:
        """Return the store, whatever there is; it is closed with the installation."""
        self._opened.append(Store(self.settings.database_url))
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
        except (ConfigError, RuleError, ReaderError, StoreError, registry.FormatError, ImportRefused) as error:
            if debug:
                raise
            fail(str(error))
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that nothing complains at exit
            sys.exit(0)
        except KeyboardInterrupt:
            fail("interrupted: what was published stays; run it again to go on", 130)
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


def fail(message: str, status: int = NOTHING_DONE) -> NoReturn:
    """End with one line on standard error."""
    click.echo(f"oai-server: {message}", err=True)
    sys.exit(status)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="oai-server")
def main() -> None:
    """Publish a collection to OAI-PMH harvesters."""


@main.command()
@command
def init(installation: Installation) -> None:
    """Make an instance: config.toml, secret key, database. Safe to run again."""
    folder = installation.folder
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / config.CONFIG
    if not path.exists():
        path.write_text(config.commented(), encoding="utf-8")
        click.echo(f"wrote {path}: edit it before harvesters come")
    config.make_secret(folder)
    installation.settings = config.load(folder)
    store = installation.database()
    _upgrade(store)
    _declare(installation, store)
    click.echo(f"{folder} is ready: oai-server import FILE…, then oai-server serve")


@main.command()
@command
def upgrade(installation: Installation) -> None:
    """Bring the database to the schema of this version."""
    store = installation.database()
    _upgrade(store)
    _declare(installation, store)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@command
def backup(installation: Installation, file: Path) -> None:
    """Write all records into a new FILE, while harvesters are served and imports run."""
    with _progress() as progress:
        items = installation.store().backup(file, progress)
    click.echo(
        f"{file} holds {items} items; back up {installation.folder / config.CONFIG} and the secret key beside it"
    )


@main.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@command
def restore(installation: Installation, file: Path) -> None:
    """Make the repository what the backup FILE says; harvesters fetch everything again."""
    store = installation.store()
    with _progress() as progress:
        restored = store.restore(file, progress)
    _declare(installation, store)
    click.echo(
        f"restored {restored.items} items; {restored.forgotten} of them came after the backup, and are deleted now"
    )


def _upgrade(store: Store) -> None:
    before, after = store.upgrade()
    if before is None:
        click.echo(f"created the database, schema {after}")
    elif before != after:
        click.echo(f"upgraded the database from schema {before} to {after}")
    else:
        click.echo(f"the database has schema {after} already")


def _declare(installation: Installation, store: Store) -> None:
    """Write what the settings say of formats and sets."""
    store.declare((p, f.schema, f.namespace, f.version) for p, f in installation.formats().items())
    store.declare_sets(
        Declared(spec, said.name, said.description, said.tombstones)
        for spec, said in installation.settings.sets.items()
    )


def _max_deletes(_context: click.Context, _parameter: click.Parameter, text: str) -> float | int:
    """Read ``10%`` as a share and ``25`` as a number of items."""
    number = re.fullmatch(r"([0-9]+)|([0-9]+(?:\.[0-9]+)?)%", text, re.ASCII)
    if number is None:
        raise click.BadParameter(f"{text!r} is neither a share like 10% nor a number of items")
    return int(number[1]) if number[1] else float(number[2]) / 100


@main.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="FILE…")
@click.option("--source", default="default", show_default=True, help="The source that the files belong to.")
@click.option("--reader", help="The reader to use [by file name and content].")
@click.option("--profile", metavar="FILE.toml", help="How the reader maps the files to records.")
@click.option("--set", "sets", multiple=True, metavar="SPEC", help="Put every record in this set too (repeatable).")
@click.option("--mode", type=click.Choice(["update", "full", "delete"]), help="update (default), full or delete.")
@click.option("--max-deletes", default="10%", show_default=True, callback=_max_deletes,
              help="What --mode full may delete: a share of the source or a number.")  # fmt: skip
@click.option("--force", is_flag=True, help="Delete more than --max-deletes, or by files that look broken.")
@click.option("--dry-run", is_flag=True, help="Say what would happen and write nothing.")
@click.option(
    "--report", "report_file", metavar="FILE.jsonl", help="Write what changed, was remarked or rejected, one a line."
)
@command
def import_(
    installation: Installation, paths: tuple[str, ...], source: str, reader: str | None, profile: str | None,
    sets: tuple[str, ...], mode: str | None, max_deletes: float, force: bool, dry_run: bool, report_file: str | None,
) -> int:  # fmt: skip
    """Import files, folders or - (standard input) as records."""
    settings = installation.settings
    defaults = settings.sources.get(source, config.Source())
    profile = profile or (str(installation.folder / defaults.profile) if defaults.profile else None)
    plan = Plan(
        source=source, mode=mode or defaults.mode, id_prefix=defaults.id_prefix, sets=sets, max_deletes=max_deletes,
        force=force, dry_run=dry_run,
    )  # fmt: skip
    job = Job(reader or defaults.reader, profile)
    store = installation.store()
    if not dry_run:
        _declare(installation, store)
    with ExitStack() as stack:
        out = stack.enter_context(_opened(report_file)) if report_file else None
        report = Report(_teller(out))
        importer = Importer(store, installation.rendering(), settings.domain, plan, report)
        importer.run(job, list(files.sources(paths)), stack.enter_context(_progress()))
    _tell_remarks(report)
    click.echo(f"{'would be: ' if dry_run else ''}{report.line}")
    done = report.new + report.changed + report.unchanged + report.deleted
    return 0 if not report.rejected else SOME_REJECTED if done else NOTHING_DONE


def _opened(report_file: str) -> TextIO:
    # Names of files need not be text: what of them is no UTF-8 is escaped, as JSON escapes it.
    return Path(report_file).open("w", encoding="utf-8", errors="backslashreplace")


def _teller(out: TextIO | None) -> Callable[[dict[str, Any]], None]:
    """Return what writes each event to the report file and the first rejections to standard error."""
    shown = 0

    def tell(event: dict[str, Any]) -> None:
        nonlocal shown
        if out:
            out.write(json.dumps(event, ensure_ascii=False) + "\n")
        if event["outcome"] == "rejected":
            shown += 1
            if shown <= SHOWN_REJECTIONS:
                click.echo(f"rejected: {_placed(event)}", err=True)
            elif shown == SHOWN_REJECTIONS + 1:
                click.echo("rejected: more; --report FILE.jsonl has them all", err=True)

    return tell


def _placed(event: dict[str, Any]) -> str:
    """Return file, place, identifier and message in one line, each once."""
    message = " ".join(str(event["message"]).split())
    given = [str(event[name]) for name in ("file", "where", "id") if event[name]]
    parts = [part for part in given if not re.search(rf"(?<!\w){re.escape(part)}(?!\w)", message)]
    return ": ".join([", ".join(parts), message] if parts else [message])


def _tell_remarks(report: Rendered) -> None:
    for kind, count in sorted(report.remarks.items()):
        click.echo(f"{kind}: {count}")
    for prefix, count in sorted(report.not_given.items()):
        click.echo(f"not given as {prefix}, its format failed: {count}")


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Show a progress bar on a terminal, nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (SpinnerColumn(), TextColumn("records"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("import", total=None)
        yield lambda count: progress.advance(task, count)


@main.command()
@click.argument("identifiers", nargs=-1, required=True, metavar="IDENTIFIER…")
@command
def delete(installation: Installation, identifiers: tuple[str, ...]) -> int:
    """Turn items into tombstones: OAI identifiers, or - for a list on standard input."""
    named: list[str] = []
    for identifier in identifiers:
        listed = identifier == files.STDIN
        named += clean_text(sys.stdin.buffer.read().decode(errors="replace")).split() if listed else [identifier]
    store = installation.store()
    deleted = unchanged = unknown = 0
    for start in range(0, len(named), 1000):
        batch = list(dict.fromkeys(named[start : start + 1000]))
        outcomes = store.withdraw(batch)
        deleted += sum(outcome is Outcome.DELETED for outcome in outcomes.values())
        unchanged += sum(outcome is Outcome.UNCHANGED for outcome in outcomes.values())
        for identifier in batch:
            if identifier not in outcomes:
                unknown += 1
                click.echo(f"rejected: {identifier}: there is no such item; 'oai-server show' finds items", err=True)
    click.echo(f"new 0 · changed 0 · unchanged {unchanged} · deleted {deleted} · rejected {unknown}")
    return 0 if not unknown else SOME_REJECTED if deleted + unchanged else NOTHING_DONE


@main.command()
@click.option("--prefix", "prefixes", multiple=True, metavar="P", help="Render this format only (repeatable).")
@click.option("--set", "setspec", metavar="SPEC", help="Render the items of this set only.")
@click.option("--restamp", is_flag=True, help="Give what is chosen a new datestamp, changed or not.")
@click.option(
    "--report", "report_file", metavar="FILE.jsonl", help="Write what changed, was remarked or rejected, one a line."
)
@command
def render(
    installation: Installation, prefixes: tuple[str, ...], setspec: str | None, restamp: bool, report_file: str | None
) -> int:
    """Render again what formats or rules of sets have changed; only what differs gets a new datestamp."""
    store = installation.store()
    _declare(installation, store)
    unknown = [prefix for prefix in prefixes if prefix not in installation.formats()]
    if unknown:
        fail(f"the format {unknown[0]} is not offered; offered are {', '.join(installation.formats())}")
    if setspec is not None and setspec not in {one.spec for one, _ in store.sets()}:
        fail(f"there is no set {setspec}; 'oai-server sets' lists them")
    with ExitStack() as stack:
        out = stack.enter_context(_opened(report_file)) if report_file else None
        report = Rendered(_teller(out))
        renderer = Renderer(store, installation.rendering(), report, prefixes=prefixes or None, setspec=setspec)
        progress = stack.enter_context(_progress())
        renderer.run(progress)
        if restamp:
            renderer.restamp(progress)
    _tell_remarks(report)
    click.echo(report.line + (f" · restamped {report.restamped}" if restamp else ""))
    return SOME_REJECTED if report.rejected else 0


@main.command()
@click.option("--bind", metavar="HOST:PORT", help="Where to listen.")
@click.option("--workers", type=click.IntRange(1), help="Processes.")
@click.option("--threads", type=click.IntRange(1), help="Threads in each process.")
@command
def serve(installation: Installation, bind: str | None, workers: int | None, threads: int | None) -> None:
    """Serve harvesters until SIGTERM."""
    from oai_server.web.serving import Server

    settings = installation.settings
    settings.bind = bind or settings.bind
    settings.workers = workers or settings.workers
    settings.threads = threads or settings.threads
    if not settings.keys:
        fail("there is no secret key: run 'oai-server init', or set OAI_SECRET_KEY")
    store = installation.store()
    _declare(installation, store)
    for url in settings.replica_urls:
        _check_replica(store, url)
    store.close()
    click.echo(f"serving {settings.repository_name} at {settings.base_url} (listening on {settings.bind})")
    Server(settings, _offered(installation)).run()


def _check_replica(primary: Store, url: str) -> None:
    """Refuse a replica of another database; one that is away now may come back."""
    replica = Store(url)
    try:
        replica.check()
        # Two databases that were made in one second have one incarnation, but one of them follows nobody.
        if not replica.is_standby() or replica.horizon().incarnation != primary.horizon().incarnation:
            raise StoreError(f"replica_urls: {replica.place} is no replica of the database at {primary.place}")
    except StoreUnavailable as error:
        click.echo(f"oai-server: warning: a replica is away, the primary serves alone meanwhile: {error}", err=True)
    finally:
        replica.close()


def _offered(installation: Installation) -> list[MetadataFormat]:
    return [MetadataFormat(p, f.schema, f.namespace) for p, f in installation.formats().items()]


@main.command()
@command
def status(installation: Installation) -> None:
    """Say what is in the repository."""
    store = installation.store()
    settings = installation.settings
    horizon = store.horizon()
    click.echo(f"{settings.repository_name}\nbase URL  {settings.base_url}")
    click.echo(f"earliest  {_utc(horizon.earliest)}\nhorizon   {_utc(horizon.horizon)}")
    _print_counts("format", store.counts_by_format())
    _print_counts("source", store.counts_by_source())
    click.echo(f"sets      {len(store.sets())}")
    if stale := store.count_stale(installation.rendering().rendered):
        click.echo(f"to render {stale}: formats or rules of sets have changed since; run 'oai-server render'")


def _print_counts(kind: str, counts: list[Count]) -> None:
    for count in counts:
        click.echo(f"{kind}  {count.name:<20} live {count.live}  deleted {count.deleted}")


@main.command()
@command
def sets(installation: Installation) -> None:
    """List the sets with their sizes."""
    table = Table("setSpec", "name", "records", box=None, pad_edge=False)
    for one, size in installation.store().sets():
        table.add_row(one.spec, one.name, str(size))
    _print(table)


@main.command()
@command
def formats(installation: Installation) -> None:
    """List the formats that are offered, and those that are installed."""
    offered = installation.formats()
    table = Table("prefix", "namespace", "version", "offered", box=None, pad_edge=False)
    for prefix, made in {**offered, **registry.load()}.items():
        table.add_row(prefix, made.namespace, made.version, "yes" if prefix in offered else "no")
    _print(table)


def _print(table: Table) -> None:
    """Print a table whole: on a pipe it is as wide as its content."""
    console = Console(width=None if sys.stdout.isatty() else 500)
    console.print(table)


@main.command()
@click.argument("identifier")
@click.option("--prefix", metavar="P", help="The record in this format, as harvesters get it.")
@command
def show(installation: Installation, identifier: str, prefix: str | None) -> int:
    """Show an item: its canonical record, or with --prefix its rendition."""
    found = installation.store().show(identifier)
    if found is None:
        fail(f"there is no item {identifier} (or several sources have one of that key: give its OAI identifier)")
    if prefix is None:
        click.echo(f"# {found.identifier} · source {found.source} · key {found.key} · sets {found.setspecs or '-'}")
        for name, stamp, deleted, _ in found.records:
            click.echo(f"# {name} {_utc(stamp)}{' deleted' if deleted else ''}")
        click.echo(json.dumps(json.loads(found.canonical), ensure_ascii=False, indent=2))
        return 0
    for name, _, _, body in found.records:
        if name == prefix and body is not None:
            click.echo(body.decode())
            return 0
    held = ", ".join(name for name, _, deleted, _ in found.records if not deleted) or "none"
    fail(f"{found.identifier} has no live record in {prefix}; it has: {held}")


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
