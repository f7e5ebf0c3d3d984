"""The commands of an instance as a whole: made, upgraded, backed up, restored, served."""

from __future__ import annotations

from pathlib import Path

import click

from oai_server import config
from oai_server.cli.command import Installation, command, declare, fail, main, progress_bar, say
from oai_server.protocol.repository import MetadataFormat
from oai_server.store.engine import StoreError, StoreUnavailable
from oai_server.store.repository import Store


@main.command()
@command
def init(installation: Installation) -> None:
    """Make an instance: config.toml, secret key, database. Safe to run again."""
    folder = installation.folder
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / config.CONFIG
    if not path.exists():
        path.write_text(config.commented(), encoding="utf-8")
        say(f"wrote {path}: edit it before harvesters come")
    config.make_secret(folder)
    installation.settings = config.load(folder)
    store = installation.database()
    _upgrade(store)
    declare(installation, store)
    say(f"{folder} is ready: oai-server import FILE…, then oai-server serve")


@main.command()
@command
def upgrade(installation: Installation) -> None:
    """Bring the database to the schema of this version."""
    store = installation.database()
    _upgrade(store)
    declare(installation, store)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@command
def backup(installation: Installation, file: Path) -> None:
    """Write all records into a new FILE. Harvesters and imports go on."""
    with progress_bar() as progress:
        items = installation.store().backup(file, progress)
    say(f"{file} holds {items} items; back up {installation.folder / config.CONFIG} and the secret key beside it")


@main.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@command
def restore(installation: Installation, file: Path) -> None:
    """Make the repository what a backup FILE says. Harvesters fetch everything again."""
    store = installation.store()
    with progress_bar() as progress:
        restored = store.restore(file, progress)
    declare(installation, store)
    say(f"restored {restored.items} items; {restored.forgotten} of them came after the backup, and are deleted now")


def _upgrade(store: Store) -> None:
    before, after = store.upgrade()
    if before is None:
        say(f"created the database, schema {after}")
    elif before != after:
        store.checkpoint()  # what is made anew has no statistics yet
        say(f"upgraded the database from schema {before} to {after}")
    else:
        say(f"the database has schema {after} already")


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
    declare(installation, store)
    for url in settings.replica_urls:
        _check_replica(store, url)
    store.close()
    say(f"serving {settings.repository_name} at {settings.base_url} (listening on {settings.bind})")
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
        say(f"oai-server: warning: a replica is away, the primary serves alone meanwhile: {error}", err=True)
    finally:
        replica.close()


def _offered(installation: Installation) -> list[MetadataFormat]:
    return [MetadataFormat(p, f.schema, f.namespace) for p, f in installation.formats().items()]
