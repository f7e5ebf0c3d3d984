"""XML files of metadata come in record by record: by themselves, in collections, in anything around them."""

import gzip
import io
import json
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import places
import pytest
from lxml import etree
from servers import Installation
from validation import assert_valid

from metadata_formats import registry
from metadata_formats.mods import Mods
from metadata_formats.oai_dc import OaiDc
from oai_server.ingest import readers
from oai_server.ingest.files import HEAD, plain
from oai_server.ingest.metadata import MetadataReader, ModsReader
from oai_server.ingest.reader import Found, ReaderError, Rejected

SLIM = "http://www.loc.gov/MARC21/slim"


class Marc(MetadataReader):
    """All that a reader of a format is."""

    name: ClassVar[str] = "marc21"


def item(number: str, *, title: str = "A title", attributes: str = "") -> str:
    control = f"<controlfield tag='001'>{number}</controlfield>" if number else ""
    return (
        f"<record{attributes}><leader>00000nam a2200000 a 4500</leader>{control}"
        f"<datafield tag='020' ind1=' ' ind2=' '><subfield code='a'>isbn-{number}</subfield></datafield>"
        f"<datafield tag='245' ind1='0' ind2='0'><subfield code='a'>{title}</subfield></datafield>"
        "<datafield tag='907' ind1=' ' ind2=' '><subfield code='a'>x</subfield></datafield></record>"
    )


def wrapped(*records: str, root: str = f'list xmlns="{SLIM}"') -> bytes:
    return f"<{root}>{''.join(records)}</{root.split()[0]}>".encode()


def read(data: bytes, filename: str = "folder.v2.xml", **profile: Any) -> list[Found | Rejected]:
    return list(Marc(profile=profile, profile_name="p.toml").read(plain(io.BytesIO(data)), filename))


def keys(findings: Iterable[Found | Rejected]) -> list[str | None]:
    """Return the ids of records and, behind a minus sign, of rejections."""
    return [each.record.id if isinstance(each, Found) else f"-{each.key or ''}" for each in findings]


def messages(findings: Iterable[Found | Rejected]) -> list[str]:
    return [f"{each.where}: {each.message}" for each in findings if isinstance(each, Rejected)]


def test_records_are_known_by_what_the_metadata_names() -> None:
    found = read(wrapped(item("1"), item("2")))
    assert keys(found) == ["1", "2"]
    assert [each.where for each in found] == ["record 1", "record 2"]
    assert keys(read(item("1", attributes=f' xmlns="{SLIM}"').encode())) == ["1"]


def test_the_only_record_of_a_file_may_be_known_by_its_name_and_no_other() -> None:
    assert keys(read(wrapped(item("")))) == ["folder.v2"]
    assert keys(read(wrapped(item("")), "-")) == ["-"]
    found = read(wrapped(item(""), item("2"), item("")))
    assert keys(found) == ["-", "2", "-"]
    assert messages(found) == ["record 1: no identifier", "record 3: no identifier"]


def test_a_pattern_chooses_among_the_identifiers_and_no_identifier_is_lost() -> None:
    (found,) = read(wrapped(item("1")), id="isbn-(.*)x?")
    assert isinstance(found, Found)
    assert found.record.id == "1"
    (found,) = read(wrapped(item("1")), id="isbn-.*")
    assert isinstance(found, Found)
    assert found.record.id == "isbn-1"
    assert [(each.type, each.value) for each in found.record.identifiers] == [("isbn", "isbn-1"), ("local", "1")]
    assert messages(read(wrapped(item("1"), item("2")), id="2")) == ["record 1: no identifier that matches '2'"]


def test_defaults_are_laid_under_and_remarks_ignored_where_the_profile_says_so() -> None:
    (found,) = read(
        wrapped(item("1")), defaults={"sets": ["a"], "media": [{"role": "landing", "url": "https://x.org/{id}"}]}
    )
    assert isinstance(found, Found)
    assert (found.record.sets, found.record.media[0].url) == (["a"], "https://x.org/1")
    assert [(remark.kind, remark.path, remark.value) for remark in found.remarks] == [("field not carried", "907", "x")]
    (found,) = read(wrapped(item("1")), ignore=["9"])
    assert isinstance(found, Found)
    assert found.remarks == ()


def test_what_cannot_be_used_in_a_profile_is_named() -> None:
    with pytest.raises(ReaderError, match=r"p.toml: id: not a pattern"):
        read(b"", id="(")
    with pytest.raises(ReaderError, match=r"did you mean 'ignore'"):
        read(b"", ignored=[])


def test_broken_records_cost_themselves_alone() -> None:
    found = read(wrapped(item("1"), item("2", title="<b>"), item("3", title="War & Peace"), "<record/>", item("4")))
    assert keys(found) == ["1", "-", "3", "-", "4"]
    assert isinstance(found[2], Found)
    assert "not well-formed" in [remark.kind for remark in found[2].remarks]
    found = read(wrapped(item("1"), item("2"))[:-30])
    assert keys(found) == ["1", "-"]
    assert isinstance(found[1], Rejected)
    assert found[1].ends


def test_a_record_of_another_namespace_is_rejected_and_one_without_is_taken() -> None:
    found = read(wrapped(item("1", attributes=' xmlns="urn:other"'), item("2", attributes=' xmlns=""')))
    assert keys(found) == ["-", "2"]
    assert messages(found) == ["record 1: not a record of marc21: it is in the namespace urn:other"]


@pytest.mark.parametrize("data", [b"", b"words", b"<list/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><list/>", wrapped("<b/>")])
def test_a_file_without_records_is_one_rejection(data: bytes) -> None:
    (rejected,) = read(data)
    assert isinstance(rejected, Rejected)
    assert rejected.ends


def test_files_are_recognised_by_their_first_record() -> None:
    prefixed = f'<?xml version="1.0"?><!-- <x> --><l xmlns:m="{SLIM}"><m:record>'
    for text in (prefixed, f'<m:record xmlns:m="{SLIM}"/>', f"<l><record xmlns='{SLIM}'>"):
        assert Marc.recognises("a", text.encode())
        assert Marc.recognises("a", b"\xef\xbb\xbf" + text.encode())
        assert Marc.recognises("a", text.encode("utf-16"))
    for text in (
        "",
        "record",
        "<record/>",
        '<record xmlns="urn:x"/>',
        f'<l xmlns:n="{SLIM}"><m:record/></l>',
        f'{{"record": "<record xmlns=\'{SLIM}\'>"}}',
        f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><record xmlns="{SLIM}"/></OAI-PMH>',
    ):
        assert not Marc.recognises("a.xml", text.encode()), text


# MODS.


def perseus() -> bytes:
    """Return a collection as a project published it: MODS 3.4 and older, by many hands."""
    return gzip.decompress((places.data() / "mods" / "perseus-sample.xml.gz").read_bytes())


@cache
def collected() -> list[Found]:
    found = list(ModsReader().read(plain(io.BytesIO(perseus())), "perseus.xml"))
    assert all(isinstance(each, Found) for each in found)
    return found  # type: ignore[return-value]


def test_every_record_of_a_real_collection_comes_in_under_a_name_of_its_own() -> None:
    head = perseus()[:HEAD]
    assert readers.choose(None, "perseus.xml", head) is ModsReader
    assert len(collected()) == 335
    assert len({each.key for each in collected()}) == 335
    assert all(each.key.startswith("urn:cts:") or each.key.isalnum() for each in collected())


@pytest.mark.parametrize("format_", [Mods(), OaiDc()], ids=lambda each: each.prefix)
def test_every_record_of_a_real_collection_is_valid(format_: registry.Format) -> None:
    for each in collected():
        document = registry.rendition(format_, each.record, registry.Context())
        assert document is not None
        assert_valid(document)


def test_a_real_collection_written_and_read_again_is_the_same() -> None:
    first = [registry.rendition(Mods(), each.record, registry.Context()) or b"" for each in collected()]
    again = ModsReader().read(plain(io.BytesIO(b"<all>" + b"".join(first) + b"</all>")), "again.xml")
    second = [registry.rendition(Mods(), each.record, registry.Context()) for each in again if isinstance(each, Found)]
    assert second == first


def test_what_is_not_carried_of_a_real_collection_is_named() -> None:
    remarks = [remark for each in collected() for remark in each.remarks]
    assert {remark.kind for remark in remarks} == {
        "attribute not carried", "element not carried", "text not carried", "code not carried", "date not read",
        "no main title",
    }  # fmt: skip
    own = {remark.path for remark in remarks if not remark.path.startswith("relatedItem")}
    assert own == {
        "location/url", "location/url@displayLabel", "location@displayLabel", "location@lang", "name/displayForm",
        "name/namePart", "name/namePart@type", "name@script", "name@xlink:href", "originInfo/edition", "part/extent",
        "part/extent/end", "part/extent/start", "part/extent@unit", "part/text", "part@displayLabel", "part@type",
        "subject", "subject/geographicCode", "subject/geographicCode@authority", "titleInfo", "titleInfo@authority",
        "titleInfo@displayLabel", "titleInfo@script", "titleInfo@valueURI",
    }  # fmt: skip


def test_what_a_real_collection_says_stands_in_the_record() -> None:
    """Each value that MODS says of the item itself is found in the record again."""
    root = etree.fromstring(perseus())
    paths = (
        "titleInfo/title",
        "name/namePart",
        "originInfo/publisher",
        "tableOfContents",
        "subject/topic",
        "identifier",
    )
    for element, each in zip(root, collected(), strict=True):
        said = msgspec.json.decode(each.record.to_json())
        left = {remark.value for remark in each.remarks}
        values = json.dumps(said, ensure_ascii=False)
        for path in paths:
            for part in element.iterfind("/".join(f"{{{Mods.namespace}}}{name}" for name in path.split("/"))):
                text = " ".join(unicodedata.normalize("NFC", part.text or "").split())
                if part.get("type") != "date" and text not in left:
                    assert json.dumps(text, ensure_ascii=False)[1:-1] in values, (path, text)


@pytest.fixture
def sqlite(new_installation: Callable[..., Installation]) -> Installation:
    return new_installation("sqlite")


def test_a_real_collection_is_imported_by_the_command(sqlite: Installation) -> None:
    path = places.data() / "mods" / "perseus-sample.xml.gz"
    for expected in ("new 335 · changed 0 · unchanged 0", "new 0 · changed 0 · unchanged 335"):
        said = sqlite.run("import", str(path), "--source", "perseus").stdout
        assert f"{expected} · deleted 0 · rejected 0" in said


MODS = 'xmlns="http://www.loc.gov/mods/v3"'
BOMB = "<!DOCTYPE m [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;'>]>"


def mods(number: int, title: str = "T", more: str = "") -> str:
    return (
        f"<mods><titleInfo><title>{title}</title></titleInfo>{more}"
        f"<recordInfo><recordIdentifier>{number}</recordIdentifier></recordInfo></mods>"
    )


def import_(sqlite: Installation, text: str, *options: str, status: int = 0) -> str:
    done = sqlite.run("import", "-", "--source", "x", *options, stdin=text, check=False)
    assert done.returncode == status, done
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_hostile_files_are_refused_or_contained_and_the_rest_comes_in(sqlite: Installation) -> None:
    said = import_(sqlite, f"{BOMB}<m {MODS}>{mods(1, '&c;')}</m>", status=2)
    assert "document type" in said
    deep, long = "<a>" * 100_000, "x" * 17_000_000
    bad = mods(2, deep), mods(3, long), mods(4, "&undefined;"), mods(5, "<b>")
    said = import_(sqlite, f"<m {MODS}>{mods(1)}{''.join(bad)}{mods(6)}</m>", status=1)
    assert "new 3 · changed 0 · unchanged 0 · deleted 0 · rejected 3" in said
    assert "longer than 16 MiB" in said
    assert "&amp;undefined;" in sqlite.run("show", "oai:archive.example.org:4", "--prefix", "mods").stdout


def test_a_profile_names_the_reader_and_the_identifier(sqlite: Installation, tmp_path: Path) -> None:
    profile = tmp_path / "p.toml"
    profile.write_text('reader = "mods"\nid = "x-(\\\\d+)"\n[defaults.provider]\ndata_provider = "A"\n')
    record = mods(1, more="<identifier>x-77</identifier>")
    said = import_(sqlite, f"<m {MODS}>{record}</m>", "--profile", str(profile))
    assert "new 1" in said
    assert "77" in sqlite.run("show", "oai:archive.example.org:77").stdout
