"""The page of a document gives what it says, and nothing that it does not say."""

import io
import re
from typing import Any

import msgspec
import places
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from oai_server.ingest import profile as profiles
from oai_server.ingest.document import DocumentReader
from oai_server.ingest.reader import Found, ReaderError, Rejected


def read(text: str | bytes, filename: str = "165251.txt", **profile: Any) -> Found:
    data = text.encode() if isinstance(text, str) else text
    (found,) = DocumentReader(profile=profile, profile_name="p.toml").read(io.BytesIO(data), filename)
    assert isinstance(found, Found), found
    return found


def example_profile() -> dict[str, Any]:
    _, keys = profiles.load(places.EXAMPLES / "memorandum.toml")
    return keys


def page(head: str = "June 8, 1967\n\nA Title\n\nText.\n\nAn abstract.\n", **values: str) -> str:
    block = "".join(f"{label.replace('_', ' ')}\n\n{value}\n\n" for label, value in values.items())
    return f"{head}\n\nDocument Information\n\n{block}"


def marked() -> dict[str, Any]:
    """Return the expected record without what a curator added: each value by its evidence mark."""
    text = (places.expected() / "165251.yaml").read_text()
    kept: list[str] = []
    curated_list = False
    for line in text.splitlines():
        if re.match(r"\S", line):
            curated_list = "all [C]" in line
        if curated_list or re.search(r"# \[C\]", line) or line.startswith("#"):
            continue
        kept.append(line)
    record: dict[str, Any] = yaml.safe_load("\n".join(kept))
    assert "subjects" not in record
    assert len(record["agents"]) == 5
    assert len(record["languages"]) == 1
    return record


def memorandum() -> bytes:
    return (places.data() / "memorandum" / "165251.txt").read_bytes()


@pytest.mark.parametrize("change", [lambda data: data, lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")])
def test_the_memorandum_with_its_profile_is_the_expected_record(change: Any) -> None:
    found = read(change(memorandum()), **example_profile())
    expected = marked()
    (full_text,) = expected.pop("full_text")
    got = msgspec.to_builtins(found.record)
    (got_text,) = got.pop("full_text")
    assert found.remarks == ()
    # the page's own type "local" is the model's default, which is not written out
    for identifier in got["identifiers"]:
        identifier.setdefault("type", "local")
    assert got == expected
    assert {key: got_text.get(key, "text/plain") for key in ("kind", "lang", "media_type")} == {
        key: full_text[key] for key in ("kind", "lang", "media_type")
    }
    assert got_text["value"].startswith("TO CC BCP [Central Committee")
    assert got_text["value"].endswith("[signature]\n\n/ Konstantin Tellalov /")
    assert "A memorandum listing" not in got_text["value"]


def test_without_a_profile_nothing_is_inferred() -> None:
    record = read(memorandum()).record
    assert record.rights is not None
    assert record.rights.uri is None
    assert record.languages == []
    assert record.titles[0].lang is None
    assert record.provider is None
    assert record.media == []
    assert record.holding is not None
    assert record.holding.original


def test_a_page_of_nothing_but_a_title() -> None:
    found = read("A Title\n\nDocument Information\n", "x.txt")
    assert found.record.id == "x"
    assert found.record.titles[0].value == "A Title"
    assert found.record.dates == []
    assert found.record.abstracts == []
    assert [remark.kind for remark in found.remarks] == ["no Record ID"]


def test_a_label_followed_by_the_next_is_empty() -> None:
    record = read("T\n\nDocument Information\nSource\nRights\nType\nLetter\nLanguage\nRecord ID\n7\n").record
    assert (record.id, record.genres[0].label, record.resource_type) == ("7", "Letter", "text")
    assert record.holding is None
    assert record.rights is None
    assert record.languages == []


@pytest.mark.parametrize(
    ("heading", "edtf"),
    [
        ("June 8, 1967", "1967-06-08"),
        ("8 June 1967", "1967-06-08"),
        ("08.06.1967", "1967-06-08"),
        ("June 1967", "1967-06"),
    ],
)
def test_the_heading_date(heading: str, edtf: str) -> None:
    record = read(page(f"Skip to content\n\u00a0\n{heading}\n\nA Title\n")).record
    assert record.dates[0].edtf == edtf
    assert record.dates[0].key
    assert record.titles[0].value == "A Title"


def test_an_ambiguous_heading_date_stays_text_unless_the_profile_tells_the_order() -> None:
    found = read(page("03/04/1967\n\nA Title\n"))
    assert (found.record.dates[0].edtf, found.record.dates[0].text) == (None, "03/04/1967")
    assert "date not read" in [remark.kind for remark in found.remarks]
    assert found.record.titles[0].value == "A Title"
    assert read(page("03/04/1967\n\nA Title\n"), date_order="day first").record.dates[0].edtf == "1967-04-03"


FOOT = "{heading}\n\nT\n\nText.\n\n{foot}\n\nThe Office:\n\n[signature]\n\n/ Ann Lee /\n\nAbout it.\n"


def test_the_heading_wins_over_the_date_above_the_signatures() -> None:
    agree = read(page(FOOT.format(heading="June 8, 1967", foot="8 June 1967")))
    assert agree.remarks[-1].kind == "no Record ID" or not [r for r in agree.remarks if r.kind == "dates disagree"]
    found = read(page(FOOT.format(heading="June 8, 1967", foot="9 June 1967")))
    assert found.record.dates[0].edtf == "1967-06-08"
    assert "dates disagree" in [remark.kind for remark in found.remarks]
    assert "dates disagree" not in [remark.kind for remark in agree.remarks]


def test_several_sign_with_and_without_an_office() -> None:
    head = "T\n\nText.\n\nMinister:\n[signature]\n/ Ivan Bashev /\n\n"
    head += "[Signed]\n\n/Ludwig van Beethoven/\n\n[signature]\n/ Kim Il Sung /\n"
    found = read(page(head))
    assert [(agent.name, agent.description) for agent in found.record.agents] == [
        ("Bashev, Ivan", "Minister"), ("van Beethoven, Ludwig", None), ("Kim Il Sung", None),
    ]  # fmt: skip
    assert found.record.abstracts == []
    assert "name not turned round" in [remark.kind for remark in found.remarks]


SOURCES = {
    "Central State Archive, Sofia, Fond 1-B, Opis6, A.E. 6770, p. 66-69. Obtained by Jordan Baev and translated by "
    "Greta Keremidchieva.": (
        "Central State Archive", "Sofia", ["1-B", "6", "6770"], "66-69", ["Keremidchieva, Greta", "Baev, Jordan"], True,
    ),
    "Central State Archive, Sofia": ("Central State Archive", "Sofia", [], None, [], False),
    "AVPRF, Fond 059, Opis 5. Obtained and translated by James F. Person.": (
        "AVPRF", None, ["059", "5"], None, ["Person, James F.", "Person, James F."], True,
    ),
    "Obtained by A. B. Smith and Carla Jones.": (None, None, [], None, ["Smith, A. B.", "Jones, Carla"], False),
    "Archive, Rome, Box 3, Folder 4, pp. 1-2. Translated for NKIDP by Ann Lee": (
        "Archive", "Rome", ["3", "4"], "1-2", ["Lee, Ann"], True,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), SOURCES.items())
def test_the_parts_of_a_source_are_each_optional(source: str, expected: tuple[Any, ...]) -> None:
    record = read(page(Source=source)).record
    holding = record.holding
    assert holding is not None
    assert holding.source_text == source
    levels = [level.id for level in holding.hierarchy]
    names = [agent.name for agent in record.agents]
    assert (holding.repository, holding.place, levels, holding.pages, names, holding.original) == expected


def test_what_the_grammar_does_not_know_is_kept_and_remarked_on() -> None:
    found = read(page(Source="Archive, Sofia, Fond 1, shelf of the porter, p. 3."))
    assert found.record.holding is not None
    assert found.record.holding.source_text == "Archive, Sofia, Fond 1, shelf of the porter, p. 3."
    assert [remark.value for remark in found.remarks if remark.kind == "source not read"] == ["shelf of the porter"]


def test_a_language_that_the_page_states_is_that_of_the_original() -> None:
    record = read(page(Source="Archive. Translated by Ann Lee.", Language="Bulgarian, Klingon of Mars")).record
    assert [(each.code, each.tag, each.role) for each in record.languages] == [("bul", "bg", "original")]


def test_the_addressee_is_noted_only_when_asked_for() -> None:
    text = page("T\n\nTO CC BCP\n\nText\n\nAbstract\n")
    assert read(text).record.notes == []
    assert read(text, addressee=True).record.notes[0].value == "Addressee: CC BCP"


def test_a_label_of_another_name() -> None:
    text = page(Quelle="Archive, Rome", Nonsense="x", Record_ID="5")
    found = read(text, labels={"Quelle": "source", "Nonsense": ""})
    assert found.record.holding is not None
    assert found.record.holding.repository == "Archive"
    with pytest.raises(ReaderError, match="did you mean 'source'"):
        read(text, labels={"Quelle": "sorce"})


def test_windows_1252_is_read_with_a_remark() -> None:
    found = read(page("Ren\u00e9\u2019s Title\n").encode("cp1252"))
    assert found.record.titles[0].value == "René’s Title"
    assert found.remarks[0].kind == "encoding"


def test_a_text_that_is_no_page_is_rejected() -> None:
    (found,) = DocumentReader().read(io.BytesIO(b"Just some text."), "a.txt")
    assert isinstance(found, Rejected)
    assert "Document Information" in found.message


PIECES = st.sampled_from(
    [
        *(
            "Document Information",
            "Source",
            "Rights",
            "Type",
            "Record ID",
            "[signature]",
            "/ A B /",
            "June 8, 1967",
            "",
        ),
        *(
            "Skip to content",
            "\u00a0",
            "Fond 1, Opis",
            "Obtained by ",
            "translated by and",
            "Office:",
            "T",
            "\x00",
            "/ /",
        ),
        *("1", "TO X"),
    ]
)


@given(st.lists(PIECES | st.text(max_size=20)).map("\n".join) | st.text())
def test_no_text_makes_it_fail(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    for found in DocumentReader().read(io.BytesIO(data), "a.txt"):
        assert isinstance(found, Found | Rejected)
