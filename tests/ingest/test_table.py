"""Tables become records by a profile; every bad row is rejected by itself, with its line."""

import csv
import datetime
import gzip
import io
import random
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

import openpyxl
import places
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oai_server.ingest.files import plain, sources
from oai_server.ingest.reader import Finding, Found, ReaderError, Rejected
from oai_server.ingest.readers import Job
from oai_server.ingest.table import TableReader, slug

SIMPLE: dict[str, Any] = {"id": "id", "fields": [{"to": "titles", "column": "title"}]}


def read(data: bytes | str, filename: str = "a.csv", profile: dict[str, Any] | None = None) -> list[Finding]:
    stream = io.BufferedReader(io.BytesIO(data.encode() if isinstance(data, str) else data))  # type: ignore[arg-type]
    return list(TableReader(profile=profile or {}, profile_name="p.toml" if profile else "").read(stream, filename))


def only(field: dict[str, Any], cell: str, more: str = "", **keys: Any) -> Any:
    """Return the record that one cell gives through one field."""
    profile = {**SIMPLE, **keys, "fields": [*SIMPLE["fields"], {"column": "x", **field}]}
    out = io.StringIO()
    csv.writer(out).writerows([["id", "title", "x", "y"], ["1", "T", cell, more]])
    (found,) = read(out.getvalue(), profile=profile)
    assert isinstance(found, Found), found
    return found


def summary(found: list[Finding]) -> list[tuple[str, str]]:
    return [(each.record.id if isinstance(each, Found) else "!", each.where) for each in found]


# What a profile can say ------------------------------------------------------------------------------------------


def test_a_cell_is_split_collapsed_and_cleared_of_what_means_nothing() -> None:
    record = only({"to": "subjects", "split": "|", "ignore": ["none"]}, " a  b |none||c\r\nd|a b").record
    assert [subject.label for subject in record.subjects] == ["a b", "c d"]
    assert only({"to": "subjects"}, "n/a", ignore=["n/a"]).record.subjects == []


def test_a_path_becomes_a_compound_heading() -> None:
    record = only({"to": "subjects", "split": "|", "path": " > "}, "nature > landscape > mountain|sky").record
    assert [part.label for part in record.subjects[0].parts] == ["nature", "landscape", "mountain"]
    assert record.subjects[1].label == "sky"


def test_another_column_fills_a_placeholder_through_a_table() -> None:
    field = {"to": "agents", "make": {"name": "{}", "roles": ["{y:role}"], "role_label": "by {y}"}}
    tables = {"role": {"after": "ant", "nobody": "", "*": "art"}}
    assert only(field, "A", "after", tables=tables).record.agents[0].roles == ["ant"]
    assert only(field, "A", "else", tables=tables).record.agents[0].roles == ["art"]
    nobody = only(field, "A", "", tables=tables).record.agents[0]
    assert (nobody.roles, nobody.role_label) == ([], None)


def test_a_value_table_gives_whole_entries_and_remarks_on_what_it_lacks() -> None:
    field = {"to": "genres", "table": "genre"}
    tables = {"genre": {"painting": {"label": "paintings", "scheme": "aat"}, "junk": ""}}
    assert only(field, "painting", tables=tables).record.genres[0].scheme == "aat"
    found = only(field, "sculpture", tables=tables)
    assert found.record.genres == []
    assert [(remark.kind, remark.path, remark.value) for remark in found.remarks] == [
        ("not in table genre", "x", "sculpture")
    ]
    assert only(field, "junk", tables=tables).remarks == ()


def test_a_pattern_names_the_parts_of_a_value() -> None:
    field = {
        "to": "agents",
        "pattern": "(?P<family>[^,]+), (?P<given>.+)",
        "make": {"name": "{}", "family": "{family}", "given": "{given}"},
    }
    blake, body = only(field, "Blake, William").record.agents[0], only(field, "Art & Language").record.agents[0]
    assert (blake.name, blake.family, blake.given) == ("Blake, William", "Blake", "William")
    assert (body.name, body.family, body.given) == ("Art & Language", None, None)


def test_values_are_chosen_by_only_and_unless() -> None:
    supplied = {
        "to": "titles",
        "only": r"^\[",
        "pattern": r"\[(?P<value>.*)\]",
        "make": {"value": "{}", "supplied": True},
    }
    assert [(title.value, title.supplied) for title in only(supplied, "[untitled]").record.titles[1:]] == [
        ("untitled", True)
    ]
    assert only({"to": "toc", "unless": "^x"}, "xy").record.toc == []


def test_dates_are_read_and_what_is_not_stays_as_text_with_a_remark() -> None:
    field = {"to": "dates", "date": True, "make": {"type": "created", "key": True}}
    (date,) = only(field, "c.1850–60").record.dates
    assert (date.edtf, date.text, date.key, date.type) == ("1850~/1860~", "c.1850–60", True, "created")
    found = only(field, "in spring")
    assert (found.record.dates[0].edtf, found.record.dates[0].text) == (None, "in spring")
    assert [(remark.kind, remark.path, remark.value) for remark in found.remarks] == [
        ("date not read", "x", "in spring")
    ]
    assert only(field, "date not known").record.dates == []
    assert only(field, "published 1801").record.dates[0].type == "issued"
    exhibited = only(field, "exhibited 1818").record.dates[0]
    assert (exhibited.type, exhibited.label, exhibited.edtf) == ("other", "exhibited", "1818")
    assert only({**field, "date": "day first"}, "03/04/1967").record.dates[0].edtf == "1967-04-03"


def test_conversions_of_placeholders() -> None:
    place = {"to": "subjects", "make": {"type": "place", "label": "{}", "lat": "{y:number}"}}
    assert only(place, "Sofia", "42.5").record.subjects[0].lat == 42.5
    assert only(place, "Null", "0").record.subjects[0].lat == 0
    assert only({"to": "sets", "make": "kind:{:slug}"}, "On paper, Ünique").record.sets == ["kind:on-paper-unique"]
    assert only({"to": "languages", "make": {"code": "{:language}"}}, "de").record.languages[0].code == "ger"
    assert only({"to": "languages", "make": {"code": "{:language}"}}, "Deutsch").record.languages == []


def test_a_text_with_a_missing_placeholder_is_left_out_and_so_is_an_entry_that_needs_it() -> None:
    field = {"to": "media", "make": {"role": "landing", "url": "http://x.org/{y}"}}
    assert only(field, "1", "").record.media == []
    assert only(field, "1", "2").record.media[0].url == "http://x.org/2"


def test_columns_are_taken_one_after_the_other_and_the_first_value_of_one_stays() -> None:
    assert only({"to": "physical.extent", "column": ["x", "y"]}, "1 m", "2 m").record.physical.extent == ["1 m", "2 m"]
    assert only({"to": "holding.shelfmark", "column": ["x", "y"]}, "A", "B").record.holding.shelfmark == "A"


def test_a_column_can_withdraw_the_item() -> None:
    found = read("id,title,gone\n1,,YES\n2,T,no\n", profile={**SIMPLE, "deleted": {"column": "gone"}})
    assert [each.record.deleted for each in found if isinstance(each, Found)] == [True, False]


def test_a_template_reaches_nothing_but_cells() -> None:
    field = {"to": "toc", "make": "{y.__class__}"}
    with pytest.raises(AssertionError, match=r"no column 'y\.__class__'"):
        only(field, "x", "y")


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ({**SIMPLE, "id": "ID"}, "no column 'ID', which p.toml names (id), did you mean 'id'?"),
        ({"id": "id", "fields": [{"to": "titles", "column": "titel"}]}, "did you mean 'title'?"),
        ({"id": "id", "fields": [{"to": "titles", "column": "dup"}]}, "2 columns are called 'dup'"),
        ({"id": "id", "fields": [{"to": "titles", "column": "title", "make": "{:slgu}"}]}, "did you mean 'slug'?"),
    ],
)
def test_a_column_that_is_not_there_is_named_with_the_file_and_the_nearest(
    profile: dict[str, Any], message: str
) -> None:
    (found,) = read("id,title,dup,dup\n1,T,,\n", profile=profile)
    assert isinstance(found, Rejected)
    assert message in found.message
    assert found.ends


# What files do ---------------------------------------------------------------------------------------------------


def test_bad_rows_are_rejected_with_their_lines_and_the_rest_is_read() -> None:
    data = 'id,title\n1,"two\r\nlines"\n2\n3,T,more\n,T\n5,\n\n6,T,\n7,T\n'
    found = read(data, profile=SIMPLE)
    assert summary(found) == [
        ("1", "line 2"), ("!", "line 4"), ("!", "line 5"), ("!", "line 6"), ("!", "line 7"),
        ("6", "line 9"), ("7", "line 10"),
    ]  # fmt: skip
    messages = [each.message for each in found if isinstance(each, Rejected)]
    assert "1 cells where the header has 2" in messages[0]
    assert "no identifier" in messages[2]
    assert [each.key for each in found if isinstance(each, Rejected)] == ["2", "3", None, "5"]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_seen_from_the_header(delimiter: str, mark: str, ending: str) -> None:
    data = mark + ending.join([f"id{delimiter}title", f"1{delimiter}T, und; mehr"])
    (found,) = read(data if delimiter == "\t" else data.replace(", und; mehr", ""), profile=SIMPLE)
    assert isinstance(found, Found)
    assert found.record.id == "1"


def test_lines_that_are_not_utf8_are_read_as_windows_1252_one_by_one() -> None:
    data = b"id,title\n1,Caf\xc3\xa9\n2,Caf\xe9\n3,Caf\x81\n4,ok\n"
    found = read(data, profile=SIMPLE)
    assert summary(found) == [("1", "line 2"), ("2", "line 3"), ("!", "line 4"), ("4", "line 5")]
    assert [each.record.titles[0].value for each in found[:2] if isinstance(each, Found)] == ["Café", "Café"]
    assert [r.kind for each in found if isinstance(each, Found) for r in each.remarks] == ["encoding"]
    forced = read(b"id,title\n1,\xcf\xee\n", profile={**SIMPLE, "encoding": "cp1251"})
    assert isinstance(forced[0], Found)
    assert forced[0].record.titles[0].value == "По"


def test_control_characters_and_nul_are_dropped_with_a_remark() -> None:
    (found,) = read("id,title\n1\x00,A\x0bB\x1f\n", profile=SIMPLE)
    assert isinstance(found, Found)
    assert (found.record.id, found.record.titles[0].value) == ("1", "AB")
    assert found.remarks[0].kind == "control characters"


def test_a_huge_cell_is_rejected_and_the_next_row_is_read_in_bounded_memory() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"id,title\n1,T\n2,"
        for _ in range(50):
            yield b"x" * 1_000_000
        yield b"\n3,T\n"

    packed = gzip.compress(b"".join(pieces()))
    tracemalloc.start()
    try:
        reader = TableReader(profile=SIMPLE, profile_name="p.toml")
        found = list(reader.read(plain(io.BytesIO(packed)), "a.csv"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert summary(found) == [("1", "line 2"), ("!", "line 3"), ("3", "line 4")]
    assert peak < 120_000_000


def test_a_quotation_mark_that_is_not_closed_costs_one_row() -> None:
    rows = [f"{number},T{number}" for number in range(2, 1000)]
    rows[10] = '12,"broken'
    found = read("\n".join(["id,title", *rows]), profile=SIMPLE)
    assert [each.where for each in found if isinstance(each, Rejected)] == ["line 12"]
    assert len(found) == 998
    assert summary(found)[11:13] == [("13", "line 13"), ("14", "line 14")]


def test_a_cut_off_gzip_gives_what_came_before_and_ends() -> None:
    randomly = random.Random(1)
    data = "id,title\n" + "".join(f"{number},T{randomly.random()}\n" for number in range(20_000))
    packed = gzip.compress(data.encode())
    reader = TableReader(profile=SIMPLE, profile_name="p.toml")
    found = list(reader.read(plain(io.BytesIO(packed[: len(packed) // 2])), "a.csv"))
    assert len(found) > 5000
    assert all(isinstance(each, Found) for each in found[:-1])
    assert isinstance(found[-1], Rejected)
    assert found[-1].ends


def test_two_stray_quotation_marks_cost_two_rows() -> None:
    rows = [f"{number},T{number}" for number in range(2, 1000)]
    rows[10], rows[500] = '12,"broken', '502,"too'
    found = read("\n".join(["id,title", *rows]), profile=SIMPLE)
    assert [each.where for each in found if isinstance(each, Rejected)] == ["line 12", "line 502"]
    assert len(found) == 998


def test_a_quotation_mark_never_closed_in_a_long_file_holds_no_more_than_a_row() -> None:
    data = b'id,title\n1,"T\n' + b"2,T\n" * 1_000_000
    tracemalloc.start()
    try:
        reader = TableReader(profile=SIMPLE, profile_name="p.toml")
        stream = io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]
        kinds = Counter(type(each) for _, each in zip(range(20_000), reader.read(stream, "a.csv"), strict=False))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert kinds == {Rejected: 1, Found: 19_999}
    assert peak < 20_000_000


@pytest.mark.parametrize(
    ("data", "message"),
    [("id,title\r1,T\r", "carriage returns"), ("\n\n", "no header"), ("id,titel\n1,T", "no column")],
)
def test_a_table_without_its_header_is_refused(data: str, message: str) -> None:
    (found,) = read(data, profile=SIMPLE)
    assert isinstance(found, Rejected)
    assert message in found.message


def test_a_header_alone_is_an_empty_table() -> None:
    assert read("id,title\n", profile=SIMPLE) == []


# Without a profile -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["{}", "dc:{}", "dcterms:{}", "Dublin Core:{}", "DC.{}"])
def test_dublin_core_headers_need_no_profile(form: str) -> None:
    names = ["Identifier", "Title", "Creator", "Date", "Type", "Language", "Rights", "Subject"]
    header = ",".join(form.format(name) for name in names)
    (found,) = read(f"{header}\nx1,T,Ann,c.1900,Text,en,http://rightsstatements.org/vocab/CNE/1.0/,a;b\n")
    assert isinstance(found, Found)
    record = found.record
    assert (record.id, record.titles[0].value, record.agents[0].roles, record.resource_type) == (
        "x1",
        "T",
        ["cre"],
        "text",
    )
    assert record.dates[0].edtf == "1900~"
    assert record.languages[0].code == "eng"
    assert record.rights is not None
    assert record.rights.uri == "http://rightsstatements.org/vocab/CNE/1.0/"
    assert [subject.label for subject in record.subjects] == ["a;b"]


def test_headers_are_never_guessed() -> None:
    (found,) = read("nr,titel\n1,T\n")
    assert isinstance(found, Rejected)
    assert "profile" in found.message
    (found,) = read("id,Titel\n1,T\n")
    assert isinstance(found, Rejected)
    assert "'Titel'" in found.message
    first, second = read("id,title,colour,status\n1,T,red,\n2,,,deleted\n")
    assert isinstance(first, Found)
    assert [(remark.kind, remark.path) for remark in first.remarks] == [("column not used", "colour")]
    assert isinstance(second, Found)
    assert second.record.deleted


# Workbooks -------------------------------------------------------------------------------------------------------


def workbook(rows: list[list[Any]], title: str = "Works") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "First"  # type: ignore[union-attr]
    book.active.append(["id", "title"])  # type: ignore[union-attr]
    sheet = book.create_sheet(title)
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_keeps_the_types_of_its_cells() -> None:
    rows = [
        ["id", "title", "y"],
        ["007", "T", datetime.datetime(1967, 6, 8)],  # noqa: DTZ001 - as Excel has it
        [8.0, "T", 3.5],
        [9, True, datetime.datetime(1967, 6, 8, 12, 30)],  # noqa: DTZ001
        ["10", "ab", "#REF!"],
        [None, None, None],
        ["12", None, None],
    ]
    profile = {**SIMPLE, "sheet": "Works", "fields": [*SIMPLE["fields"], {"to": "toc", "column": "y"}]}
    found = read(workbook(rows), "a.xlsx", profile)
    assert summary(found) == [("007", "row 2"), ("8", "row 3"), ("9", "row 4"), ("10", "row 5"), ("!", "row 7")]
    taken = [each for each in found if isinstance(each, Found)]
    assert [each.record.toc for each in taken] == [["1967-06-08"], ["3.5"], ["1967-06-08T12:30:00"], []]
    assert [[remark.kind for remark in each.remarks] for each in taken] == [
        [], ["numeric id"], ["numeric id"], ["formula error"],
    ]  # fmt: skip


def test_the_first_sheet_is_read_unless_another_is_named() -> None:
    assert read(workbook([["id", "title"], ["1", "T"]]), "a.xlsx", SIMPLE) == []
    (found,) = read(workbook([["id"]]), "a.xlsx", {**SIMPLE, "sheet": "Work"})
    assert isinstance(found, Rejected)
    assert "did you mean 'Works'" in found.message


def test_a_broken_workbook_is_one_rejection() -> None:
    data = workbook([["id", "title"], ["1", "T"]])
    for broken in (data[: len(data) // 2], data[:200] + b"x" * 50 + data[250:]):
        (found,) = [each for each in read(broken, "a.xlsx", {**SIMPLE, "sheet": "Works"}) if isinstance(each, Rejected)]
        assert found.ends
        assert "workbook" in found.message


def rezipped(data: bytes, member: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, content if name == member else old.read(name))
    return out.getvalue()


def test_bombs_in_workbooks_are_refused() -> None:
    data = workbook([["id", "title"], ["1", "T"]])
    bomb = rezipped(data, "xl/worksheets/sheet1.xml", b" " * 80_000_000)
    (found,) = read(bomb, "a.xlsx", SIMPLE)
    assert isinstance(found, Rejected)
    assert "too much to unpack" in found.message
    lol = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    lol += b"<worksheet><sheetData>&b;</sheetData></worksheet>"
    (found,) = read(rezipped(data, "xl/worksheets/sheet1.xml", lol), "a.xlsx", SIMPLE)
    assert isinstance(found, Rejected)
    assert found.ends


# The Tate collection ---------------------------------------------------------------------------------------------


def test_the_sample_of_the_tate_collection() -> None:
    job = Job(profile=places.EXAMPLES / "tate.toml")
    (source,) = sources([places.EXAMPLES / "tate-sample.csv"])
    found = list(job.read(source))
    records = {each.record.id: each.record for each in found if isinstance(each, Found)}
    assert len(records) == len(found) >= 240
    assert (places.EXAMPLES / "tate-sample.csv").stat().st_size < 250_000
    assert len({set_ for record in records.values() for set_ in record.sets}) >= 9
    assert any(title.supplied for record in records.values() for title in record.titles)
    assert not any(title.value.startswith("[") and title.supplied for r in records.values() for title in r.titles)
    assert all(record.resource_type for record in records.values() if record.sets)
    assert all(record.provider and record.provider.data_provider == "Tate" for record in records.values())
    assert Counter(remark.kind for each in found if isinstance(each, Found) for remark in each.remarks) == {
        "date not read": 2
    }


def test_all_of_the_tate_collection() -> None:
    job = Job(profile=places.EXAMPLES / "tate.toml")
    (source,) = sources([places.data() / "tate" / "tate-artworks.csv.gz"])
    kinds: Counter[str] = Counter()
    records: dict[str, Any] = {}
    most = 0
    for each in job.read(source):
        assert isinstance(each, Found), each
        kinds.update(remark.kind for remark in each.remarks)
        if each.record.id in ("A00003", "A00005"):
            records[each.record.id] = each.record
        kinds["rows"] += 1
        most = max(most, len(each.record.subjects))
    assert kinds == {"rows": 69_202, "date not read": 32}
    blake = records["A00003"]
    assert (blake.dates[0].edtf, blake.dates[0].text, blake.dates[0].key) == ("1785%", "?c.1785", True)
    assert (blake.agents[0].name, blake.agents[0].roles) == ("Blake, Robert", ["art"])
    assert blake.identifiers[1].type == "inventory"
    assert [medium.role for medium in blake.media] == ["landing", "thumbnail"]
    assert most == 79


# Anything at all -------------------------------------------------------------------------------------------------


@given(st.binary() | st.text(alphabet='id,title"\n\r;\t\x00é1').map(lambda text: ("id,title\n" + text).encode()))
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    for each in read(data, profile=SIMPLE):
        assert isinstance(each, Found | Rejected)


cells = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=30)


@given(st.lists(cells.filter(lambda text: " ".join(text.split())), min_size=1, max_size=8))
def test_a_table_as_csv_writes_it_is_read_back(titles: list[str]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["id", "title"], *([str(number), title] for number, title in enumerate(titles))])
    found = read(out.getvalue().encode(), profile=SIMPLE)
    assert [each.record.id for each in found if isinstance(each, Found)] == [str(n) for n in range(len(titles))]


@given(st.text())
def test_a_slug_is_fit_for_a_set_or_empty(text: str) -> None:
    assert not set(slug(text)) - set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert slug(slug(text)) == slug(text)


def test_a_profile_that_cannot_be_used_stops_before_reading() -> None:
    with pytest.raises(ReaderError):
        TableReader(profile={"fields": []}, profile_name="p.toml")


def test_a_short_last_row_without_a_line_end_says_that_the_file_is_cut_off() -> None:
    *_, last = read("id,title,note\n1,T,n\n2,T")
    assert (last.key, last.ends) == ("2", True)
    assert last.message == "2 cells where the header has 3, and no line end: the file seems to be cut off"
    *_, last = read("id,title,note\n1,T,n\n2,T\n")
    assert (last.key, last.ends) == ("2", False)
    *_, last = read("id,title,note\n1,T,n\n2,T,n")
    assert isinstance(last, Found)
