"""The one command, ``oai-server``, with a sub-command per task; a module here for each kind of task."""

from oai_server.cli import check, formats, harvest, instance, looking, records, schemas
from oai_server.cli.command import Installation, main

__all__ = ["Installation", "check", "formats", "harvest", "instance", "looking", "main", "records", "schemas"]
