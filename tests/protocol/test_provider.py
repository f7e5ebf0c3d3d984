"""The rules of the protocol, by number, in plain calls: one answer at a time. Lists have tests of their own."""

from __future__ import annotations

import string
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rig import BASE, BEGIN, MODS, OAI_DC, SETS, Answer, Held, InMemory, follow, get, has_schemas, provider

from oai_server.protocol import arguments, datestamps, tokens
from oai_server.protocol.provider import Provider
from oai_server.protocol.repository import Identity, StaleNode

ITEM = "oai:archive.example.org:1"


@pytest.fixture
def repository() -> InMemory:
    """Item 1 in both formats, 2 without MODS, 3 deleted, 4 in MODS alone; a minute apart, and an hour ago."""
    made = InMemory()
    for number, prefixes, sets in (
        (1, ("oai_dc", "mods"), "wilson"),
        (2, ("oai_dc",), "wilson:korea other"),
        (4, ("mods",), ""),
    ):
        made.put(number, *prefixes, sets=sets)
        made.now += 60
    made.put(3, "oai_dc", sets="wilson", deleted=True)
    made.now += 3600
    return made


@pytest.fixture
def oai(repository) -> Provider:
    return provider(repository)


def test_answers_are_validated_against_the_schemas():
    if not has_schemas():
        pytest.skip("MISSING schemas: set OAI_SCHEMAS to the folder; no answer of this run is validated")


LIST = "verb=ListRecords&metadataPrefix=oai_dc"
RECORD = f"verb=GetRecord&metadataPrefix=oai_dc&identifier={ITEM}"

# Rule, query, the error codes in their order.
REFUSALS = [
    (1, "verb=identify", ["badVerb"]),
    (1, "Verb=Identify", ["badVerb"]),
    (1, "verb=ListRecords&metadataprefix=oai_dc", ["badArgument", "badArgument"]),
    (1, "verb=ListRecords&metadataPrefix=OAI_DC", ["cannotDisseminateFormat"]),
    (1, LIST + "&set=Wilson", ["noRecordsMatch"]),
    (1, RECORD.replace(":1", ":a").replace("archive", "Archive"), ["idDoesNotExist"]),
    (2, "verb=ListRecords&metadataPrefix=oai_dc&resumptionToken=x", ["badArgument"]),
    (3, RECORD.replace(ITEM, "%ff"), ["badArgument"]),
    (3, "verb=%ff", ["badVerb"]),
    (3, "verb=Identify&%ff=1", ["badArgument"]),
    (3, LIST + ";set=a", ["badArgument"]),
    (4, "", ["badVerb"]),
    (4, "junk", ["badVerb"]),
    (4, "metadataPrefix=oai_dc", ["badVerb"]),
    (4, "verb=", ["badVerb"]),
    (4, "verb=Nonsense&junk=1", ["badVerb"]),
    (4, "verb=Identify&verb=Identify", ["badVerb"]),
    (4, "verb=Identify&verb=ListSets&junk=1", ["badVerb"]),
    (5, "verb=Identify&metadataPrefix=oai_dc", ["badArgument"]),
    (5, "verb=ListMetadataFormats&set=a", ["badArgument"]),
    (5, "verb=ListSets&metadataPrefix=oai_dc", ["badArgument"]),
    (5, RECORD + "&from=2026-01-01", ["badArgument"]),
    (5, LIST + f"&identifier={ITEM}", ["badArgument"]),
    (5, "verb=Identify&=", ["badArgument"]),
    (6, LIST + "&metadataPrefix=oai_dc", ["badArgument"]),
    (6, LIST + "&set=a&set=b", ["badArgument"]),
    (6, "verb=ListSets&resumptionToken=a&resumptionToken=a", ["badArgument"]),
    (7, "verb=ListSets&resumptionToken=a&set=b", ["badArgument"]),
    (7, "verb=ListIdentifiers&resumptionToken=a&from=2026-01-01", ["badArgument"]),
    (8, "verb=ListRecords", ["badArgument"]),
    (8, "verb=ListIdentifiers&set=a", ["badArgument"]),
    (8, "verb=GetRecord", ["badArgument"]),
    (8, "verb=GetRecord&metadataPrefix=oai_dc", ["badArgument"]),
    (8, f"verb=GetRecord&identifier={ITEM}", ["badArgument"]),
    (9, LIST + "&from=", ["badArgument"]),
    (9, LIST + "&until=", ["badArgument"]),
    (9, LIST + "&set=", ["badArgument"]),
    (9, "verb=ListRecords&metadataPrefix=", ["badArgument"]),
    (9, "verb=ListMetadataFormats&identifier=", ["badArgument"]),
    (9, LIST + "&from=yesterday&until=2026-02-30&set=/", ["badArgument"] * 3),
    (10, LIST + "&from=2026-01-01&until=2026-01-02T00:00:00Z", ["badArgument"]),
    (10, LIST + "&from=2026-01-01T00:00:00Z&until=2026-01-02", ["badArgument"]),
    (10, LIST + "&from=2026-01-02&until=2026-01-01", ["badArgument"]),
    (10, LIST + "&from=2026-01-01T00:00:01Z&until=2026-01-01T00:00:00Z", ["badArgument"]),
    (10, LIST + "&from=2026-01-01T00:00:00.5Z", ["badArgument"]),
    (11, "verb=ListRecords&resumptionToken=nonsense", ["badResumptionToken"]),
    (11, "verb=ListIdentifiers&resumptionToken=", ["badResumptionToken"]),
    (11, "verb=ListSets&resumptionToken=x", ["badResumptionToken"]),
    (11, "verb=Identify&resumptionToken=x", ["badArgument"]),
    (13, "verb=ListRecords&metadataPrefix=unknown", ["cannotDisseminateFormat"]),
    (13, "verb=ListIdentifiers&metadataPrefix=unknown&set=nothing", ["cannotDisseminateFormat"]),
    (13, f"verb=GetRecord&metadataPrefix=unknown&identifier={ITEM}", ["cannotDisseminateFormat"]),
    (14, "verb=GetRecord&metadataPrefix=oai_dc&identifier=oai:archive.example.org:99", ["idDoesNotExist"]),
    (14, "verb=GetRecord&metadataPrefix=oai_dc&identifier=really_wrong_id", ["idDoesNotExist"]),
    (14, "verb=ListMetadataFormats&identifier=really_wrong_id", ["idDoesNotExist"]),
    (14, "verb=GetRecord&metadataPrefix=oai_dc&identifier=an%20id", ["badArgument"]),
    (15, "verb=GetRecord&metadataPrefix=mods&identifier=oai:archive.example.org:2", ["cannotDisseminateFormat"]),
    (17, LIST + "&set=nothing", ["noRecordsMatch"]),
    (17, LIST + "&from=2126-01-01", ["noRecordsMatch"]),
    (17, LIST + "&until=1990-01-01", ["noRecordsMatch"]),
    (17, LIST + "&until=0001-01-01", ["noRecordsMatch"]),
    (17, LIST + "&from=2026-01-01T00:00:01Z&until=2026-01-01T00:00:02Z", ["noRecordsMatch"]),
    (17, "verb=ListIdentifiers&metadataPrefix=mods&set=wilson:korea", ["noRecordsMatch"]),
    (19, "verb=GetRecord&metadataPrefix=unknown&identifier=unknown", ["cannotDisseminateFormat", "idDoesNotExist"]),
    (19, "verb=ListRecords&set=&junk=1", ["badArgument"] * 3),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "query", "codes"), REFUSALS)
def test_refusals_by_rule(oai, rule, query, codes):
    answer = get(oai, query) if query else Answer(oai.answer([]).content)
    assert answer.errors == codes
    assert all(text and text.strip() for text in answer.error_texts)  # rule 19
    if {"badVerb", "badArgument"} & set(codes):  # rule 24, and rule 15 of real harvesters
        assert answer.echo == {}
    else:
        assert answer.echo == dict(arguments.decode(query.encode()))
    if "resumptionToken" not in query:  # which does not move the clock
        assert answer.date == datestamps.to_text(BEGIN + 3 * 60 + 3600 - 1)  # rule 23, for errors too


# Rule, query, how many headers come.
ANSWERS = [
    (3, f"metadataPrefix=oai%5Fdc&identifier={quote_plus(ITEM)}&verb=GetRecord", 1),
    (18, LIST + "&from=1990-01-01", 3),
    (18, LIST + "&until=2126-01-01", 3),
    (18, LIST + "&from=0001-01-01&until=9999-12-31", 3),
    (34, LIST + "&from=2026-01-01", 3),
    (34, LIST + "&until=2026-01-01", 3),
    (34, LIST + "&from=2026-01-01T00:01:00Z&until=2026-01-01T00:01:00Z", 1),
    (34, LIST + "&from=2026-01-01T00:01:00Z", 2),
    (34, LIST + "&until=2026-01-01T00:01:00Z", 2),
    (38, "verb=ListIdentifiers&metadataPrefix=mods", 2),
    (43, "verb=ListIdentifiers&metadataPrefix=oai_dc", 3),
    (45, LIST + "&set=wilson", 3),
    (45, LIST + "&set=wilson:korea", 1),
    (45, LIST + "&set=other", 1),
]


@pytest.mark.parametrize(("rule", "query", "headers"), ANSWERS)
def test_answers_by_rule(oai, rule, query, headers):
    answer = get(oai, query)
    assert answer.errors == []
    assert len(answer.headers) == headers
    assert answer.token_element is None  # rule 53: a list of one page has none
    assert answer.echo == dict(arguments.decode(query.encode()))  # rule 24: as sent


@pytest.mark.parametrize("verb", ["ListRecords", "ListIdentifiers"])
def test_rule_12_no_sets_at_all(repository, verb):
    repository.sets_offered = ()
    oai = provider(repository)
    assert get(oai, verb="ListSets").errors == ["noSetHierarchy"]
    assert get(oai, verb=verb, metadataPrefix="oai_dc", set="a").errors == ["noSetHierarchy"]
    assert get(oai, verb=verb, metadataPrefix="no", set="a").errors == ["noSetHierarchy", "cannotDisseminateFormat"]
    assert get(oai, verb="ListSets", resumptionToken="x").errors == ["badResumptionToken"]


def test_rule_15_a_deleted_record_is_a_record(oai):
    answer = get(oai, verb="GetRecord", metadataPrefix="oai_dc", identifier="oai:archive.example.org:3")
    assert [header.status for header in answer.headers] == ["deleted"]


def test_rule_16_an_item_without_formats(repository):
    repository.formats_offered = (OAI_DC,)
    answer = get(provider(repository), verb="ListMetadataFormats", identifier="oai:archive.example.org:4")
    assert answer.errors == ["noMetadataFormats"]


@pytest.mark.parametrize("query", ["verb=Identify", "verb=x", "verb=ListSets", LIST, RECORD])
def test_rules_21_to_27_the_envelope(oai, query):
    answer = get(oai, query)
    names = [element.tag.rpartition("}")[2] for element in answer.root]
    assert names[:2] == ["responseDate", "request"]
    assert names[2:] == ([query[5:].split("&")[0]] if not answer.errors else ["error"])
    assert datestamps.parse(answer.date).length == 1  # rule 22
    assert answer.request.text == BASE  # rule 25
    assert answer.root.nsmap[None] == "http://www.openarchives.org/OAI/2.0/"
    assert answer.root.prefix is None
    assert answer.document.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH ')  # no BOM, no DTD
    assert b"&#x" not in answer.document


def test_rule_23_the_clock_is_read_before_anything_else_and_moved_without_a_token_alone(repository):
    oai = provider(repository, page_size=1)
    for query in ("verb=Identify", "verb=ListSets", "verb=ListMetadataFormats", "verb=x", "", LIST, RECORD):
        repository.calls.clear()
        token = get(oai, query).token if query else Answer(oai.answer([]).content).token
        assert repository.calls[0] == "clock(tick=True)"
        assert sum(call.startswith("clock") for call in repository.calls) == 1
        if token:
            repository.calls.clear()
            get(oai, verb="ListRecords", resumptionToken=token)
            assert repository.calls[0] == "clock(tick=False)"


def test_rules_35_and_41_records_and_tombstones(oai):
    answer = get(oai, LIST)
    assert [header.datestamp for header in answer.headers] == [
        "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z", "2026-01-01T00:03:00Z"
    ]  # fmt: skip
    first, second, deleted = answer.root.iter("{*}record")
    assert [len(part) for part in (first, second, deleted)] == [2, 2, 1]
    assert len(first[1]) == 1  # rules 49 and 51: one root in metadata
    assert deleted[0].get("status") == "deleted"
    assert first[0].get("status") is None
    assert answer.headers[1].sets == ("wilson:korea", "other")  # rule 47


def test_rule_46_sets(oai):
    answer = get(oai, verb="ListSets")
    assert answer.texts("setSpec") == [set_.spec for set_ in SETS]
    assert answer.texts("setName") == [set_.name for set_ in SETS]
    assert answer.texts("description") == [SETS[0].description]
    assert len(list(answer.root.iter("{*}setDescription"))) == 1


def test_rule_52_formats(oai):
    answer = get(oai, verb="ListMetadataFormats")
    assert answer.texts("metadataPrefix") == ["oai_dc", "mods"]
    assert answer.texts("schema") == [OAI_DC.schema, MODS.schema]
    assert answer.texts("metadataNamespace") == [OAI_DC.namespace, MODS.namespace]
    for number, prefixes in ((1, ["oai_dc", "mods"]), (2, ["oai_dc"]), (3, ["oai_dc"]), (4, ["mods"])):
        of_item = get(oai, verb="ListMetadataFormats", identifier=f"oai:archive.example.org:{number}")
        assert of_item.texts("metadataPrefix") == prefixes


def test_rule_61_body_and_query_are_one(oai):
    assert get(oai, b"verb=GetRecord&metadataPrefix=oai_dc", f"identifier={ITEM}".encode()).identifiers == [ITEM]
    assert get(oai, b"", b"verb=Identify").errors == []
    assert get(oai, b"verb=Identify", b"verb=Identify").errors == ["badVerb"]
    assert get(oai, b"verb=ListSets&resumptionToken=a", b"resumptionToken=a").errors == ["badArgument"]


def test_rule_69_identify(repository):
    identity = Identity("A & B", BASE, ["a@b.org", "c@d.org"], "archive.example.org", "transient")
    friends = (
        b'<friends xmlns="http://www.openarchives.org/OAI/2.0/friends/"'
        b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        b' xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/friends/'
        b' http://www.openarchives.org/OAI/2.0/friends.xsd"><baseURL>http://a.org/oai</baseURL></friends>'
    )
    oai = Provider(repository, identity, tokens.Signer(["k"]), descriptions=[friends])
    answer = get(oai, verb="Identify")
    [identify] = answer.body
    assert [(part.tag.rpartition("}")[2], part.text) for part in identify][:-2] == [
        ("repositoryName", "A & B"), ("baseURL", BASE), ("protocolVersion", "2.0"), ("adminEmail", "a@b.org"),
        ("adminEmail", "c@d.org"), ("earliestDatestamp", "2026-01-01T00:00:00Z"), ("deletedRecord", "transient"),
        ("granularity", "YYYY-MM-DDThh:mm:ssZ"), ("compression", "gzip"),
    ]  # fmt: skip
    assert answer.texts("sampleIdentifier") == ["oai:archive.example.org:1"]  # rule 71: once
    assert [part[0].tag.rpartition("}")[2] for part in identify[-2:]] == ["oai-identifier", "friends"]


def test_harvesters_8_where_the_dates_leave_nothing_no_list_is_read(repository):
    oai = provider(repository)
    repository.calls.clear()
    assert get(oai, LIST + "&until=2025-12-31").errors == ["noRecordsMatch"]
    assert get(oai, LIST + "&from=2026-02-01&until=2026-02-28").errors == ["noRecordsMatch"]
    assert not {"page", "size"} & set(repository.calls)


def test_harvesters_16_one_record_costs_one_record(repository):
    oai = provider(repository)
    repository.calls.clear()
    get(oai, RECORD)
    assert repository.calls == ["clock(tick=True)", "formats", "record"]


def test_identifiers_that_need_escaping(repository):
    identifier = "oai:archive.example.org:a&b='c';<d>"
    repository.records["oai_dc", 9] = Held(9, BEGIN + 300, identifier, "it's a&b", False, b"<x xmlns='urn:x'/>")
    repository.horizon = BEGIN + 300
    oai = provider(repository)
    for verb in ("ListRecords", "ListIdentifiers"):
        document = oai.answer([("verb", verb), ("metadataPrefix", "oai_dc")]).content
        assert b"<identifier>oai:archive.example.org:a&amp;b='c';&lt;d&gt;</identifier>" in document
        assert b"<setSpec>it's</setSpec><setSpec>a&amp;b</setSpec>" in document


def test_an_identifier_with_an_ampersand_is_echoed_as_sent(repository):
    repository.records["oai_dc", 9] = Held(9, BEGIN, "oai:a.b:x&y='z'", "", True, None)
    answer = get(provider(repository), verb="GetRecord", metadataPrefix="oai_dc", identifier="oai:a.b:x&y='z'")
    assert answer.identifiers == [answer.echo["identifier"]] == ["oai:a.b:x&y='z'"]


def test_what_the_store_raises_passes():
    class Down(InMemory):
        def page(self, *arguments, **named):
            raise OSError("no database")

    with pytest.raises(OSError, match="no database"):
        get(provider(Down()), LIST)


# Bytes that mean something here, so that random queries get past the first check.
words = st.sampled_from(
    [b"verb", b"ListRecords", b"GetRecord", b"ListSets", b"ListMetadataFormats", b"ListIdentifiers", b"Identify",
     b"metadataPrefix", b"oai_dc", b"mods", b"set", b"wilson", b"from", b"until", b"2026-01-01",
     b"2026-01-01T00:00:00Z", b"identifier", ITEM.encode(), b"resumptionToken", b"=", b"&", b";", b"+",
     b"%00", b"%EF%BF%BE", b"%ff", b"%0A"]
)  # fmt: skip
queries = st.lists(words | st.binary(max_size=5), max_size=12).map(b"".join) | st.binary()
verbs = st.sampled_from([*arguments.GRAMMAR])
names = st.sampled_from(["metadataPrefix", "set", "from", "until", "identifier", "resumptionToken"])
values = st.one_of(
    st.text(),
    st.text(string.ascii_letters + string.digits + "-_.!~*'();/?:@&=+$,%#[]é"),
    st.sampled_from(["oai_dc", "mods", "wilson", ITEM, "2026-01-01", "2026-01-01T00:00:00Z"]),
    st.dates().map(str),
)


@settings(max_examples=150, deadline=None)
@given(query=queries, body=queries)
def test_any_bytes_get_a_valid_answer(query, body):
    repository = InMemory()
    repository.put(1, "oai_dc", sets="wilson")
    get(provider(repository), query, body)


@settings(max_examples=250, deadline=None)
@given(verb=verbs, pairs=st.lists(st.tuples(names, values), max_size=3))
def test_any_arguments_get_a_valid_answer(verb, pairs):
    """Rules 15, 24, 27: whatever is echoed is valid there, and comes back as it was sent."""
    repository = InMemory()
    repository.put(1, "oai_dc", sets="wilson")
    sent = [("verb", verb), *pairs]
    answer = Answer(provider(repository).answer(sent).content)
    assert answer.echo in ({}, dict(sent))
    assert (answer.echo == {}) == bool({"badVerb", "badArgument"} & set(answer.errors))


@settings(max_examples=150, deadline=None)
@given(identifier=values.filter(bool))
def test_rule_30_any_identifier_is_refused_or_valid(identifier):
    sent = [("verb", "GetRecord"), ("metadataPrefix", "oai_dc"), ("identifier", identifier)]
    answer = Answer(provider(InMemory()).answer(sent).content)
    assert answer.errors in (["idDoesNotExist"], ["badArgument"])


def test_tokens_of_another_time_verb_or_repository(repository):
    oai = provider(repository, "key", page_size=1, identifiers_page_size=1, token_seconds=7 * 86_400)
    token = get(oai, LIST).token

    def why(verb: str = "ListRecords", of: Provider = oai) -> str:
        answer = get(of, verb=verb, resumptionToken=token)
        assert answer.errors == ["badResumptionToken"]
        assert answer.echo == {"verb": verb, "resumptionToken": token}
        return answer.error_texts[0]

    assert "it is for ListRecords" in why("ListIdentifiers")
    assert "it is for ListRecords" in why("ListSets")
    assert "did not issue" in why(of=provider(repository, "another key"))
    repository.formats_offered = (MODS,)
    assert "no longer offered" in why()
    repository.formats_offered = (OAI_DC,)
    repository.incarnation += 1
    assert "restored from a backup" in why()
    repository.incarnation -= 1
    assert get(oai, verb="ListRecords", resumptionToken=token).errors == []
    repository.now += 7 * 86_400
    assert get(oai, verb="Identify").errors == []
    assert get(oai, verb="ListRecords", resumptionToken=token).errors == []  # rule 57: to the very second
    repository.now += 1
    assert get(oai, verb="Identify").errors == []
    assert "expired" in why()


def test_a_node_that_lags_says_so(repository):
    oai = provider(repository, page_size=1)
    token = get(oai, LIST).token
    repository.horizon -= 1
    with pytest.raises(StaleNode):
        get(oai, verb="ListRecords", resumptionToken=token)


def test_harvesters_9_a_list_that_goes_on_for_weeks_never_loses_its_token(repository):
    oai = provider(repository, page_size=1, token_seconds=86_400)
    page = get(oai, LIST)
    while page.token:
        expires = datestamps.parse(page.token_element.get("expirationDate")).first
        assert 86_400 - 3600 <= expires - repository.horizon <= 86_400
        repository.now = expires
        get(oai, verb="Identify")  # which moves the horizon
        page = get(oai, verb="ListRecords", resumptionToken=page.token)
        assert page.errors == []
    assert len(follow(oai)) == 3
