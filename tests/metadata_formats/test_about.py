"""What is said about a record beside its metadata: valid and true, whatever another server said of itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from validation import assert_valid

from metadata_formats import about, record
from metadata_formats.record import Provenance, Record, RecordInfo, Rights, Title

DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
HOP = {
    "base_url": "http://origin.example.org/oai",
    "identifier": "oai:origin.example.org:165251",
    "datestamp": "2017-08-14",
    "metadata_namespace": DC,
    "harvest_date": "2025-12-31T23:59:59Z",
}
ENVELOPE = """<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-01-02T03:04:05Z</responseDate>\
<request>http://localhost/oai</request><GetRecord><record><header><identifier>a:b</identifier>\
<datestamp>2026-01-01</datestamp></header><metadata><oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"\
/></metadata>%s</record></GetRecord></OAI-PMH>"""


def harvested(*hops: dict[str, object], licence: str | None = None) -> Record:
    """A record that came by these hops, the last one first; each says what is not as in ``HOP``."""
    return Record(
        id="1",
        titles=[Title(value="T")],
        rights=Rights(metadata_licence=licence) if licence else None,
        record=RecordInfo(provenance=[Provenance(**{**HOP, **hop}) for hop in hops]),
    )


def read(data: bytes) -> etree._Element:
    """Return the one element that a container holds, which must stand by itself and be valid in an answer."""
    assert_valid((ENVELOPE % data.decode()).encode())
    [held] = etree.fromstring(data)
    return held


def texts(root: etree._Element, name: str) -> list[str]:
    return [found.text for found in root.iter(f"{{*}}{name}")]


def test_the_last_hop_is_outermost_and_holds_the_earlier_ones():
    found = read(about.provenance(harvested({}, {"base_url": "http://first.example.org/", "altered": False}), DC))
    assert found.get(f"{{{'http://www.w3.org/2001/XMLSchema-instance'}}}schemaLocation").split() == [
        "http://www.openarchives.org/OAI/2.0/provenance", "http://www.openarchives.org/OAI/2.0/provenance.xsd",
    ]  # fmt: skip
    [last] = found
    assert [etree.QName(child).localname for child in last] == [
        "baseURL", "identifier", "datestamp", "metadataNamespace", "originDescription",
    ]  # fmt: skip
    assert dict(last.attrib) == {"harvestDate": "2025-12-31T23:59:59Z", "altered": "true"}
    assert [child.text for child in last[:4]] == [
        HOP[name] for name in ("base_url", "identifier", "datestamp", "metadata_namespace")
    ]
    assert last[4].get("altered") == "false"
    assert last[4][0].text == "http://first.example.org/"


@pytest.mark.parametrize(
    ("said", "namespace", "known", "altered"),
    [
        (False, DC, None, "false"), (True, DC, None, "true"), (False, "urn:other", None, "true"),
        (True, DC, False, "false"), (False, DC, True, "true"),
    ],
)  # fmt: skip
def test_what_is_known_here_goes_before_what_the_last_hop_says(said, namespace, known, altered):
    item = harvested({"altered": said}, {"altered": said})
    last, first = read(about.provenance(item, namespace, known)).iter("{*}originDescription")
    assert last.get("altered") == altered
    assert first.get("altered") == str(said).lower()


def test_a_record_without_hops_or_rights_says_nothing():
    for nothing in (Record(id="1", titles=[Title(value="T")]), harvested()):
        assert about.containers(about.NAMES, nothing, DC) == b""
        assert about.broken(nothing) == ""


def test_the_rights_are_those_of_the_metadata():
    found = read(about.rights(harvested(licence="https://example.org/licence?a=1&b='2'")))
    assert found.tag == "{http://www.openarchives.org/OAI/2.0/rights/}rights"
    assert [dict(child.attrib) for child in found] == [{"ref": "https://example.org/licence?a=1&b='2'"}]
    assert about.containers(["rights", "provenance"], harvested({}, licence="urn:x"), DC).count(b"<about>") == 2


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("oai:x.org:1", "oai:x.org:1"), ("http://[::1]:80/oai", "http://[::1]:80/oai"), ("a b", "a%20b"),
        ("oai:x.org:a b", "oai:x.org:a%20b"), ("https://x.org/?q=<&>", "https://x.org/?q=%3C&%3E"), (":x", "%3Ax"),
        ("http://x:y/", "http%3A%2F%2Fx%3Ay%2F"), ("\x07http://x.org/", "http://x.org/"), ("100%", "100%25"),
        ("http://пример.рф/", "http://%D0%BF%D1%80%D0%B8%D0%BC%D0%B5%D1%80.%D1%80%D1%84/"),
    ],
)  # fmt: skip
def test_what_is_no_uri_is_percent_encoded(text, written):
    assert texts(read(about.provenance(harvested({"identifier": text}), DC)), "identifier") == [written]


BAD_DATES = ["2017", "2017-02-30", "2017-08-14 10:00:00", "yesterday", "2017-08-14T24:00:01Z", "0000-01-01", " ",
             "2017-08-14T10:00Z", "２０１７-08-14", "2017-08-14T10:00:00+15:00"]  # fmt: skip


@pytest.mark.parametrize("bad", BAD_DATES)
@pytest.mark.parametrize("name", ["datestamp", "harvest_date"])
def test_the_chain_ends_before_a_date_that_is_none(name, bad):
    item = harvested({}, {name: bad}, {})
    assert len(texts(read(about.provenance(item, DC)), "baseURL")) == 1
    assert about.broken(item) == (
        f"provenance is left out from hop 2 on: {name} {bad!r} is not like 2026-01-31T23:59:59Z"
    )
    assert about.provenance(harvested({name: bad}), DC) == b""


@pytest.mark.parametrize("good", ["2017-08-14", "2017-08-14T10:00:00", "2017-08-14T10:00:00.5+02:00", "2017-08-14Z"])
def test_a_date_of_the_schema_is_given_as_it_came(good):
    assert texts(read(about.provenance(harvested({"datestamp": good}), DC)), "datestamp") == [good]


def test_a_chain_is_no_deeper_than_parsers_bear():
    item = harvested(*[{}] * 1000)
    assert len(texts(read(about.provenance(item, DC)), "baseURL")) == about.DEEPEST
    assert about.broken(item) == "provenance is left out from hop 51 on: no more than 50 hops are written"
    assert "base_url is blank" in about.broken(harvested({"base_url": " \x07 "}))


ANY = st.text(min_size=1, max_size=30) | st.from_regex(r"[a-z]{0,3}:?/{0,3}[\[\]:@a-z0-9%#?\\/ ]{0,12}", fullmatch=True)
DATES = st.sampled_from(BAD_DATES) | st.datetimes().map(lambda when: when.isoformat()) | ANY
HOPS = st.fixed_dictionaries(
    {"base_url": ANY, "identifier": ANY, "metadata_namespace": ANY, "datestamp": DATES | st.just("2017-08-14")}
)


@settings(max_examples=150, deadline=None)
@given(st.lists(HOPS, min_size=1, max_size=3), ANY)
def test_whatever_another_server_said_the_answer_is_valid(hops, licence):
    item = harvested(*hops)
    made = about.provenance(item, DC)
    if made:
        read(made)
    assert bool(about.broken(item)) == (made.count(b"<baseURL>") < len(hops))
    if made := about.rights(Record(id="1", titles=[Title(value="T")], rights=_unchecked(licence))):
        read(made)


def _unchecked(licence: str) -> Rights:
    rights = Rights()
    rights.metadata_licence = licence
    return rights


def test_a_harvest_of_an_unchanged_record_is_no_change():
    first, again = harvested({}, {}), harvested({"harvest_date": "2026-02-02", "datestamp": "2026-01-01"}, {})
    assert first.content_hash() == again.content_hash()
    for other in (harvested({"identifier": "x:y"}, {}), harvested({}, {"harvest_date": "2026-02-02"}), harvested({})):
        assert first.content_hash() != other.content_hash()
    plain = record.from_json(b'{"id":"1","titles":[{"value":"T"}],"record":{"source":"s"}}')
    assert plain.content_hash().hex() == "78d3027d471310a9d3a222a98f466526"
