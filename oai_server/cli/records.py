"""The commands that change records: import, delete, render."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import click

from metadata_formats.record import clean_text
from oai_server import config
from oai_server.cli.command import (
    NOTHING_DONE,
    SOME_REJECTED,
    Installation,
    command,
    declare,
    fail,
    main,
    progress_bar,
    say,
)
from oai_server.ingest import files
from oai_server.ingest.importer import Importer, Plan, Report
from oai_server.ingest.readers import Job
from oai_server.ingest.rendering import Rendered, Renderer
from oai_server.ingest.workers import cores
from oai_server.store.publish import Outcome

SHOWN_REJECTIONS = 20
"""Rejections that an import prints; ``--report`` has them all."""


def read_max_deletes(_context: click.Context, _parameter: click.Parameter, text: str) -> float | int:
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
@click.option("--max-deletes", default="10%", show_default=True, callback=read_max_deletes,
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
        force=force, dry_run=dry_run, own_identifiers=defaults.identifiers == "own",
    )  # fmt: skip
    job = Job(reader or defaults.reader, profile)
    store = installation.store()
    if not dry_run:
        declare(installation, store)
    with ExitStack() as stack:
        if plan.mode == "full" and not dry_run:
            stack.enter_context(store.alone(source))
        out = stack.enter_context(opened(report_file)) if report_file else None
        report = Report(teller(out))
        jobs = settings.jobs or cores()
        importer = Importer(store, installation.rendering(), settings.domain, plan, report, jobs)
        importer.run(job, list(files.sources(paths)), stack.enter_context(progress_bar()))
    tell_remarks(report)
    say(f"{'would be: ' if dry_run else ''}{report.line}")
    done = report.new + report.changed + report.unchanged + report.deleted
    return 0 if not report.rejected else SOME_REJECTED if done else NOTHING_DONE


def opened(report_file: str) -> TextIO:
    """Open a report file for writing."""
    # Names of files need not be text: what of them is no UTF-8 is escaped, as JSON escapes it.
    return Path(report_file).open("w", encoding="utf-8", errors="backslashreplace")


def teller(out: TextIO | None) -> Callable[[dict[str, Any]], None]:
    """Return what writes each event to the report file and the first rejections to standard error."""
    shown = 0

    def tell(event: dict[str, Any]) -> None:
        nonlocal shown
        if out:
            out.write(json.dumps(event, ensure_ascii=False) + "\n")
        if event["outcome"] == "rejected":
            shown += 1
            if shown <= SHOWN_REJECTIONS:
                say(f"rejected: {_placed(event)}", err=True)
            elif shown == SHOWN_REJECTIONS + 1:
                say("rejected: more; --report FILE.jsonl has them all", err=True)

    return tell


def _placed(event: dict[str, Any]) -> str:
    """Return file, place, identifier and message in one line, each once."""
    message = " ".join(str(event["message"]).split())
    given = [str(event[name]) for name in ("file", "where", "id") if event[name]]
    parts = [part for part in given if not re.search(rf"(?<!\w){re.escape(part)}(?!\w)", message)]
    return ": ".join([", ".join(parts), message] if parts else [message])


def tell_remarks(report: Rendered) -> None:
    """Print what was remarked, each kind with its number."""
    for kind, count in sorted(report.remarks.items()):
        say(f"{kind}: {count}")
    for prefix, count in sorted(report.not_given.items()):
        say(f"not given as {prefix}, its format failed: {count}")


@main.command()
@click.argument("identifiers", nargs=-1, required=True, metavar="IDENTIFIER…")
@command
def delete(installation: Installation, identifiers: tuple[str, ...]) -> int:
    """Turn items into tombstones. IDENTIFIER may be - for a list on standard input."""
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
                say(f"rejected: {identifier}: there is no such item; 'oai-server show' finds items", err=True)
    say(f"new 0 · changed 0 · unchanged {unchanged} · deleted {deleted} · rejected {unknown}")
    return 0 if not unknown else SOME_REJECTED if deleted + unchanged else NOTHING_DONE


@main.command()
@click.option("--prefix", "prefixes", multiple=True, metavar="P", help="Render this format only (repeatable).")
@click.option("--set", "setspec", metavar="SPEC", help="Render the items of this set only.")
@click.option("--restamp", is_flag=True, help="Give what is chosen a new datestamp, changed or not.")
@click.option("--repack", is_flag=True, help="Store all records anew, as the setting compression says.")
@click.option(
    "--report", "report_file", metavar="FILE.jsonl", help="Write what changed, was remarked or rejected, one a line."
)
@command
def render(
    installation: Installation, prefixes: tuple[str, ...], setspec: str | None, restamp: bool, repack: bool,
    report_file: str | None,
) -> int:  # fmt: skip
    """Render again where formats or rules of sets have changed. Only what comes out different gets a new datestamp."""
    store = installation.store()
    declare(installation, store)
    unknown = [prefix for prefix in prefixes if prefix not in installation.formats()]
    if unknown:
        fail(f"the format {unknown[0]} is not offered; offered are {', '.join(installation.formats())}")
    if setspec is not None and setspec not in {one.spec for one, _ in store.sets()}:
        fail(f"there is no set {setspec}; 'oai-server sets' lists them")
    with ExitStack() as stack:
        out = stack.enter_context(opened(report_file)) if report_file else None
        report = Rendered(teller(out))
        renderer = Renderer(store, installation.rendering(), report, prefixes=prefixes or None, setspec=setspec)
        progress = stack.enter_context(progress_bar())
        renderer.run(progress)
        if restamp:
            renderer.restamp(progress)
        repacked = f" · repacked {store.repack(progress)}" if repack else ""
    tell_remarks(report)
    say(report.line + (f" · restamped {report.restamped}" if restamp else "") + repacked)
    return SOME_REJECTED if report.rejected else 0
