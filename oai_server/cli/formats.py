"""The commands about formats: which there are, whether one is sound, what one leaves out."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path

import click

from metadata_formats import record as model
from metadata_formats.loss import Losses, rendering
from metadata_formats.record import Record
from metadata_formats.registry import Context, Format, check_options
from metadata_formats.trial import Check, Outcome, Trial, digest
from metadata_formats.validation import Schemas
from oai_server.cli.command import SOME_REJECTED, Installation, command, fail, main, progress_bar, say
from oai_server.cli.looking import print_table
from oai_server.store.engine import StoreError
from oai_server.store.repository import Store

TRIED = 100
"""Records of the repository that a format is tried on, unless all are asked for."""
LONGEST_EXAMPLE = 60
"""Characters of an example."""


@command
def _listed(installation: Installation) -> None:
    offered = installation.formats()
    print_table(
        ("prefix", "namespace", "version", "offered"),
        (
            (prefix, made.namespace, made.version, "yes" if prefix in offered else "no")
            for prefix, made in {**offered, **installation.installed()}.items()
        ),
    )


@main.group(invoke_without_command=True)
@click.option("--instance", metavar="DIR", help="The instance folder [$OAI_INSTANCE, else ./instance].")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.pass_context
def formats(context: click.Context, instance: str | None, debug: bool) -> None:
    """List the formats, offered and installed. Test one, or say what it leaves out."""
    given = {"instance": instance, "debug": debug}
    context.default_map = dict.fromkeys(formats.commands, given)
    if context.invoked_subcommand is None:
        _listed(**given)


@formats.command("test")
@click.argument("prefix")
@command
def try_(installation: Installation, prefix: str) -> int:
    """Try a format on hard records, and on some of the repository's own."""
    format_ = _installed(installation, prefix)
    say(f"{prefix}: {format_.namespace}, version {format_.version}")
    own = []
    try:
        own = list(_sample(installation.store(), TRIED))
        say(f"tried on sample records, and on {len(own)} of this repository")
    except StoreError as error:
        say(f"tried on sample records alone: {error}")
    trial = Trial(format_, _context(installation, prefix), Schemas(installation.schemas))
    failed = False
    for check in trial.run(own, lambda records: _elsewhere(installation.folder, prefix, records)):
        say(_line(check))
        failed = failed or check.outcome is Outcome.FAILED
    return SOME_REJECTED if failed else 0


def _line(check: Check) -> str:
    return f"{check.outcome.value:<12} {check.name}: {' '.join(check.said.split())}"


@formats.command()
@click.argument("prefix")
@click.option("--all", "every", is_flag=True, help=f"Try all records, not a sample of {TRIED}.")
@command
def loss(installation: Installation, prefix: str, every: bool) -> None:
    """Say which fields of the records here a format does not carry."""
    format_ = _installed(installation, prefix)
    render, losses = rendering(format_, _context(installation, prefix)), Losses()
    with progress_bar() as progress:
        for _, record in _sample(installation.store(), None if every else TRIED):
            losses.add(record, render)
            progress(1)
    kind = "all" if every else f"a sample of {TRIED} at most"
    say(f"{prefix}: {losses.tried} records tried ({kind}), {losses.not_given} more have no record in it")
    if not losses.lost:
        say("it carries every field of them" if losses.tried else "there is nothing to say")
        return
    print_table(
        ("field", "records", "none carried", "not all", "for example"),
        (
            (one.path, str(one.records), str(one.none), str(one.some), " ".join(one.example.split())[:LONGEST_EXAMPLE])
            for one in losses.lost
        ),
    )


def _installed(installation: Installation, prefix: str) -> Format:
    """Return a format, offered or not, with its options checked."""
    installed = installation.installed()
    if prefix not in installed:
        fail(f"no format {prefix!r} is installed; there are: {', '.join(sorted(installed))}")
    check_options(installed[prefix], installation.settings.format_options(prefix))
    return installed[prefix]


def _context(installation: Installation, prefix: str) -> Context:
    settings = installation.settings
    identifier = f"oai:{settings.domain}:1"
    return Context(identifier, settings.repository_name, settings.base_url, settings.format_options(prefix))


def _sample(store: Store, most: int | None) -> Iterator[tuple[str, Record]]:
    """Yield live records with their identifiers: all, or so many at most, evenly from the first to the last."""
    items = sum(count.live + count.deleted for count in store.counts_by_source())
    step = -(-items // most) if most and items else 1
    for number, identifier in enumerate(chain.from_iterable(store.members(None))):
        if number % step:
            continue
        shown = store.show(identifier)
        if shown is not None and not shown.deleted:
            yield identifier, model.from_json(shown.canonical)


def _elsewhere(folder: Path, prefix: str, records: Sequence[Record]) -> list[str]:
    """Return the digests of renditions made by another process, which hashes words otherwise: order in sets shows."""
    seed = os.environ.get("PYTHONHASHSEED")
    os.environ["PYTHONHASHSEED"] = "2" if seed == "1" else "1"
    try:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            return pool.submit(_digests, folder, prefix, [record.to_json() for record in records]).result()
    finally:
        del os.environ["PYTHONHASHSEED"]
        if seed is not None:
            os.environ["PYTHONHASHSEED"] = seed


def _digests(folder: Path, prefix: str, records: list[bytes]) -> list[str]:
    installation = Installation(folder)
    render = rendering(_installed(installation, prefix), _context(installation, prefix))
    return [digest(render(model.from_json(record))) for record in records]
