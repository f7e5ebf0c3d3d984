"""The command that fetches XML schemas."""

from __future__ import annotations

from urllib.parse import urlsplit

import click

from oai_server.cli.command import NOTHING_DONE, SOME_REJECTED, Installation, command, fail, main, say


@main.group()
def schemas() -> None:
    """Fetch the XML schemas that records are checked by."""


@schemas.command()
@click.option("--mirror", metavar="URL", help="Where the same tree of schemas is kept: URL/www.loc.gov/… and so on.")
@command
def fetch(installation: Installation, mirror: str | None) -> int:
    """Fetch the schemas of all formats, checked against known sums."""
    from oai_server import schemas as known

    if mirror is not None and urlsplit(mirror).scheme not in ("http", "https"):
        fail(f"--mirror: {mirror!r} is not an address like https://mirror.example.org/schemas")
    folder = installation.schemas
    fetched = known.fetch(folder, mirror)
    for each in fetched:
        if each.problem:
            say(f"not fetched: {each.problem}", err=True)
    failed = sum(bool(each.problem) for each in fetched)
    there = sum(each.was_there for each in fetched)
    say(f"fetched {len(fetched) - failed - there} · there already {there} · not fetched {failed} · in {folder}")
    return 0 if not failed else SOME_REJECTED if failed < len(fetched) else NOTHING_DONE
