"""Every record of every real data set, in every format that is installed: valid, whatever was in it.

A sample of each set; with ``OAI_LONG`` all of them. Each record as it is, and once more with what portals demand where
it lacks that, so that no format leaves all of a set out.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import places
import pytest
from lxml import etree
from msgspec import to_builtins
from test_renditions import NEEDED
from validation import assert_valid

from metadata_formats import record, registry
from metadata_formats.record import Record
from oai_server.ingest.files import sources
from oai_server.ingest.reader import Found
from oai_server.ingest.readers import Job
from oai_server.readiness.edm_rules import breaches

FORMATS = registry.load()
SETS = {
    "ead": ("ead", {"reader": "ead"}),
    "marc": ("marc/bu_bibs.mrc.gz", {"reader": "marc"}),
    "memorandum": ("memorandum/165251.txt", {"profile": places.EXAMPLES / "memorandum.toml"}),
    "mods": ("mods/perseus-sample.xml.gz", {"reader": "mods"}),
    "tate": ("tate/tate-artworks.csv.gz", {"profile": places.EXAMPLES / "tate.toml"}),
}
LEAST = {"ead": 4000, "marc": 96, "memorandum": 1, "mods": 100, "tate": 69_000}
"""Records that each set has at least."""
SAMPLE = 1 if os.environ.get("OAI_LONG") else 40
"""One record of so many is tried, of the small sets one of four."""


def read(name: str) -> Iterator[Record]:
    path, how = SETS[name]
    if name == "ead":
        how = {"profile": places.EXAMPLES / "arthur-papers.toml"}
    for source in sources([places.data() / path]):
        yield from (each.record for each in Job(**how).read(source) if isinstance(each, Found))


def lacking_nothing(item: Record) -> Record:
    said = to_builtins(item)
    lacks = {name: value for name, value in NEEDED.items() if not said.get(name)}
    # What portals weigh is not only whether a field is there.
    lacks |= {"resource_type": "text", "rights": NEEDED["rights"], "provider": NEEDED["provider"]}
    lacks["dates"] = NEEDED["dates"] if not any(date.edtf and date.key for date in item.dates) else said["dates"]
    lacks["agents"] = said.get("agents", []) + NEEDED["agents"]
    inventoried = {"value": "1", "type": "inventory"}  # a text is an object of a museum then, which LIDO is for
    lacks["identifiers"] = [*said.get("identifiers", []), inventoried]
    lacks["media"] = said.get("media", []) + NEEDED["media"]
    return record.from_builtins(said | lacks)


@pytest.mark.parametrize("name", SETS)
def test_every_record_of_a_data_set_is_valid_in_every_format(name: str) -> None:
    step = SAMPLE if LEAST[name] > 1000 else min(SAMPLE, 4)
    step = step * 10 if name == "tate" and SAMPLE > 1 else step
    given = dict.fromkeys(FORMATS, 0)
    tried = 0
    for item in itertools.islice(read(name), 0, None, step):
        tried += 1
        for each in (item, lacking_nothing(item)):
            context = registry.Context(f"oai:archive.example.org:{tried}")
            for prefix, made in FORMATS.items():
                document = registry.rendition(made, each, context)
                if document is None:
                    continue
                given[prefix] += 1
                assert_valid(document)
                if prefix == "edm":
                    assert breaches(etree.fromstring(document)) == []
    assert tried >= LEAST[name] // step
    assert all(given[prefix] >= tried for prefix in FORMATS), given
