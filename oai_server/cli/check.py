"""The command that says, before a portal harvests, which records break which of its rules."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from urllib.parse import urlsplit

import click

from metadata_formats import record as model
from metadata_formats.record import RecordError
from oai_server.cli.command import SOME_REJECTED, Installation, command, data_output, fail, main, progress_bar, say
from oai_server.cli.records import opened
from oai_server.ingest.rendering import Formats
from oai_server.readiness import profile as profiles
from oai_server.readiness.checking import Checking
from oai_server.readiness.finding import Severity, counted
from oai_server.readiness.item import Item
from oai_server.readiness.profile import Profile
from oai_server.readiness.report import WRITERS, Report
from oai_server.store.repository import Held, Store

SHOWN = 5
"""Records of each rule that the text shows, unless ``--limit`` says otherwise."""


@main.command()
@click.argument("identifiers", nargs=-1, metavar="[IDENTIFIER…]")
@click.option(
    "--profile", "names", multiple=True, metavar="NAME", help="The portal [all that are installed] (repeatable)."
)
@click.option("--set", "setspec", metavar="SPEC", help="Check the items of this set only.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document: findings, then sums.")
@click.option("--csv", "as_csv", is_flag=True, help="Write a table, one row for each finding.")
@click.option("--limit", type=click.IntRange(0), metavar="N",
              help=f"Records of each rule that are listed [{SHOWN} in text, all in JSON and CSV].")  # fmt: skip
@click.option(
    "--report", "report_file", metavar="FILE", help="Write into this file, and the sums alone to the terminal."
)
@click.option("--endpoint", metavar="URL", help="Examine this running OAI-PMH server instead, ours or another's.")
@click.option("--pages", type=click.IntRange(0), default=3, show_default=True, metavar="N",
              help="With --endpoint: pages of each list that are read, 0 for all.")  # fmt: skip
@click.option("--fail-on", type=click.Choice(["error", "warning"]), help="Exit 1 where this or worse was found.")
@command
def check(
    installation: Installation, identifiers: tuple[str, ...], names: tuple[str, ...], setspec: str | None,
    as_json: bool, as_csv: bool, limit: int | None, report_file: str | None, endpoint: str | None, pages: int,
    fail_on: str | None,
) -> int:  # fmt: skip
    """Say which records break rules of portals, and how to mend them.

    With --endpoint: say which rules of OAI-PMH a running server breaks.
    """
    if as_json and as_csv:
        fail("--json and --csv are two reports: run it once for each")
    kind = "json" if as_json else "csv" if as_csv else "text"
    if endpoint is not None:
        if identifiers or names or setspec is not None:
            fail("--endpoint examines a server: identifiers, --profile and --set are about records")
        worst = _examine(installation, endpoint, pages, kind, report_file)
        return SOME_REJECTED if fail_on and _is_as_bad(worst, Severity(fail_on)) else 0
    chosen = profiles.load(names)
    store = installation.store()
    if setspec is not None and setspec not in {one.spec for one, _ in store.sets()}:
        fail(f"there is no set {setspec}; 'oai-server sets' lists them")
    if identifiers and setspec is not None:
        fail("--set and identifiers are two choices: give one of them")
    wanted = {prefix for profile in chosen for prefix in (profile.harvests, *profile.reads)}
    held: Iterable[Held] = (
        _named(store, identifiers) if identifiers else chain.from_iterable(store.live(setspec, wanted))
    )
    began, count = time.monotonic(), 0
    with ExitStack() as stack:
        out = stack.enter_context(opened(report_file)) if report_file else data_output()
        report = Report(chosen, WRITERS[kind](out), SHOWN if limit is None and kind == "text" else limit)
        checking = stack.enter_context(Checking(chosen, report))
        with progress_bar() as progress:
            for item in _items(installation, held, wanted):
                checking.check(item)
                count += 1
                if count % 100 == 0:
                    progress(100)
        checking.finish()
        report.finish(_notes(installation, store, chosen))
    if report_file:
        for line in report.lines():
            say(line)
    spent = time.monotonic() - began
    say(
        f"checked {counted(count, 'record')} in {spent:.1f} s ({count / max(spent, 0.001):.0f} records a second)",
        err=True,
    )
    return SOME_REJECTED if fail_on and _is_as_bad(report.worst(), Severity(fail_on)) else 0


def _examine(installation: Installation, url: str, pages: int, kind: str, report_file: str | None) -> Severity | None:
    """Examine a server and write what it breaks; returns the gravest severity."""
    from metadata_formats.validation import SchemaMissing, Schemas
    from oai_server.readiness import endpoint_report
    from oai_server.readiness.asking import Asking
    from oai_server.readiness.endpoint import examine

    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        fail(f"--endpoint: {url!r} is not an address like https://archive.example.org/oai")
    requests = 0
    schemas = Schemas(installation.schemas)
    missing: set[str] = set()
    absent: set[str] = set()

    def validate(answer: bytes) -> list[str]:
        try:
            return schemas.errors_throughout(answer)
        except SchemaMissing as error:
            (absent if error.absent else missing).add(error.absent or str(error))
            return []

    with ExitStack() as stack:
        progress = stack.enter_context(progress_bar())

        def asked(count: int) -> None:
            nonlocal requests
            requests += count
            progress(count)

        asking = Asking(url, f"oai-server check ({installation.settings.admin_emails[0]})")
        broken = examine(url, asking, validate, pages=pages, progress=asked)
        out = stack.enter_context(opened(report_file)) if report_file else data_output()
        notes = [f"answers were not validated: {each}" for each in sorted(missing)]
        if absent:
            those = ", ".join(sorted(absent))
            notes.insert(
                0, f"answers were not validated, for schemas are missing: run 'oai-server schemas fetch' ({those})"
            )
        endpoint_report.write(kind, out, url, broken, requests, notes)
    if report_file:
        say(endpoint_report.sum_line(url, broken, requests))
    return broken[0].rule.severity if broken else None


def _is_as_bad(worst: Severity | None, limit: Severity) -> bool:
    order = list(Severity)
    return worst is not None and order.index(worst) <= order.index(limit)


def _items(installation: Installation, held: Iterable[Held], wanted: Collection[str]) -> Iterator[Item]:
    """Yield the items as portals meet them; a format that is not offered yet is rendered here."""
    settings = installation.settings
    offered = [prefix for prefix in wanted if prefix in installation.formats()]
    installed = installation.installed() if len(offered) < len(wanted) else {}
    made = {prefix: installed[prefix] for prefix in wanted if prefix in installed and prefix not in offered}
    options = {prefix: settings.format_options(prefix) for prefix in made}
    foreseen = Formats(made, settings.repository_name, settings.base_url, options)
    for one in held:
        try:
            record = model.from_json(one.canonical)
        except RecordError as error:
            say(f"left out: {one.identifier}: {error}", err=True)
            continue
        bodies = foreseen.renditions(record, one.identifier).bodies
        yield Item(one.identifier, record, bodies | {prefix: one.bodies.get(prefix) for prefix in offered})


def _named(store: Store, identifiers: Iterable[str]) -> list[Held]:
    """Return the items of these identifiers, each once; ends the command where there is none, or it is deleted."""
    named = {}
    for identifier in identifiers:
        found = store.show(identifier)
        if found is None or found.deleted:
            fail(f"there is no live item {identifier}; 'oai-server show' finds items")
        bodies = {prefix: body for prefix, _, _, body in found.records if body is not None}
        named[found.identifier] = Held(found.identifier, found.canonical, bodies)
    return list(named.values())


def _notes(installation: Installation, store: Store, chosen: Sequence[Profile]) -> list[str]:
    """Return what keeps portals from what was checked here, whatever the records are like."""
    offered = installation.formats()
    notes = [
        f"{profile.name} harvests {profile.harvests}, which is not offered: add it to the setting formats, then run "
        "'oai-server render'"
        for profile in chosen
        if profile.harvests not in offered
    ]
    if stale := store.count_stale(installation.rendering().current):
        waiting = f"{counted(stale, 'item')} {'waits' if stale == 1 else 'wait'}"
        notes.append(f"{waiting} for 'oai-server render': what portals get was made by other settings")
    return notes
