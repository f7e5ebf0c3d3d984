"""What docs/scale.md has an administrator do: its SQL runs, and nothing that a harvester sees changes by it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks import capacity
from places import ROOT
from servers import Cluster, Installation, Server, wait_until

PAGE = (ROOT / "docs" / "scale.md").read_text()
BLOCKS = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ITEMS = 90


def psql(cluster: Cluster, installation: Installation, script: str) -> None:
    """Run a block as an administrator pastes it into psql."""
    database = installation.settings["database_url"].rpartition("/")[2]
    command = [cluster.binaries / "psql", "-h", "127.0.0.1", "-p", str(cluster.port), "-U", "oai", "-d", database]
    done = subprocess.run([*command, "-Xq", "-v", "ON_ERROR_STOP=1"], input=script, text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, ""), script


def feed(installation: Installation, numbers: range, title: str) -> str:
    lines = [json.dumps({"id": f"r{n}", "titles": [{"value": f"{title} {n}"}], "sets": ["a"]}) for n in numbers]
    return installation.run("import", "-", "--reader", "canonical", stdin="\n".join(lines)).stdout


def listed(server: Server, prefix: str) -> dict[str, str]:
    """Return all records of a format, by identifier, as they stand in the list."""
    arguments = {"verb": "ListRecords", "metadataPrefix": prefix}
    found: dict[str, str] = {}
    while True:
        text = server.get(**arguments).text
        for record in re.findall(r"<record>.*?</record>", text, re.DOTALL):
            found[re.search(r"<identifier>(oai:[^<]+)<", record)[1]] = record
        token = re.search(r"<resumptionToken [^>]+>([^<]+)<", text)
        if not token:
            return found
        arguments = {"verb": "ListRecords", "resumptionToken": token[1]}


def everything(server: Server) -> list[dict[str, str]]:
    return [listed(server, prefix) for prefix in ("oai_dc", "mods")]


def test_bodies_in_partitions_are_the_same_to_everybody(
    new_installation: Callable[..., Installation], postgresql: Cluster, tmp_path: Path
):
    installation = new_installation("postgresql", page_size=7)
    feed(installation, range(ITEMS), "A title")
    database = installation.settings["database_url"].rpartition("/")[2]
    with installation.serve(workers=1) as server:
        wait_until(lambda: len(listed(server, "oai_dc")) == ITEMS, 5, "all records")
        before = everything(server)
        for block in BLOCKS:  # while it serves
            psql(postgresql, installation, block)
        assert everything(server) == before
        held = postgresql.sql("SELECT count(*), count(DISTINCT tableoid) FROM record", database).strip()
        assert held == f"{2 * ITEMS}|16"

        assert feed(installation, range(80, 130), "Another title").startswith("new 40 · changed 10 ·")
        installation.run("delete", "oai:archive.example.org:r5")
        installation.run("render", "--restamp", "--set", "a")
        assert installation.run("upgrade").returncode == 0
        wait_until(lambda: len(listed(server, "mods")) == 130, 5, "all records")
        after = everything(server)
        assert 'status="deleted"' in after[0]["oai:archive.example.org:r5"]
        assert "Another title 80" in after[1]["oai:archive.example.org:r80"]

        installation.run("backup", tmp_path / "backup.sqlite")
        installation.run("restore", tmp_path / "backup.sqlite")
        wait_until(lambda: len(listed(server, "mods")) == 130, 5, "all records")
        stamps = r"<datestamp>[^<]+<"
        assert [{name: re.sub(stamps, "", text) for name, text in one.items()} for one in everything(server)] == [
            {name: re.sub(stamps, "", text) for name, text in one.items()} for one in after
        ]
        assert postgresql.sql("SELECT count(DISTINCT tableoid) FROM record", database).strip() == "16"


def test_the_plan_follows_from_what_was_measured():
    """``make capacity`` would write the page as it is: no figure of the plan is older than those above it."""
    lines = re.findall(r"^\| `\w+` \|.*\n", PAGE, re.MULTILINE)
    figures = {line.split("`")[1]: float(line.split("|")[3].replace(",", "")) for line in lines}
    assert len(capacity.FORMULA.findall(PAGE)) > 15
    assert capacity.rewrite(PAGE, figures, lines) == PAGE
    assert capacity.rewrite(PAGE, figures | {"item_bytes": 1e6}, lines) != PAGE


def test_what_is_measured_is_kept_as_it_is_printed(capsys: pytest.CaptureFixture[str]):
    measuring = object.__new__(capacity.Capacity)
    measuring.figures, measuring.lines = {}, []
    measuring.say("wal_import", "WAL", 6956.7, "bytes per item")
    measuring.say("cpu_read", "ListRecords", 9.923, "ms")
    assert measuring.figures == {"wal_import": 6957, "cpu_read": 9.92}
    assert "".join(measuring.lines) == capsys.readouterr().out
    assert re.fullmatch(r"(\| `\w+` \|.*\n)+", "".join(measuring.lines)), "as rewrite finds it"
