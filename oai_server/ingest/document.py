"""The plain-text page of one archival document: a heading, the document, an abstract, and a block of labelled values.

The page, as the Wilson Center Digital Archive gives it::

    June 8, 1967                                heading: date (may be missing)
    Memorandum from ...                         title
    ...                                         the document, with its date and signatures at its foot
    Minister of Foreign Affairs:                an office
    [signature]
    / Ivan Bashev /                             who signed
    A memorandum listing ...                    abstract: the last paragraph before the block
    Document Information
    Source                                      labels are whole lines; one followed by the next is empty
    Central State Archive, Sofia, Fond 1-B, Opis 6, A.E. 6770, p. 66-69. Obtained by ... and translated by ...
    Rights, Original Uploaded Date, Type, Language, Record ID

Every part but the title may be missing. What a source line says beside this grammar stays in ``holding.source_text``,
which is the line as it is. Nothing is inferred: no rights URI from prose, and no language from the text. The profile
says which language the text is in (``text_lang`` marks the texts, ``[defaults]`` has ``languages``); only a language
that the page itself states is taken.

The profile: ``text_lang`` (BCP 47), ``date_order`` (``day first`` or ``month first`` for 03/04/1967), ``addressee``
(true: a line that begins with TO becomes a note), ``full_text`` (false: leave the document itself out),
``[labels]`` (other names of labels, or other labels, with ``""`` for those to skip), ``[genres]`` (the page's type ->
a Concept) and ``[defaults]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, ClassVar, Literal

import langcodes
import msgspec

from metadata_formats import record as model
from oai_server.ingest import dates
from oai_server.ingest import profile as profiles
from oai_server.ingest.files import LONGEST_RECORD, BrokenFile, whole
from oai_server.ingest.reader import Finding, Found, Reader, ReaderError, Rejected, Remark

BLOCK = "document information"
LABELS = {
    "source": "source",
    "rights": "rights",
    "original uploaded date": "issued",
    "type": "type",
    "language": "language",
    "record id": "id",
}
"""The labels of the block, in lower case, and what each value is."""

_MEMORANDUM = {
    "label": "memorandums",
    "lang": "en",
    "scheme": "aat",
    "uri": "http://vocab.getty.edu/aat/300026906",
    "source_label": "Memorandum",
    "note": "Source term: Memorandum",
}
GENRES: dict[str, dict[str, str]] = {"Memorandum": _MEMORANDUM}
"""Types of pages with a term of the Art & Architecture Thesaurus; a profile's ``[genres]`` adds others."""

_TYPES = {
    "text": "memorandum|memorandum of conversation|letter|telegram|cable|report|note|minutes|minutes of meeting|speech|"
    "article|book|resolution|decree|directive|diary|diary entry|interview|transcript|treaty|agreement|statement|"
    "newspaper article|meeting minutes|conversation|declaration|study|summary|protocol|text|policy paper|press release",
    "still image": "photograph|drawing|poster",
    "cartographic": "map",
    "moving image": "film|video",
    "sound recording": "audio recording|sound recording",
}
_RESOURCE_TYPES = {term: kind for kind, terms in _TYPES.items() for term in terms.split("|")}


class Profile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The keys of a document profile; the module says what they mean."""

    text_lang: str | None = None
    date_order: Literal["day first", "month first"] | None = None
    addressee: bool = False
    full_text: bool = True
    labels: dict[str, str] = {}
    genres: dict[str, model.Concept] = {}
    defaults: dict[str, Any] = {}


@dataclass
class _Page:
    """A page cut into its parts. ``body`` is the document, a paragraph each; ``lines`` its lines."""

    title: str = ""
    date: str = ""
    body: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    abstract: str = ""
    values: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)


class DocumentReader(Reader):
    """Reads ``.txt`` pages, one record each."""

    name: ClassVar[str] = "document"

    def __post_init__(self) -> None:
        """Check the profile.

        Raises:
            ReaderError: it cannot be used.
        """
        self._given = profiles.checked(self.profile, Profile, self.profile_name)
        kinds = {*LABELS.values(), ""}
        for label, kind in self._given.labels.items():
            if kind not in kinds:
                hint = profiles.nearest(kind, kinds - {""})
                raise ReaderError(f"{self.profile_name}: labels.{label}: nothing is called {kind!r}{hint}")
        self._labels = {**LABELS, **{_folded(label): kind for label, kind in self._given.labels.items()}}
        given = {term: msgspec.to_builtins(concept) for term, concept in self._given.genres.items()}
        self._genres = {_folded(term): concept for term, concept in {**GENRES, **given}.items()}
        self._defaults = profiles.Defaults(self._given.defaults, self.profile_name)

    @classmethod
    def recognises(cls, filename: str, head: bytes) -> bool:
        """Take ``.txt`` and ``.text``, and what has the line that begins the block."""
        named = filename.lower().endswith((".txt", ".text"))
        return named or ("." not in filename and re.search(rb"(?im)^\s*document information\s*$", head) is not None)

    def read(self, stream: BinaryIO, filename: str) -> Iterator[Finding]:
        """Yield the record of the page."""
        try:
            data = whole(stream, LONGEST_RECORD)
        except BrokenFile as error:
            yield Rejected(str(error), ends=True)
            return
        text, remarks = _decoded(data)
        if text is None:
            yield Rejected("neither UTF-8 nor Windows-1252 text")
            return
        page = self._page(text)
        if page is None:
            yield Rejected("not a document page: it has no line 'Document Information'")
            return
        key = " ".join(page.values.get("id", []))
        stem = filename.rpartition(".")[0]
        if not key:
            remarks.append(Remark("no Record ID", "id", stem))
        if not (key or stem):
            yield Rejected("no identifier: the page has no Record ID and no file name")
            return
        try:
            yield Found(self._record(page, key or stem, key != ""), "", (*remarks, *page.remarks))
        except model.RecordError as error:
            yield Rejected(str(error), key=key or stem)

    def _page(self, text: str) -> _Page | None:
        lines = [line.strip() for line in model.clean_text(text).splitlines()]
        block = max((number for number, line in enumerate(lines) if _folded(line) == BLOCK), default=None)
        if block is None:
            return None
        page = _Page()
        self._block(lines[block + 1 :], page)
        paragraphs = _paragraphs(line for line in lines[:block] if _folded(line) not in _FURNITURE)
        rest = [line for paragraph in paragraphs[:2] for line in paragraph.split("\n")]
        if rest and _is_date(rest[0], self._given.date_order):
            page.date = rest[0]
            paragraphs = _without_first_line(paragraphs)
        if paragraphs:
            page.title = paragraphs[0].split("\n")[0]
            paragraphs = _without_first_line(paragraphs)
        if paragraphs and not _SIGNED.search(paragraphs[-1]) and not _SIGNATURE.search(paragraphs[-1]):
            page.abstract = " ".join(paragraphs.pop().split())
        page.body = paragraphs
        page.lines = [line for paragraph in paragraphs for line in paragraph.split("\n")]
        return page

    def _block(self, lines: Sequence[str], page: _Page) -> None:
        """Sort the lines of the block under their labels; the paragraphs of a value stay apart."""
        kind: str | None = None
        for line in filter(None, lines):
            label = _folded(line)
            if label in self._labels:
                kind = self._labels[label]
            elif kind is None:
                page.remarks.append(Remark("line without a label", "Document Information", line[:200]))
            elif kind:
                page.values.setdefault(kind, []).append(line)

    def _record(self, page: _Page, key: str, stated: bool) -> model.Record:
        record: dict[str, Any] = {"id": key}
        if stated:
            record["identifiers"] = [{"type": "local", "value": key, "label": "Record ID"}]
        if page.title:
            record["titles"] = [self._text(page.title)]
        source = " ".join(page.values.get("source", []))
        credits_ = _credits(source)
        translated = any(verb == "translated" for verb, _ in credits_)
        self._agents(page, credits_, record)
        self._kind(page, record)
        self._dates(page, record)
        self._language(page, translated, record)
        if page.abstract:
            record["abstracts"] = [self._text(page.abstract)]
        notes = [f"Obtained by {' and '.join(names)}." for verb, names in credits_ if verb == "obtained"]
        record["notes"] = [{"type": "acquisition", **self._text(note)} for note in notes]
        if self._given.addressee and (to := next(filter(_TO.match, page.lines), None)):
            record["notes"].append(self._text(f"Addressee: {_TO.sub('', to)}"))
        if source:
            record["holding"] = {**_holding(source, page.remarks), "original": translated, "source_text": source}
        if "rights" in page.values:
            statement = self._text("\n\n".join(page.values["rights"]))
            record["rights"] = {"statement": statement if "lang" in statement else statement["value"]}
        if page.body and self._given.full_text:
            kind = "translation" if translated else "transcript"
            text = self._text("\n\n".join(page.body))
            record["full_text"] = [{"kind": kind, "media_type": "text/plain", **text}]
        self._defaults.under(record)
        return model.from_builtins(record)

    def _text(self, value: str) -> dict[str, str]:
        return {"value": value, "lang": self._given.text_lang} if self._given.text_lang else {"value": value}

    def _agents(self, page: _Page, credits_: list[tuple[str, list[str]]], record: dict[str, Any]) -> None:
        agents = [
            _person(name, page.remarks, roles=["sgn"], **({"description": office} if office else {}))
            for name, office in _signatories(page.lines)
        ]
        for verb in _ROLES:  # translators first
            role, label = _ROLES[verb]
            more = {"roles": [role], **({"role_label": label} if label else {})}
            names = [name for said, names in credits_ if said == verb for name in names]
            agents += [_person(name, page.remarks, **more) for name in names]
        record["agents"] = agents

    def _kind(self, page: _Page, record: dict[str, Any]) -> None:
        term = " ".join(page.values.get("type", []))
        if not term:
            return
        if kind := _RESOURCE_TYPES.get(_folded(term)):
            record["resource_type"] = kind
        else:
            page.remarks.append(Remark("type not known", "resource_type", term))
        record["genres"] = [self._genres.get(_folded(term), {"label": term})]

    def _dates(self, page: _Page, record: dict[str, Any]) -> None:
        order, found = self._given.date_order, []
        foot = _date_at_foot(page.lines, order)
        heading = dates.read(page.date, order) if page.date else dates.Reading()
        text = "" if heading.placeholder else page.date
        if not heading.edtf and foot:
            text = foot
        if heading.edtf and foot and not _agree(heading.edtf, dates.read(foot, order).edtf or ""):
            page.remarks.append(
                Remark("dates disagree", "dates", f"heading: {page.date}; above the signatures: {foot}")
            )
        if text:
            found.append({"type": "created", "key": True, **_date(text, order, page.remarks)})
        if issued := " ".join(page.values.get("issued", [])):
            found.append({"type": "issued", "label": "Original Uploaded Date", **_date(issued, order, page.remarks)})
        record["dates"] = found

    def _language(self, page: _Page, translated: bool, record: dict[str, Any]) -> None:
        """Take a language that the page states; for a translation it is that of the original."""
        languages = []
        for name in re.split(r"[,;/]| and ", " ".join(page.values.get("language", []))):
            if not name.strip():
                continue
            try:
                language = langcodes.find(name.strip(), "en")
                code, tag = language.to_alpha3(variant="B"), language.to_tag()
                if _folded(name) not in (_folded(language.display_name("en")), _folded(language.autonym())):
                    raise LookupError(name)  # the library also finds what is only near
            except LookupError:
                page.remarks.append(Remark("language not read", "languages", name.strip()))
                continue
            languages.append({"code": code, "tag": tag, "role": "original" if translated else "text"})
        record["languages"] = languages


_FURNITURE = frozenset({"skip to content"})
_SIGNATURE = re.compile(r"^\[?\s*(?:signature|signed)\s*\]?:?$", re.IGNORECASE | re.MULTILINE)
_SIGNED = re.compile(r"^/\s*([^/]*[^/\s])\s*/$", re.MULTILINE)
_TO = re.compile(r"TO(?::\s*|\s+)(?=\S)")


def _decoded(data: bytes) -> tuple[str | None, list[Remark]]:
    """Return the bytes as text: UTF-8 with or without a mark, else Windows-1252 with a remark, else None."""
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        byte = data[error.start]
    try:
        return data.decode("cp1252"), [Remark("encoding", "", f"byte 0x{byte:02x} read as Windows-1252")]
    except UnicodeDecodeError:
        return None, []


def _folded(line: str) -> str:
    return " ".join(line.split()).casefold()


def _paragraphs(lines: Iterator[str]) -> list[str]:
    """Return runs of lines that are not blank, each with its line breaks."""
    return [part.strip() for part in re.split(r"\n{2,}", "\n".join(lines)) if part.strip()]


def _without_first_line(paragraphs: list[str]) -> list[str]:
    rest = paragraphs[0].partition("\n")[2]
    return [rest, *paragraphs[1:]] if rest else paragraphs[1:]


def _is_date(line: str, order: dates.Order | None) -> bool:
    """Tell whether a line is a date, or says that there is none. A bare ``1967`` is one, a title with a year is not."""
    reading = dates.read(line, order)
    return reading.edtf is not None or reading.placeholder or bool(_NUMERIC.fullmatch(line))


_NUMERIC = re.compile(r"\d\d?[./-]\d\d?[./-]\d{4}")


def _date(text: str, order: dates.Order | None, remarks: list[Remark]) -> dict[str, str]:
    reading = dates.read(text, order)
    if reading.edtf is None:
        remarks.append(Remark("date not read", "dates", text))
        return {"text": text}
    return {"edtf": reading.edtf} if reading.edtf == text else {"edtf": reading.edtf, "text": text}


def _date_at_foot(lines: Sequence[str], order: dates.Order | None) -> str:
    """Return the last line above the first signature that is a whole date, or the empty string."""
    end = next((number for number, line in enumerate(lines) if _SIGNATURE.match(line) or _SIGNED.match(line)), 0)
    above = (line for line in reversed(lines[:end]) if len(line) < 60 and dates.read(line, order).edtf)
    return next(above, "")


def _agree(one: str, other: str) -> bool:
    """Tell whether two dates are the same, as far as both go."""
    return one.startswith(other) or other.startswith(one)


def _signatories(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the name and office (or the empty string) of each who signed: an office, ``[signature]``, ``/ Name /``."""
    for number, line in enumerate(lines):
        match = _SIGNED.match(line)
        if match is None or number == 0 or not _SIGNATURE.match(lines[number - 1]):
            continue
        above = lines[number - 2] if number > 1 else ""
        yield match[1], above[:-1].strip() if above.endswith(":") else ""


_PARTICLES = frozenset(
    {"von", "van", "der", "den", "de", "di", "da", "du", "la", "le", "del", "al", "el", "bin", "ibn"}
)
# Families whose names stand first in Korean, Chinese and Vietnamese: turning these names round would be wrong.
_FAMILY_FIRST = re.compile(
    "kim|pak|park|ri|li|lee|rhee|choe|choi|jong|chong|jeong|han|kang|cho|jo|yun|yoon|mao|zhou|"
    "chou|deng|teng|chen|zhang|chang|wang|liu|yang|zhao|wu|lin|peng|zhu|ho|nguyen|pham|tran|vo|"
    "truong"
)


def _person(name: str, remarks: list[Remark], **more: Any) -> dict[str, Any]:
    """Return a person with the name turned round for an index: ``Ivan Bashev`` is ``Bashev, Ivan``."""
    words = name.split()
    if len(words) > 1 and ("," in name or _FAMILY_FIRST.fullmatch(words[0].casefold())):
        remarks.append(Remark("name not turned round", "agents", name))
        words = words[:1]
    if len(words) < 2:
        return {"name": " ".join(name.split()), "type": "person", **more}
    start = len(words) - 1
    while start > 1 and words[start - 1] in _PARTICLES:
        start -= 1
    family, given = " ".join(words[start:]), " ".join(words[:start])
    return {"name": f"{family}, {given}", "family": family, "given": given, "type": "person", **more}


_ROLES = {
    "translated": ("trl", ""),
    "obtained": ("ctb", "obtained by"),
    "contributed": ("ctb", "contributed by"),
    "provided": ("ctb", "provided by"),
    "edited": ("edt", ""),
    "transcribed": ("trc", ""),
}
_VERB = rf"(?:{'|'.join(_ROLES)})"
_CREDIT = re.compile(
    rf"\b(?P<verbs>{_VERB}(?:(?:,| and|, and) {_VERB})*)(?: for [^.;]{{1,80}}?)? by "
    rf"(?P<names>.{{1,200}}?)(?=,? and {_VERB}\b|, {_VERB}\b|(?<!\b[A-Z])\.(?:\s|$)|;|$)",
    re.IGNORECASE,
)


def _credits(source: str) -> list[tuple[str, list[str]]]:
    """Return who did what to the document for the archive: ``[("obtained", ["Jordan Baev"]), ...]``."""
    found = []
    for match in _CREDIT.finditer(source):
        names = [name.strip(" .") for name in re.split(r",? and |, ", match["names"]) if name.strip(" .")]
        found += [(verb.lower(), names) for verb in re.findall(_VERB, match["verbs"], re.IGNORECASE) if names]
    return found


_LEVELS = [
    (re.compile(r"(?P<label>fond|collection)\.?\s*(?P<id>\S.*)", re.IGNORECASE), "fonds"),
    (re.compile(r"(?P<label>opis|series)\.?\s*(?P<id>\S.*)", re.IGNORECASE), "series"),
    (re.compile(r"(?P<label>a\.\s?e\.|delo|file|folder|papka)\s*(?P<id>\S.*)", re.IGNORECASE), "file"),
    (re.compile(r"(?P<label>box)\s*(?P<id>\S.*)", re.IGNORECASE), "box"),
]
_PAGES = re.compile(r"(?:pp?\.|pages?\b|ll?\.)\s*(?P<pages>\S.*)", re.IGNORECASE)


def _holding(source: str, remarks: list[Remark]) -> dict[str, Any]:
    """Return where the original is kept, of ``<archive>, <city>, Fond <x>, Opis <y>, A.E. <z>, p. <a-b>``."""
    match = _CREDIT.search(source)
    place = (source[: match.start()] if match else source).strip().rstrip(".").strip()
    found: dict[str, Any] = {}
    levels: list[dict[str, str]] = []
    for part in filter(None, (part.strip() for part in place.split(","))):
        level = next(((kind, hit) for pattern, kind in _LEVELS if (hit := pattern.fullmatch(part))), None)
        if level is not None and "repository" in found:
            levels.append({"level": level[0], "label": level[1]["label"], "id": level[1]["id"]})
        elif (pages := _PAGES.fullmatch(part)) and "repository" in found:
            found["pages"] = pages["pages"]
        elif "repository" not in found:
            found["repository"] = part
        elif "place" not in found and not levels and "pages" not in found:
            found["place"] = part
        else:
            remarks.append(Remark("source not read", "holding.source_text", part))
    return {**found, "hierarchy": levels}
