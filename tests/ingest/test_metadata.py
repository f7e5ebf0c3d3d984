"""XML files of metadata come in record by record: by themselves, in collections, in anything around them."""

import io
from collections.abc import Iterable
from typing import Any, ClassVar

import pytest

from oai_server.ingest.files import plain
from oai_server.ingest.metadata import MetadataReader
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
