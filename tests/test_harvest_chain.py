"""From one server of ours to the next, and to the one after it: commands and HTTP alone, on both database engines."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path

from lxml import etree
from places import EXAMPLES
from servers import Installation, Server
from validation import assert_valid

from metadata_formats import registry

NS = {"o": "http://www.openarchives.org/OAI/2.0/", "p": "http://www.openarchives.org/OAI/2.0/provenance"}
FORMATS = {"formats": "oai_dc,mods,marc21"}
PAGES = {"page_size": 7}


def answers(server: Server, prefix: str) -> Iterator[bytes]:
    answer = server.get(verb="ListRecords", metadataPrefix=prefix).body
    while True:
        yield answer
        token = etree.fromstring(answer).findtext(".//o:resumptionToken", None, NS)
        if not token:
            return
        answer = server.get(verb="ListRecords", resumptionToken=token).body


def served(server: Server, prefix: str, *, valid: bool = False) -> dict[str, tuple[str, bytes, list[str]]]:
    """Return all records by identifier: status, the bytes between the tags of metadata, sets."""
    found = {}
    for answer in answers(server, prefix):
        if valid:
            assert_valid(answer)
        for piece in answer.split(b"<record><header")[1:]:
            header, _, rest = piece.partition(b"</header>")
            root = etree.fromstring(b"<header" + header + b"</header>")
            payload = rest.partition(b"<metadata>")[2].partition(b"</metadata>")[0]
            sets = [one.text for one in root.findall("setSpec")]
            found[root.findtext("identifier")] = (root.get("status", ""), payload, sets)
    return found


def provenance(server: Server, identifier: str, prefix: str) -> list[tuple[str, str]]:
    """Return the hops of a record, the last first: base URL and altered."""
    answer = server.get(verb="GetRecord", identifier=identifier, metadataPrefix=prefix).body
    assert_valid(answer)
    found = etree.fromstring(answer).findall(".//p:originDescription", NS)
    return [(one.findtext("p:baseURL", None, NS), one.get("altered")) for one in found]


def report(done) -> str:
    return done.stdout.strip().splitlines()[-1]


def fill(installation: Installation, folder: Path) -> None:
    """Import twenty works of the sample, and some records of our own; two are deleted again."""
    with (EXAMPLES / "tate-sample.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[:21]
    with (folder / "some.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    installation.run("import", "--source", "tate", "--profile", EXAMPLES / "tate.toml", folder / "some.csv")
    keep(installation, folder, ONE, TWO)
    installation.run("delete", "oai:archive.example.org:two", "oai:archive.example.org:A00001")


ONE = {"id": "one", "titles": [{"value": "One & <only> „Ä“ \u2028"}], "sets": ["maps:city", "Prints & drawings"],
       "rights": {"metadata_licence": "https://creativecommons.org/publicdomain/zero/1.0/"}}  # fmt: skip
TWO = {"id": "two", "titles": [{"value": "Two"}]}
THREE = {"id": "three", "titles": [{"value": "Three"}], "sets": ["maps"]}


def keep(installation: Installation, folder: Path, *records: object) -> None:
    (folder / "own.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    installation.run("import", "--source", "own", folder / "own.jsonl")


def test_a_copy_of_a_copy_is_the_same_to_the_byte(new_installation, tmp_path: Path):
    prefix = "mods" if "mods" in {made.prefix for made in registry.readable().values()} else "marc21"
    first = new_installation("sqlite", about="rights,provenance", **FORMATS, **PAGES)
    second = new_installation("postgresql", about="rights,provenance", domain="second.example.org", **FORMATS, **PAGES)
    third = new_installation("sqlite", about="rights,provenance", domain="third.example.org", **FORMATS, **PAGES)
    fill(first, tmp_path)
    with first.serve(workers=1) as a, second.serve(workers=1) as b, third.serve(workers=1) as c:
        said = second.run("harvest", a.base_url, "--source", "a")  # in the richest format
        assert report(said) == "new 20 · changed 0 · unchanged 2 · deleted 0 · rejected 0"
        live = {name: one for name, one in served(a, prefix).items() if not one[0]}
        copied = served(b, prefix, valid=True)
        assert {name: one[:2] for name, one in copied.items()} == {name: one[:2] for name, one in live.items()}
        assert copied["oai:archive.example.org:one"][2] == ["a:Prints-drawings", "a:maps:city"]
        served(b, "oai_dc", valid=True)
        sets = etree.fromstring(b.get(verb="ListSets").body).iterfind(".//o:set", NS)
        named = {one.findtext("o:setSpec", None, NS): one.findtext("o:setName", None, NS) for one in sets}
        assert named["a:Prints-drawings"] == "Prints & drawings"
        assert named["a"] == "An OAI-PMH repository"

        # Nothing new; then what changed, came and went.
        assert " new 0 · changed 0 ·" in f" {report(second.run('harvest', a.base_url, '--source', 'a'))}"
        time.sleep(1.1)
        before = served(b, prefix)
        changed = {**ONE, "titles": [{"value": "Another"}]}
        keep(first, tmp_path, changed, THREE)
        first.run("delete", "oai:archive.example.org:A00005")
        said = second.run("harvest", a.base_url, "--source", "a", "--report", tmp_path / "report.jsonl")
        told = map(json.loads, (tmp_path / "report.jsonl").read_text().splitlines())
        events = {(one["outcome"], one["id"].rpartition(":")[2]) for one in told if one["outcome"] != "remark"}
        assert events == {("changed", "one"), ("new", "three"), ("deleted", "A00005")}
        now = served(b, prefix)
        assert {name for name in now if now[name] != before.get(name)} == {
            f"oai:archive.example.org:{name}" for name in ("one", "three", "A00005")
        }
        assert now["oai:archive.example.org:A00005"][0] == "deleted"

        # A further hop: the same bytes, and where they came from.
        third.run("harvest", b.base_url, "--source", "b")
        assert {name: one[1] for name, one in served(c, prefix).items()} == {
            name: one[1] for name, one in now.items() if not one[0]
        }
        assert provenance(c, "oai:archive.example.org:one", prefix) == [(b.base_url, "false"), (a.base_url, "false")]
        other = "mods" if prefix != "mods" else "oai_dc"
        assert provenance(c, "oai:archive.example.org:one", other) == [(b.base_url, "true"), (a.base_url, "false")]

        # Other options of formats: what is the source's own stays, and is not waited for.
        second.settings["repository_name"] = "Renamed"
        assert "to render 20" in second.run("status").stdout
        second.run("render")
        assert "to render" not in second.run("status").stdout
        assert served(b, prefix) == now
        # The container of about is ours to make, also beside bytes that are not.
        second.run("render", about="rights")
        assert provenance(b, "oai:archive.example.org:one", prefix) == []
        assert served(b, prefix) == now
