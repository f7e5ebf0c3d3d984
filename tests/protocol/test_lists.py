"""Lists, page by page: whatever is in them, however they are cut, and whatever changes meanwhile."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rig import BEGIN, InMemory, dc, follow, get, provider

from oai_server.protocol import datestamps
from oai_server.protocol.repository import StaleNode

VERBS = ("ListRecords", "ListIdentifiers")
few = settings(max_examples=60, deadline=None)

# An item: seconds since the one before it, and how long its title is.
items = st.lists(st.tuples(st.sampled_from([0, 0, 1, 90_000]), st.integers(0, 2000)), min_size=1, max_size=25)


def filled(made: list[tuple[int, int]]) -> InMemory:
    repository = InMemory()
    for number, (pause, length) in enumerate(made):
        repository.now += pause
        repository.put(
            number, sets="wilson:korea" if number % 3 == 0 else "", deleted=length == 0, body=dc("t" * length)
        )
    return repository


@few
@given(items, st.sampled_from(VERBS), st.integers(1, 26), st.integers(1, 9000), st.sampled_from([None, "wilson"]))
def test_pages_are_the_list(made, verb, page_size, page_bytes, setspec):
    """Rules 53 to 58: everything once, in order, no page empty or too long, every attribute right."""
    repository = filled(made)
    oai = provider(repository, page_size=page_size, identifiers_page_size=page_size, page_bytes=page_bytes)
    expected = [row.identifier for row in repository.listed("oai_dc", setspec)]
    pages = follow(oai, verb, **({"set": setspec} if setspec else {}))
    assert [identifier for page in pages for identifier in page.identifiers] == expected
    given_out = 0
    for page in pages[:-1]:
        element = page.token_element
        assert 1 <= len(page.headers) <= page_size
        assert element.get("cursor") == str(given_out)
        assert element.get("completeListSize") == str(len(expected))
        assert element.get("expirationDate") == datestamps.to_text(repository.horizon + 7 * 86_400)
        given_out += len(page.headers)
    last = pages[-1].token_element
    assert 1 <= len(pages[-1].headers) <= page_size
    if len(pages) == 1:
        assert last is None
    else:
        assert (last.text, last.attrib) == (None, {})
    if page_size >= 3 and len(expected) > 1 and (verb == "ListIdentifiers" or page_bytes > 8000 * page_size):
        assert len(pages[-1].headers) > 1  # prefer no last page of one record
    assert len({page.date for page in pages}) == 1


@few
@given(items, st.sampled_from(VERBS), st.integers(1, 10))
def test_rule_56_any_token_again_gives_the_same_answer(made, verb, page_size):
    repository = filled(made)
    oai = provider(repository, page_size=page_size, identifiers_page_size=page_size)
    pages = follow(oai, verb)
    repository.now += 60
    get(oai, verb="Identify")  # time goes on
    elsewhere = provider(repository, page_size=page_size, identifiers_page_size=page_size)
    for before, after in pairwise(pages):
        for server in (oai, elsewhere):
            assert get(server, verb=verb, resumptionToken=before.token).document == after.document


@pytest.mark.parametrize(
    ("count", "page_size", "pages"),
    [
        (1, 1, [1]), (2, 1, [1, 1]), (3, 2, [2, 1]), (4, 2, [2, 2]), (3, 3, [3]), (4, 3, [2, 2]), (5, 3, [3, 2]),
        (7, 3, [3, 2, 2]), (11, 10, [9, 2]), (12, 10, [10, 2]), (21, 10, [10, 9, 2]), (20, 10, [10, 10]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("verb", VERBS)
def test_where_a_list_is_cut(verb, count, page_size, pages):
    oai = provider(filled([(0, 1)] * count), page_size=page_size, identifiers_page_size=page_size)
    assert [len(page.headers) for page in follow(oai, verb)] == pages


def test_each_verb_has_its_page_size():
    oai = provider(filled([(0, 1)] * 12), page_size=3, identifiers_page_size=4)
    assert len(follow(oai, "ListRecords")) == 4
    assert len(follow(oai, "ListIdentifiers")) == 3


def test_the_size_is_asked_for_once_and_only_of_lists_of_several_pages():
    repository = filled([(0, 1)] * 12)
    follow(provider(repository, page_size=12))
    assert "size" not in repository.calls
    follow(provider(repository, page_size=3))
    assert repository.calls.count("size") == 1


@pytest.mark.parametrize("said", [0, 5])
def test_harvesters_6_a_size_that_is_too_small_is_corrected(said):
    class Wrong(InMemory):
        def size(self, *arguments):
            return said

    repository = Wrong()
    for number in range(30):
        repository.put(number)
    sizes = [
        int(page.token_element.get("completeListSize")) for page in follow(provider(repository, page_size=10))[:-1]
    ]
    assert sizes == [11, 21]


def test_the_window_of_the_size_is_that_of_the_list():
    repository = filled([(86_400, 1)] * 12)  # the first on 2 January
    oai = provider(repository, page_size=2)

    def size(**given: str) -> int:
        return int(follow(oai, **given)[0].token_element.get("completeListSize"))

    assert size() == 12
    assert size(from_="2025-01-01") == 12
    assert size(from_="2026-01-04") == 10
    assert size(from_="2026-01-04", until="2026-01-06") == 3
    assert size(until="2026-01-06") == 5
    assert size(until="2126-01-01") == 12


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("deleted", [False, True])
def test_harvesters_7_where_the_rest_of_a_list_has_moved_on(verb, deleted):
    """The page holds the first record that is there now: none that this harvest has missed is earlier."""
    repository = filled([(0, 1)] * 4)
    oai = provider(repository, page_size=2, identifiers_page_size=2)
    first = get(oai, verb=verb, metadataPrefix="oai_dc")
    for number in (3, 2, 1, 0):
        repository.now += 60
        repository.put(number, deleted=deleted)
    second = get(oai, verb=verb, resumptionToken=first.token)
    assert second.errors == []
    [header] = second.headers
    assert header.identifier == "oai:archive.example.org:3"
    assert header.datestamp == datestamps.to_text(BEGIN + 60)
    assert header.status == ("deleted" if deleted else None)
    assert (second.token_element.text, second.token_element.attrib) == (None, {})
    assert second.date == first.date
    for since in (second.date, header.datestamp):
        pages = follow(oai, verb, from_=since)
        assert {header.identifier for page in pages for header in page.headers} >= {
            f"oai:archive.example.org:{number}" for number in range(4)
        }


@pytest.mark.parametrize("verb", VERBS)
def test_harvesters_7_where_the_rest_of_a_list_has_left_it(verb):
    """Nothing follows any more: the record at which the token points comes again, as it is now."""
    repository = filled([(0, 1)] * 4)  # 0 and 3 are in the set
    oai = provider(repository, page_size=1, identifiers_page_size=1)
    first = get(oai, verb=verb, metadataPrefix="oai_dc", set="wilson")
    repository.now += 60
    for number in (0, 3):
        repository.put(number, sets="elsewhere")
    second = get(oai, verb=verb, resumptionToken=first.token)
    assert [header.identifier for header in second.headers] == first.identifiers
    assert second.headers[0].sets == ("elsewhere",)
    assert (second.token_element.text, second.token_element.attrib) == (None, {})


def test_a_token_to_a_record_that_this_node_has_not_yet_seen_waits():
    repository = filled([(0, 1)] * 4)
    oai = provider(repository, page_size=2)
    token = get(oai, verb="ListRecords", metadataPrefix="oai_dc").token
    repository.records.clear()
    with pytest.raises(StaleNode):
        get(oai, verb="ListRecords", resumptionToken=token)


changes = st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.integers(0, 2)), max_size=5)


@few
@given(items, st.integers(1, 6), st.lists(changes, min_size=1, max_size=30), st.sampled_from(VERBS))
def test_rule_56_changes_between_pages(made, page_size, rounds, verb):
    """No page is empty and none is refused; what has not changed comes, and all pages bear one date."""
    repository = filled(made)
    before = dict(repository.records)
    repository.now += 1
    oai = provider(repository, page_size=page_size, identifiers_page_size=page_size)
    page = get(oai, verb=verb, metadataPrefix="oai_dc")
    pages = [page]
    while page.token:
        for number, deleted, pause in rounds[len(pages) % len(rounds)]:
            repository.now += pause
            repository.put(number, deleted=deleted)
        page = get(oai, verb=verb, resumptionToken=page.token)
        assert page.errors == []
        assert 1 <= len(page.headers) <= page_size
        pages.append(page)
    unchanged = {row.identifier for key, row in before.items() if repository.records[key] == row}
    assert unchanged <= {identifier for page in pages for identifier in page.identifiers}
    assert len({page.date for page in pages}) == 1


# How harvesters find their next ``from`` in the pages of this time.
HARVESTERS = {
    "first responseDate": lambda pages: pages[0].date,
    "last responseDate": lambda pages: pages[-1].date,
    "one second later": lambda pages: datestamps.to_text(datestamps.parse(pages[0].date).first + 1),
    "highest datestamp": lambda pages: max(header.datestamp for page in pages for header in page.headers),
}


@settings(max_examples=150, deadline=None)
@given(
    st.lists(changes, min_size=2, max_size=12),
    st.integers(1, 4),
    st.sampled_from([*HARVESTERS]),
    st.lists(st.integers(0, 2)),
)
@example(  # the list reached into a second that was still open, and then its rest moved on
    [[(5, False, 1), (0, False, 0)], [(2, False, 0)], [(5, False, 1), (1, False, 0)]], 2, "highest datestamp", []
)
@example(  # its rest moved on, and later the record at which the token pointed
    [[(1, False, 1)], [(0, False, 0)], [(0, False, 1), (1, False, 1)]], 1, "highest datestamp", []
)
def test_rule_23_incremental_harvests_miss_nothing(rounds, page_size, kind, pauses):
    """Harvest, again and again, while records change between the pages: at rest, the copy equals the repository."""
    repository, copy = filled([(0, 1)] * 5), {}
    oai = provider(repository, page_size=page_size)
    since: dict[str, str] = {}

    def harvest(meanwhile: list[list[tuple[int, bool, int]]]) -> None:
        page = get(oai, verb="ListRecords", metadataPrefix="oai_dc", **since)
        pages = [page]
        while page.token:
            for number, deleted, pause in meanwhile.pop() if meanwhile else []:
                repository.now += pause
                repository.put(number, deleted=deleted)
            page = get(oai, verb="ListRecords", resumptionToken=page.token)
            pages.append(page)
        if pages[0].errors:
            assert pages[0].errors == ["noRecordsMatch"]
            return
        for header, record in zip(
            (header for page in pages for header in page.headers),
            (record for page in pages for record in page.root.iter("{*}record")),
            strict=True,
        ):
            copy[header.identifier] = (header.datestamp, header.status, "".join(record.itertext()))
        since["from_"] = HARVESTERS[kind](pages)

    for number, change in enumerate(rounds):
        harvest([change, change[::-1]])
        repository.now += pauses[number % len(pauses)] if pauses else 0
    harvest([])
    harvest([])
    assert {identifier: stamp for identifier, (stamp, *_) in copy.items()} == {
        row.identifier: datestamps.to_text(row.datestamp) for row in repository.records.values()
    }
    assert {identifier for identifier, (_, status, _) in copy.items() if status} == {
        row.identifier for row in repository.records.values() if row.deleted
    }


def test_an_open_second_is_read_again_next_time():
    """A change of the very second in which a list began is either in it or stamped after its date."""
    repository = filled([(0, 1)] * 2)
    oai = provider(repository)
    first = get(oai, verb="ListRecords", metadataPrefix="oai_dc")
    assert repository.put(7) == BEGIN  # the same second
    again = get(oai, verb="ListRecords", metadataPrefix="oai_dc", from_=first.date)
    assert "oai:archive.example.org:7" in again.identifiers
    assert datestamps.parse(first.date).first < BEGIN
