"""oai-server check, from outside: what it says, to whom, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import places
import pytest
from items import GOOD, INC, item, item_of
from lxml import etree
from msgspec import structs
from servers import Installation

from metadata_formats import edm, record
from oai_server.ingest import readers
from oai_server.ingest.files import sources
from oai_server.readiness import profile as profiles
from oai_server.readiness.checking import Checking
from oai_server.readiness.edm_rules import breaches
from oai_server.readiness.finding import Severity
from oai_server.readiness.profile import Profile, ProfileError
from oai_server.readiness.report import COLUMNS, LONGEST, CsvWriter, JsonWriter, Report, TextWriter

OAI = "oai:archive.example.org:"
BARE = {"id": "bare", "titles": [{"value": "=Ah\x9b!"}], "sets": ["post"]}
TWINS = [GOOD | {"id": name, "titles": [{"value": title}]} for name, title in (("t1", "Twin"), ("t2", "TWIN"))]


def feed(installation: Installation, *records: dict[str, object]) -> None:
    lines = "".join(json.dumps(one) + "\n" for one in records)
    installation.run("import", "-", "--reader", "canonical", stdin=lines)


def as_json(installation: Installation, *arguments: object, **more: object) -> dict[str, object]:
    return json.loads(installation.run("check", "--json", *arguments, **more).stdout)


def test_it_says_which_records_break_which_rules(instance: Installation):
    feed(instance, GOOD, BARE, *TWINS)
    told = as_json(instance)
    assert all(tuple(finding) == COLUMNS for finding in told["findings"])
    rules = {(each["profile"], each["rule"], each["record"].removeprefix(OAI)) for each in told["findings"]}
    assert {("europeana", "P1", "t1"), ("europeana", "P1", "t2"), ("europeana", "EU-8", "bare")} <= rules
    assert {("base", "BA-4", "bare"), ("openaire", "OA-15", "bare"), ("dpla", "DP-1", "bare")} <= rules
    assert not [rule for rule in rules if rule[2] == "1-a"]
    (rights,) = [each for each in told["findings"] if each["rule"] == "EU-8"]
    assert rights | {"mend": ""} == {
        "profile": "europeana", "rule": "EU-8", "severity": "error", "record": f"{OAI}bare", "path": "rights.uri",
        "value": "", "demand": "a rights URI of Europeana's list", "mend": "",
    }  # fmt: skip
    europeana = told["summary"]["profiles"]["europeana"]
    assert (europeana["records"], europeana["ready"]) == (4, 3)
    assert europeana["grades"]["content tier"] == {"4": 3, "none": 1}
    assert europeana["rules"]["P1"] == {"severity": "warning", "records": 2}
    assert "EU-13" in europeana["not_checked"]
    assert [note.split()[0] for note in told["summary"]["notes"]] == ["europeana", "openaire"], "they are not offered"


def test_what_portals_get_is_checked_where_it_is_offered(new_installation):
    instance = new_installation("sqlite")
    feed(instance, GOOD)
    offered = {"formats": "oai_dc,mods,edm,oai_openaire"}
    told = as_json(instance, "--profile", "europeana", **offered)
    assert told["findings"][0] | {"mend": "", "demand": ""} == {
        "profile": "europeana", "rule": "EU-1", "severity": "error", "record": f"{OAI}1-a", "path": "edm",
        "value": "no record in edm, though nothing forbids it", "demand": "", "mend": "",
    }  # fmt: skip
    assert told["summary"]["notes"][0].startswith("1 item waits for 'oai-server render'")
    instance.run("render", **offered)
    told = as_json(instance, **offered)
    assert (told["findings"], told["summary"]["notes"]) == ([], [])


def test_one_set_one_profile_or_one_record(instance: Installation):
    feed(instance, GOOD, BARE, *TWINS)
    told = as_json(instance, "--set", "post", "--profile", "dpla", "--profile", "base", "--profile", "dpla")
    assert list(told["summary"]["profiles"]) == ["dpla", "base"]
    assert {each["record"] for each in told["findings"]} == {f"{OAI}bare"}
    assert told["summary"]["profiles"]["base"]["records"] == 1
    said = instance.run("check", "--set", "post", "--profile", "base", "--csv", "--fail-on", "warning", check=False)
    assert (said.returncode, said.stdout.count(f"base,BA-4,warning,{OAI}bare,dc:identifier,bare,")) == (1, 1)
    told = as_json(instance, f"{OAI}t1", "bare", "bare", "--profile", "europeana")
    assert told["summary"]["profiles"]["europeana"]["records"] == 2
    assert {each["record"] for each in told["findings"]} == {f"{OAI}bare"}


@pytest.fixture(scope="module")
def full_instance(new_installation) -> Installation:
    installation = new_installation("sqlite")
    feed(installation, GOOD, BARE, *TWINS)
    return installation


def test_text_and_table(full_instance: Installation, tmp_path: Path):
    said = full_instance.run("check", "--profile", "europeana", "--limit", 1)
    lines = said.stdout.splitlines()
    assert "europeana: 3 of 4 records ready (edm)" in lines
    assert "  content tier: 4: 3 · none: 1" in lines
    at = lines.index("  P1 warning, 2 records: a title that no other record has")
    assert lines[at + 2 : at + 4] == [f"    {OAI}t1  dc:title: Twin (in 2 records)", "    … and 1 more"]
    assert f"    {OAI}bare  provider.data_provider: nothing; provider.provider: nothing" in lines
    assert "\x9b" not in said.stdout, "a terminal would obey it"
    assert said.stderr.startswith("checked 4 records in ")
    assert "records a second" in said.stderr

    table = tmp_path / "readiness.csv"
    said = full_instance.run("check", "--csv", "--report", table)
    assert said.stdout.splitlines()[0].startswith("base: 4 of 4 records ready · 0 rules with errors · ")
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert tuple(rows[0]) == COLUMNS
    titles = [row["value"] for row in rows if row["record"] == f"{OAI}bare" and row["path"] == "dc:title"]
    assert all(title.startswith("'=Ah") for title in titles), "a spreadsheet would reckon it"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--fail-on", "error"], 1),
        (["1-a", "--fail-on", "warning"], 0),
        (["t1", "t2", "--fail-on", "error"], 0),
        (["t1", "t2", "--fail-on", "warning"], 1),
    ],
)
def test_its_status_says_what_was_found(full_instance: Installation, arguments: list[str], status: int):
    assert full_instance.run("check", *arguments, check=False).returncode == status


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--profile", "europena"], "no profile 'europena' is installed; did you mean 'europeana'?"),
        (["--set", "pots"], "there is no set pots; 'oai-server sets' lists them"),
        (["--json", "--csv"], "--json and --csv are two reports"),
        (["bare", "--set", "post"], "--set and identifiers are two choices"),
        (["nobody", "--json"], "there is no live item nobody; 'oai-server show' finds items"),
        (["--report", "/no/such/folder/report"], "/no/such/folder/report: No such file or directory"),
    ],
)
def test_what_cannot_be_checked_is_one_line(full_instance: Installation, arguments: list[str], said: str):
    done = full_instance.run("check", *arguments, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr


# What records have in common, and what is shown of it.


def report(kind, records, *, limit=None, name="europeana") -> str:
    out, chosen = io.StringIO(), profiles.load([name])
    told = Report(chosen, kind(out), limit)
    with Checking(chosen, told) as checking:
        for one in records:
            checking.check(item_of(record.from_builtins(one)))
        checking.finish()
    told.finish([])
    return out.getvalue()


def test_one_address_for_all_is_told_and_for_some_is_not():
    one = [GOOD | {"id": str(number), "identifiers": []} for number in range(3)]
    other = GOOD | {"id": "x", "identifiers": [], "media": []}
    found = json.loads(report(JsonWriter, one, name="base"))["findings"]
    assert [(each["rule"], each["record"]) for each in found] == [("BA-4", f"{OAI}{number}") for number in range(3)]
    found = json.loads(report(JsonWriter, [*one, other], name="base"))["findings"]
    assert [(each["rule"], each["record"]) for each in found] == [("BA-4", f"{OAI}x")]
    assert json.loads(report(JsonWriter, one[:1], name="base"))["findings"] == []


def test_a_title_that_one_record_has_twice_is_its_own():
    twice = GOOD | {"titles": [{"value": "Same"}, {"value": "same", "lang": "de"}]}
    assert json.loads(report(JsonWriter, [twice]))["findings"] == []


def test_a_record_that_shares_two_titles_counts_once():
    titles = [{"value": "Letter", "lang": "en"}, {"value": "Pismo", "lang": "sl"}]
    told = json.loads(report(JsonWriter, [GOOD | {"id": f"{n:02}", "titles": titles} for n in range(3)]))
    assert len(told["findings"]) == 6
    assert told["summary"]["profiles"]["europeana"]["rules"] == {"P1": {"severity": "warning", "records": 3}}


def test_limits_are_records_of_each_rule():
    records = [
        GOOD | {"id": f"{n:02}", "titles": [{"value": f"Letter {chr(97 + n)}"}], "provider": {}} for n in range(20)
    ]
    for limit, listed in ((None, 20), (3, 3), (0, 0)):
        told = json.loads(report(JsonWriter, records, limit=limit))
        found = [each["record"] for each in told["findings"] if each["rule"] == "EU-6"]
        assert len(found) == 2 * listed, "two values each"
        assert told["summary"]["profiles"]["europeana"]["rules"]["EU-6"]["records"] == 20
    text = report(TextWriter, records, limit=3)
    assert text.count("provider.data_provider: nothing") == 3
    assert "    … and 17 more\n" in text
    assert len(list(csv.reader(io.StringIO(report(CsvWriter, records, limit=3))))) == 1 + 3 * 2


def test_a_value_is_cut():
    (found,) = json.loads(report(JsonWriter, [GOOD | {"titles": [{"value": "word " * 10_000}]}]))["findings"]
    assert len(found["value"]) == LONGEST


def test_nothing_checked_is_a_report_too():
    assert json.loads(report(JsonWriter, []))["findings"] == []
    assert report(TextWriter, []).startswith("europeana: 0 of 0 records ready (edm)\n")


class Broken(Profile):
    """A plug-in with a mistake in it."""

    name = harvests = "broken"
    rules = ()

    def check(self, item):
        return item.record.nothing


def test_a_profile_that_fails_is_named_with_the_item():
    told = Report([Broken()], TextWriter(io.StringIO()), None)
    with (
        Checking([Broken()], told) as checking,
        pytest.raises(ProfileError, match=f"the profile broken failed on {OAI}1-a: AttributeError: "),
    ):
        checking.check(item())


# All data sets: what is rendered keeps the rules over the XML, and what is not breaks one over the record.


def files() -> list[tuple[Path, str | None]]:
    whole = os.environ.get("OAI_LONG")
    tate = places.data() / "tate" / "tate-artworks.csv.gz" if whole else places.EXAMPLES / "tate-sample.csv"
    return [
        (tate, "tate.toml"),
        (places.data() / "marc" / "bu_bibs.mrc.gz", None),
        (places.data() / "memorandum" / "165251.txt", "memorandum.toml"),
    ]


def test_all_data_sets_keep_the_rules_or_say_which_they_break():
    (europeana,) = profiles.load(["europeana"])
    rendered = refused = 0
    for path, profile in files():
        (source,) = sources([path])
        for found in readers.Job(profile=places.EXAMPLES / profile if profile else None).read(source):
            if not hasattr(found, "record"):
                continue
            # What no export has and a curator gives once for all.
            rights = structs.replace(found.record.rights or record.Rights(), uri=INC)
            given = structs.replace(
                found.record, rights=rights, provider=record.Provider(data_provider="A", provider="B")
            )
            for made in (found.record, given):
                one = item_of(made)
                errors = {
                    each.rule.name for each in europeana.check(one).findings if each.rule.severity is Severity.ERROR
                }
                assert errors == {rule.name for rule in edm.refusals(made)}
                assert (one.root("edm") is None) == bool(errors)
                rendered, refused = rendered + (not errors), refused + bool(errors)
                if not errors:
                    assert breaches(one.root("edm")) == []
    assert min(rendered, refused) > 100


def test_an_item_has_no_root_of_what_it_was_not_given():
    assert item().root("lido") is None
    assert isinstance(item().root("edm"), etree._Element)
