"""The commands that say what is in a repository."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from oai_server.cli.command import Installation, command, data_output, fail, harmless, main, say
from oai_server.store.repository import Count
from oai_server.store.upstream import Upstream


@main.command()
@command
def status(installation: Installation) -> None:
    """Say what is in the repository."""
    store = installation.store()
    settings = installation.settings
    horizon = store.horizon()
    say(settings.repository_name)
    say(f"base URL  {settings.base_url}")
    say(f"earliest  {_utc(horizon.earliest)}")
    say(f"horizon   {_utc(horizon.horizon)}")
    counts = {count.name: count for count in store.counts_by_format()}
    empty = {prefix: Count(prefix, 0, 0) for prefix in installation.formats()}
    _print_counts("format", list((empty | counts).values()), without=counts.keys() - empty.keys())
    _print_counts("source", store.counts_by_source())
    for one in store.upstreams():
        say(f"harvest  {one.source:<19} {one.url}  {one.prefix}  {_whole_or_set(one)}  {_come_to(one)}")
    say(f"sets      {len(store.sets())}")
    if stale := store.count_stale(installation.rendering().current):
        say(f"to render {stale}: formats or rules of sets have changed since; run 'oai-server render'")


def _whole_or_set(one: Upstream) -> str:
    return f"set {one.setspec}" if one.setspec else "all"


def _come_to(one: Upstream) -> str:
    """Say how far a harvest has come, in times of the other server."""
    told = [f"complete until {one.complete}" if one.complete else "not complete"]
    if one.token is not None:
        told.append(f"under way since {one.started}" if one.started else "under way")
    return ", ".join(told)


def _print_counts(kind: str, counts: list[Count], without: Collection[str] = ()) -> None:
    """Print numbers by name; those ``without`` are not offered."""
    for count in counts:
        more = "  not offered" if count.name in without else ""
        say(f"{kind}  {count.name:<20} live {count.live}  deleted {count.deleted}{more}")


@main.command()
@command
def sets(installation: Installation) -> None:
    """List the sets with their sizes."""
    print_table(
        ("setSpec", "name", "records"), ((one.spec, one.name, str(size)) for one, size in installation.store().sets())
    )


def print_table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a table whole: on a pipe it is as wide as its content."""
    table = Table(*header, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(harmless(cell)) for cell in row))  # plain strings may have markup
    console = Console(width=None if sys.stdout.isatty() else 500)
    console.print(table)


@main.command()
@click.argument("identifier")
@click.option("--prefix", metavar="P", help="The record in this format, as harvesters get it.")
@command
def show(installation: Installation, identifier: str, prefix: str | None) -> int:
    """Show an item: its record, or with --prefix what harvesters get."""
    found = installation.store().show(identifier)
    if found is None:
        fail(f"there is no item {identifier}, or more than one: give its OAI identifier, as oai:DOMAIN:ID")
    if prefix is None:
        say(f"# {found.identifier} · source {found.source} · key {found.key} · sets {found.setspecs or '-'}")
        for name, stamp, deleted, _ in found.records:
            say(f"# {name} {_utc(stamp)}{' deleted' if deleted else ''}")
        print(json.dumps(json.loads(found.canonical), ensure_ascii=False, indent=2), file=data_output())
        return 0
    bodies = {name: body for name, _, _, body in found.records if body is not None}
    if prefix not in bodies:
        fail(f"{found.identifier} has no live record in {prefix}; it has: {', '.join(bodies) or 'none'}")
    print(bodies[prefix].decode(), file=data_output())
    return 0


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
