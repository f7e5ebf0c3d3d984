"""The command that copies another repository."""

from __future__ import annotations

from contextlib import ExitStack, closing

import click

from oai_server import config
from oai_server.cli.command import NOTHING_DONE, SOME_REJECTED, Installation, command, declare, main, progress_bar, say
from oai_server.cli.records import opened, read_max_deletes, tell_remarks, teller
from oai_server.ingest import profile as profiles
from oai_server.ingest.harvester import Harvester, Wish, labels, source_of
from oai_server.ingest.importer import Intake, Plan, Report
from oai_server.ingest.oai import OaiReader, Translation, valid_by
from oai_server.ingest.oai_client import Client, HarvestError
from oai_server.ingest.reader import ReaderError


@main.command()
@click.argument("url", metavar="URL")
@click.option("--prefix", metavar="P", help="The metadataPrefix to harvest [the richest that can be read].")
@click.option("--set", "setspec", default="", metavar="SPEC", help="Harvest this set of the other repository only.")
@click.option("--source", help="The source that the records belong to [the host of the URL].")
@click.option("--full", is_flag=True, help="Take everything again, and withdraw what is no longer listed.")
@click.option("--sweep/--no-sweep", default=None, help="Look for what is no longer listed [by what Identify promises].")
@click.option("--max-deletes", default="10%", show_default=True, callback=read_max_deletes,
              help="What may be withdrawn for not being listed any more: a share or a number.")  # fmt: skip
@click.option("--force", is_flag=True, help="Withdraw more than --max-deletes.")
@click.option("--dry-run", is_flag=True, help="Say what would happen and write nothing.")
@click.option(
    "--report", "report_file", metavar="FILE.jsonl", help="Write what changed, was remarked or rejected, one a line."
)
@command
def harvest(
    installation: Installation, url: str, prefix: str | None, setspec: str, source: str | None, full: bool,
    sweep: bool | None, max_deletes: float, force: bool, dry_run: bool, report_file: str | None,
) -> int:  # fmt: skip
    """Copy another repository: all of it, later what is new."""
    settings = installation.settings
    source = source or source_of(url)
    defaults = settings.sources.get(source, config.Source())
    plan = Plan(
        source=source, id_prefix=defaults.id_prefix, max_deletes=max_deletes, force=force, dry_run=dry_run,
        own_identifiers=defaults.identifiers == "own",
    )  # fmt: skip
    wish = Wish(prefix, setspec, full, defaults.sweep if sweep is None else sweep)
    translation = Translation(
        _profile(installation, defaults),
        installation.formats(),
        lambda header: labels(source, header),
        valid_by(installation.schemas),
    )
    store = installation.store()
    if not dry_run:
        declare(installation, store)
    with ExitStack() as stack:
        if not dry_run:
            stack.enter_context(store.alone(source))
        client = stack.enter_context(closing(Client(url, settings.admin_emails[0], tell=_warn)))
        out = stack.enter_context(opened(report_file)) if report_file else None
        report = Report(teller(out))
        intake = Intake(store, installation.rendering(), settings.domain, plan, report)
        problem = None
        try:
            harvester = Harvester(store, client, translation, intake, plan, wish, report, settings.sets)
            harvester.run(stack.enter_context(progress_bar()))
        except HarvestError as error:
            problem = error
    tell_remarks(report)
    done = report.new + report.changed + report.unchanged + report.deleted
    if problem is None or done or report.rejected:
        say(f"{'would be: ' if dry_run else ''}{report.line}")
    if problem is not None:
        raise problem
    return 0 if not report.rejected else SOME_REJECTED if done else NOTHING_DONE


def _profile(installation: Installation, source: config.Source) -> profiles.Defaults | None:
    """Return the defaults of the profile that the settings name for a source."""
    if not source.profile:
        return None
    path = str(installation.folder / source.profile)
    named, keys = profiles.load(path)
    if named not in (None, OaiReader.name):
        raise ReaderError(f"{path}: this profile is for the reader {named}, not for harvests (oai)")
    return OaiReader(keys, path).defaults


def _warn(message: str) -> None:
    say(f"oai-server: warning: {message}", err=True)
