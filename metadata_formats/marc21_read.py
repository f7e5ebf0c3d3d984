"""MARC 21 bibliographic records as canonical records (crosswalk, section 3.4): the other way of ``marc21``.

Where bytes and XML come from is not known here: a :class:`Marc` is a record as it was decoded. The punctuation of ISBD
is taken off. What is not carried over is named, field by field and subfield by subfield, and nothing is guessed: a
geographic area code, for one, has a place only where there is but one place that it can be of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from metadata_formats import edtf_dates, marc21
from metadata_formats.reading import (
    LONGEST,
    Left,
    NotReadable,
    ReadDate,
    Reading,
    absolute_uri,
    catalogue_date,
    edtf_only,
    life_dates,
)
from metadata_formats.vocabularies import ACCESS, RELATORS, RIGHTS_VOCABULARIES, language, scheme_of
from metadata_formats.xml import collapse

MOST_FIELDS = 20_000
"""Fields of one record: the largest that libraries have known are some thousands."""


@dataclass(slots=True)
class Field:
    """A data field: tag, two indicators, subfields as code and text in their order."""

    tag: str
    indicators: str
    subfields: list[tuple[str, str]]
    taken: set[str] = field(default_factory=set)

    def all(self, codes: str) -> list[str]:
        """Return the texts of the subfields with one of the codes, and remember that they were asked for."""
        self.taken.update(codes)
        return [text for code, value in self.subfields if code in codes and (text := collapse(value))]

    def one(self, code: str) -> str | None:
        """Return the first text of a code."""
        return next(iter(self.all(code)), None)

    def text(self, codes: str = "abcdefghijklmnopqrstvxyz") -> str:
        """Return the texts of several codes in the order in which they stand."""
        return " ".join(self.all(codes))


@dataclass(slots=True)
class Marc:
    """A decoded record: leader (24 characters), control fields by tag (the first of each), data fields."""

    leader: str
    controls: Mapping[str, str]
    fields: list[Field]


def read(marc: Marc, id_: str, read_date: ReadDate = edtf_only) -> Reading:
    """Return the record with this identifier, and what it leaves out."""
    return _Reading(marc, id_, read_date).result()


def decoded(element: etree._Element) -> Marc:
    """Return the record that an element of MARCXML is.

    Raises:
        NotReadable: it is not in the namespace of MARCXML, or has too many fields.
    """
    if etree.QName(element).namespace not in (marc21.NAMESPACE, None):
        raise NotReadable("not a record in the namespace of MARCXML")
    marc = Marc(" " * 24, {}, [])
    controls: dict[str, str] = {}
    for each in element:
        name, tag = etree.QName(each).localname, each.get("tag") or ""
        if name == "leader":
            marc.leader = _words(each).ljust(24)
        elif name == "controlfield":
            controls.setdefault(tag, _words(each))
        elif name == "datafield":
            subfields = [(part.get("code") or " ", _words(part)) for part in each]
            marks = (each.get("ind1") or " ")[:1] + (each.get("ind2") or " ")[:1]
            marc.fields.append(Field(tag, marks, subfields))
        if len(marc.fields) > MOST_FIELDS:
            raise NotReadable(f"more than {MOST_FIELDS} fields")
    marc.controls = controls
    return marc


def value(marc: Marc, tag: str, code: str = "") -> str:
    """Return what stands in a control field or, first of them, in a subfield of a data field; else nothing."""
    if not code:
        return collapse(marc.controls.get(tag, ""))
    values = (text for each in marc.fields if each.tag == tag for name, text in each.subfields if name == code)
    return collapse(next(values, ""))


def check_kind(marc: Marc) -> None:
    """Refuse a record that describes no item.

    Raises:
        NotReadable: it is an authority record, or another of those that the leader tells.
    """
    if other := _OTHER_KINDS.get(marc.leader[6:7]):
        raise NotReadable(f"not a description of an item: {other}")


_OTHER_KINDS = {
    "z": "an authority record", "w": "a record of a classification", "q": "community information",
    **dict.fromkeys("uvxy", "a holdings record"),
}  # fmt: skip


def _words(element: etree._Element) -> str:
    return "".join(map(str, element.itertext()))


# Punctuation.

_ABBREVIATED = re.compile(r"\b(?:etc|Inc|Co|Corp|Ltd|Jr|Sr|Dr|St|Mr|Mrs|Bros|Dept|ed|éd|Aufl|vol|no|ca|cm|mm)\.$")
_INITIAL = re.compile(r"\b\w\.$")


def plain(text: str | None, *, initials: bool = True) -> str:
    """Return text without the ISBD punctuation that leads to the next element, and without its own full stop.

    The stop of an abbreviation stays, and that of an initial unless they are not expected.
    """
    text = re.sub(r"\s*[/:;=,]+$", "", collapse(text))
    if not text.endswith(".") or text.endswith("..") or _ABBREVIATED.search(text):
        return text
    return text if initials and _INITIAL.search(text) else text[:-1].rstrip()


# Tables, most of them those of the format turned round.

_TYPES = {content.leader: name for name, content in reversed(marc21.CONTENTS.items())}
_TYPES |= {content.manuscript: name for name, content in reversed(marc21.CONTENTS.items())} | {"o": "mixed material"}
_TYPES["i"] = "sound recording-nonmusical"
_MANUSCRIPTS = frozenset("dft")
_ISSUANCES = {"m": "monographic", "s": "serial", "i": "integrating resource"}
_ORIGINS = {code: name for name, code in marc21.DIGITAL_ORIGINS.items()}
_QUALITIES = {code: name for name, code in marc21.QUALITIES.items()}
_NOTES = {tag: name for name, tag in reversed(marc21.NOTES.items())}
_NOTES["562"] = "version identification"
_UNTYPED = frozenset(
    {"500", "501", "507", "513", "514", "522", "525", "526", "544", "547", "550", "552", "555", "556", "563", "565"}
    | {"580", "584", "586", "588"}
)
_RELATORS = {term: code for code, term in RELATORS.items()}
_ACCESS = {term.label: name for name, term in ACCESS.items()} | {"Unrestricted online access": "open"}
_SUBJECTS = {
    "600": "person", "610": "organization", "611": "event", "630": "title", "647": "event", "648": "period",
    "650": "topic", "651": "place", "656": "occupation",
}  # fmt: skip
_UNCONTROLLED = dict(
    zip("0123456", ("topic", "person", "organization", "event", "period", "place", "genre"), strict=True)
)
_STEPS = {"x": "topic", "z": "place", "y": "period", "v": "genre"}
_THESAURI = {code: name for name, code in marc21.THESAURI.items()} | {"5": "cash", "6": "rvm"}
_CLASSES = {tag: name for name, (tag, _) in marc21.CLASSIFICATIONS.items()}
_NUMBERS = {code: name for name, code in marc21.STANDARD_NUMBERS.items()}
_LABELLED = {
    "015": "national bibliography number", "016": "national agency control number", "027": "report number",
    "028": "publisher number", "030": "coden", "088": "report number",
}  # fmt: skip
_LANGUAGES = {code: role for role, code in marc21.LANGUAGES.items()} | {"m": "accompanying", "n": "libretto"}
_LINKS = {link.tag: name for name, link in reversed(marc21.LINKS.items())} | {
    "760": "series", "762": "related", "767": "related", "770": "related", "772": "host", "777": "related",
    "786": "related", "787": "related",
}  # fmt: skip
_LINK_WORDS = {link.words.rstrip(":").lower(): name for name, link in marc21.LINKS.items() if link.words}
_MEDIA = {words: role for role, (_, words) in marc21.MEDIA.items() if words}
_LEVELS = {code: name for name, code in reversed(marc21.PLACE_LEVELS.items()) if name not in ("continent", "territory")}
_LEVELS["g"] = "area"
_PREFIXES = {"DE-588": ("gnd", "https://d-nb.info/gnd/"), "viaf": ("viaf", "http://viaf.org/viaf/")}
# Fields that say what others say, or how the record was processed, and subfields that link.
_SILENT = frozenset(("042", "066", "336", "337", "338"))
_LINKING = frozenset("568w9")
# 880 gives a field again in another script; these can simply be had twice, the title as another title.
_AGAIN = {"245": "246", "246": "246", "242": "246", **{tag: tag for tag in ("500", "505", "520", "545")}}
_NOBODY = re.compile(
    r"\[?\W*(?:s\.? ?[ln]\.?|place of publication not identified|publisher not identified|n\.p\.)\W*", re.IGNORECASE
)
_CONTROL = re.compile(r"\((?P<agency>[^()]+)\)\s*(?P<number>\S.*)")
_PART = re.compile(
    r"(?:Vol\. (?P<volume>[^,()]+?))?(?:(?:, |^)no\. (?P<issue>[^,()]+?))?(?: ?\((?P<date>[^()]+)\))?"
    r"(?:(?:, |^)p\. (?P<start>[^\s-]+)(?:-(?P<end>\S+))?)?"
)
_BYTES = re.compile(r"(\d{1,18}) bytes")


class _Reading:
    """One record being read: ``record`` grows, ``left`` names what has no place in it."""

    def __init__(self, marc: Marc, id_: str, read_date: ReadDate) -> None:
        self.marc, self.read_date = marc, read_date
        self.record: dict[str, Any] = {"id": id_}
        self.left: dict[tuple[str, str], Left] = {}
        self.imprints: list[tuple[str, str]] = []  # type of date, date as written
        self.publishers: list[tuple[str, str]] = []  # name, role
        self.areas: list[str] = []
        self.box: dict[str, Any] = {}
        self.period: str | None = None
        self.traced = any(each.tag in ("800", "810", "811", "830") for each in marc.fields)

    def result(self) -> Reading:
        self._coded()
        for each in self.marc.fields:
            if each.tag == "880" and (linked := (each.one("6") or "")[:3]) in _AGAIN:
                each = Field(_AGAIN[linked], each.indicators, each.subfields)
            handler = _HANDLERS.get(each.tag)
            if handler is None:
                if each.tag not in _SILENT:
                    self.lose("field not carried", each.tag, " ".join(text for _, text in each.subfields))
                continue
            handler(self, each)
            for code, text in each.subfields:
                if code not in each.taken and code not in _LINKING:
                    self.lose("subfield not carried", f"{each.tag}${code}", text)
        self._publishers()
        self._dates()
        self._places()
        self._tidy()
        return Reading(self.record, list(self.left.values()))

    def lose(self, kind: str, path: str, value: str) -> None:
        """Name what is not carried over, of each kind and place in the record the first."""
        if collapse(value):
            self.left.setdefault((kind, path), Left(kind, path, collapse(value)[:LONGEST]))

    def add(self, key: str, value: Any) -> None:
        """Add an entry to a list of the record, without what is empty in it, and not twice."""
        if isinstance(value, dict):
            value = {name: item for name, item in value.items() if item not in (None, "", [], False)}
        entries = self.record.setdefault(key, [])
        if value and value not in entries:
            entries.append(value)

    def inside(self, key: str) -> dict[str, Any]:
        """Return an object of the record."""
        made: dict[str, Any] = self.record.setdefault(key, {})
        return made

    def extend(self, key: str, name: str, value: Any) -> None:
        """Add to a list of an object of the record."""
        values = self.inside(key).setdefault(name, [])
        if value and value not in values:
            values.append(value)

    # Leader and control fields.

    def _coded(self) -> None:
        marc, info = self.marc, self.inside("record")
        kind, level = marc.leader[6:7], marc.leader[7:8]
        if kind in _TYPES:
            self.record["resource_type"] = _TYPES[kind]
        self.record["manuscript"] = kind in _MANUSCRIPTS
        self.record["collection"] = level == "c"
        if level in _ISSUANCES:
            multipart = level == "m" and marc.leader[19:20] == "a"
            self.inside("origin")["issuance"] = "multipart monograph" if multipart else _ISSUANCES[level]
        if source := collapse(marc.controls.get("003")):
            info["identifier_source"] = source
        if changed := re.match(r"(\d{4})(\d\d)(\d\d)", marc.controls.get("005", "")):
            info["changed"] = "-".join(changed.groups())
        fixed = marc.controls.get("008", "")
        if (entered := re.match(r"(\d\d)(\d\d)(\d\d)", fixed)) and "01" <= entered[2] <= "12":
            info["created"] = f"{'19' if entered[1] > '67' else '20'}{'-'.join(entered.groups())}"
        country = fixed[15:18].strip()
        if re.fullmatch(r"[a-z]{2,3}", country) and country not in ("xx", "vp"):
            self.country: str | None = country
        else:
            self.country = None
        code = fixed[35:38]
        if re.fullmatch(r"[a-z]{3}", code) and code != "und":
            self.add("languages", {"code": code})
        self._electronic(marc.controls.get("007", ""))

    def _electronic(self, coded: str) -> None:
        if coded[:1] != "c":
            return
        if origin := _ORIGINS.get(coded[11:12]):
            self.inside("physical")["digital_origin"] = origin
        if quality := _QUALITIES.get(coded[13:14]):
            self.inside("physical")["quality"] = quality

    # Numbers.

    def _number(self, at: Field) -> None:
        tag, first = at.tag, at.indicators[0]
        kind, label = {"010": "lccn", "020": "isbn", "022": "issn"}.get(tag, "local"), _LABELLED.get(tag)
        qualifier = at.one("q")
        if tag == "024":
            named = (at.one("2") or "").lower() if first == "7" else ""
            kind = _NUMBERS.get(first) or named or "local"
        wrong = at.all("zy") if tag == "022" else at.all("z")
        at.taken.update("2c")  # terms of availability, prices
        for invalid, values in ((False, at.all("a")), (True, wrong)):
            for value in values:
                number, _, note = value.partition(" (") if kind == "isbn" else (value, "", "")
                words = qualifier or note.rstrip(") :") or label
                self.add(
                    "identifiers", {"value": number.rstrip(" :"), "type": kind, "label": words, "invalid": invalid}
                )
        if tag == "022":
            for value in at.all("l"):
                self.add("identifiers", {"value": value, "type": "issn-l"})
        self._controls(at)

    def _system_number(self, at: Field) -> None:
        for invalid, values in ((False, at.all("a")), (True, at.all("z"))):
            for value in values:
                match = _CONTROL.fullmatch(value)
                if match and match["agency"] == "OCoLC":
                    number = re.sub(r"^(?:ocm|ocn|on)", "", match["number"]).strip()
                    self.add("identifiers", {"value": number, "type": "oclc", "invalid": invalid})
                elif value != self.record["id"]:
                    self.add("identifiers", {"value": value, "label": "system control number", "invalid": invalid})
        self._controls(at)

    def _controls(self, at: Field) -> tuple[str | None, list[dict[str, str]]]:
        """Return the URI of a heading, and other numbers that it has."""
        uri, numbers = None, []
        for value in at.all("01"):
            match = _CONTROL.fullmatch(value)
            address = absolute_uri(value)
            if match and match["agency"] in _PREFIXES:
                address = absolute_uri(_PREFIXES[match["agency"]][1] + match["number"])
            elif match and (address := absolute_uri(match["number"])) is None:
                numbers.append({"value": match["number"], "type": match["agency"]})
            if address and uri is None:
                uri = address
            elif address:
                numbers.append({"value": address, "type": "uri"})
            elif not match:
                self.lose("not a URI", f"{at.tag}$0", value)
        return uri, numbers

    def _agency(self, at: Field) -> None:
        info = self.inside("record")
        if source := at.one("a"):
            info.setdefault("source", source)
        if (code := at.one("b")) and re.fullmatch(r"[a-z]{3}", code):
            info.setdefault("language", code)
        if standard := at.one("e"):
            info.setdefault("standard", standard)
        at.taken.update("cde")

    def _class(self, at: Field) -> None:
        scheme = _CLASSES.get(at.tag) or at.one("2")
        edition = at.one("2") if at.tag in ("080", "082") else None
        item = at.one("b")
        for value in at.all("a"):
            number = f"{value} {item}" if item and at.tag in ("050", "060") else value
            self.add("classification", {"value": number, "scheme": scheme, "edition": edition})
        self._controls(at)

    # Languages and places.

    def _spoken(self, at: Field) -> None:
        scheme = (at.one("2") or "") if at.indicators[1] == "7" else ""
        known = self.record.setdefault("languages", [])
        for code, values in ((code, at.all(code)) for code in _LANGUAGES):
            role = _LANGUAGES[code]
            for value in values:
                if scheme.startswith("rfc") and (named := language(value)).code != value:
                    entry = next((one for one in known if one["code"] == named.code and _role(one) == role), None)
                    if entry is not None:
                        entry["tag"] = value
                        continue
                codes = re.findall(r"[a-z]{3}", value) if re.fullmatch(r"(?:[a-z]{3})+", value) else []
                for each in codes:
                    if not any(one["code"] == each and _role(one) == role for one in known):
                        self.add("languages", {"code": each, **({} if role == "text" else {"role": role})})
                if not codes:
                    self.lose("language not read", f"041${code}", value)

    def _language_note(self, at: Field) -> None:
        for script in at.all("b"):
            spoken = next((one for one in self.record.get("languages", []) if "script" not in one), None)
            if spoken is not None and re.fullmatch("[A-Z][a-z]{3}", script):
                spoken["script"] = script
            else:
                self.add("notes", {"value": script, "type": "language"})
        if text := at.one("a"):
            self.add("notes", {"value": text, "type": "language"})

    def _area(self, at: Field) -> None:
        self.areas += [area.rstrip("-") for area in at.all("a")]

    def _extent_of_map(self, at: Field) -> None:
        values = [at.one(code) for code in "degf"]
        try:
            west, east, south, north = (float(value or "") for value in values)
        except ValueError:
            self.lose("coordinates not read", "034", at.text("defg"))
            return
        at.taken.update("abc")
        if west == east and south == north:
            self.box |= {"long": west, "lat": south}
        else:
            self.box["bbox"] = [west, south, east, north]

    def _period(self, at: Field) -> None:
        years = [value[1:5] for value in at.all("b") if re.match(r"d\d{4}", value)]
        self.period = "/".join(years[:2]) or None

    def _country(self, at: Field) -> None:
        for code in (*at.all("a"), *at.all("c")):
            if not any(place.get("country") == code for place in self.inside("origin").setdefault("places", [])):
                self.extend("origin", "places", {"label": code, "country": code})

    def _made_at(self, at: Field) -> None:
        uri, _ = self._controls(at)
        label, scheme = plain(at.one("a")), at.one("2")
        at.taken.update("e4")
        if not label:
            return
        places = self.inside("origin").setdefault("places", [])
        place = next((one for one in places if one["label"] == label), None)
        if place is None:
            places.append(place := {"label": label})
        place |= {"uri": uri, "scheme": scheme} if uri else {}

    def _place(self, at: Field) -> None:
        parts: dict[str, str] = {}
        for code, name in _LEVELS.items():
            values = at.all(code)
            if code == "a" and len(values) > 1:
                parts["continent"] = values[0]
            if values:
                parts[name] = plain(values[-1])
        if parts:
            self.add("subjects", {"type": "place", "parts": parts})

    def _places(self) -> None:
        """Give codes and coordinates to the place or period that they are of, where that is certain."""
        subjects = self.record.get("subjects", [])
        places = [one for one in subjects if one.get("type") == "place" and "label" in one]
        known = [area for area in self.areas if re.fullmatch(r"[a-z](-[a-z]{1,3}){0,2}", area)]
        if len(places) == 1 and len(known) == 1:
            places[0]["gac"] = known[0]
        else:
            for area in self.areas:
                self.lose("geographic area code not carried", "043$a", area)
        if len(places) == 1 and all(-180 <= value <= 180 for value in _numbers(self.box.values())):
            places[0] |= self.box
        elif self.box:
            self.lose("coordinates not carried", "034", str(self.box))
        periods = [one for one in subjects if one.get("type") == "period" and "label" in one]
        if len(periods) == 1 and self.period and edtf_dates.is_valid(self.period):
            periods[0].setdefault("edtf", self.period)
        origin = self.record.get("origin", {})
        if self.country and not any(place.get("country") for place in origin.get("places", [])):
            first = next(iter(origin.get("places", [])), None)
            if first is None:
                self.extend("origin", "places", {"label": self.country, "country": self.country})
            else:
                first["country"] = self.country

    # Titles.

    def _title(self, at: Field) -> None:
        kind = {"245": "main", "242": "translated", "130": "uniform", "240": "uniform", "730": "uniform",
                "210": "abbreviated"}.get(at.tag, "alternative")  # fmt: skip
        at.taken.update("i") if at.tag == "246" else None
        value = plain(at.one("a"), initials=False)
        rest: list[str | None] = [plain(at.one(code), initials=False) for code in "bnp"]
        more = " ".join(at.all("nps")[1:]) if kind == "uniform" else ""
        if kind == "uniform":
            value = " ".join(filter(None, (value, plain(at.text("dfgklmor")))))
        count = at.indicators[0] if at.tag in ("130", "730") else at.indicators[1] if at.tag != "210" else "0"
        article = int(count) if count.isdecimal() and at.tag != "246" else 0
        supplied = value.startswith("[") and value.endswith("]") and not any(rest)
        if supplied:
            value, article = value[1:-1], article - 1
        non_sort = ""
        if 0 < article < len(value):
            non_sort, value = collapse(value[:article]), collapse(value[article:])
        if not value:  # some records begin with the part, or have the form alone
            value, rest[0] = rest[0] or plain(at.one("k")) or rest[2] or rest[1] or "", None
        lang = at.one("y") if at.tag == "242" else None
        if value:
            self.add("titles", {
                "value": value, "type": "" if kind == "main" else kind, "subtitle": rest[0], "part_number": rest[1],
                "part_name": rest[2] or more, "non_sort": non_sort, "lang": lang, "supplied": supplied,
            })  # fmt: skip
        if at.tag == "245" and (stated := plain(at.one("c"))):
            self.add("notes", {"value": stated, "type": "statement of responsibility"})

    # Names.

    def _name(self, at: Field) -> None:
        if at.tag[0] == "7" and (work := at.one("t")):
            self._work(at, work)
            return
        agent = self._agent(at)
        relator = "j" if at.tag.endswith("11") else "e"
        roles = [value[-3:] for value in at.all("4") if re.fullmatch(r"(?:\S*/)?[a-z]{3}", value)]
        words = []
        for term in map(plain, at.all(relator)):
            code = _RELATORS.get(term.lower()) or (
                term if re.fullmatch("[a-z]{3}", term) and term in RELATORS else None
            )
            if code is None:
                words.append(term)
            elif code not in roles:
                roles.append(code)
        if at.tag[0] == "1" and not roles:
            roles.append("cre")  # a main entry is the creator's (Library of Congress)
        if agent["name"]:
            self.add("agents", {**agent, "roles": list(dict.fromkeys(roles)), "role_label": "; ".join(words)})

    def _agent(self, at: Field) -> dict[str, Any]:
        tag, first = at.tag, at.indicators[0]
        uri, numbers = self._controls(at)
        agent: dict[str, Any] = {"uri": uri, "identifiers": numbers, "scheme": at.one("2") or (uri and scheme_of(uri))}
        if tag.endswith("20"):
            return agent | {"name": plain(at.one("a")), "type": {"1": "person"}.get(first)}
        agent["affiliation"] = plain(at.one("u"))
        if tag.endswith("00"):
            name = plain(" ".join(at.all("ab")))
            agent["type"] = "family" if first == "3" else "person"
            if first != "3" and first != "0" and ", " in name:
                agent["family"], _, agent["given"] = name.partition(", ")
            if fuller := plain(at.one("q")):
                name = f"{name} {fuller}"
            terms = [plain(term) for term in at.all("c")]
            agent["description"] = "; ".join(term[1:-1] for term in terms if re.fullmatch(r"\(.+\)", term))
            agent["terms"] = ", ".join(term for term in terms if not re.fullmatch(r"\(.+\)", term))
            if (dates := plain(at.one("d"))) and (edtf := life_dates(dates)) is None:
                self.lose("date not read", f"{tag}$d", dates)
            elif dates:
                agent["dates"] = edtf
            return agent | {"name": name}
        body = [plain(unit) for unit in at.all("abe" if tag.endswith("11") else "ab")]
        meeting = plain(" ".join(at.all("ndc")))
        agent["type"] = "event" if tag.endswith("11") else "organization"
        if meeting == plain(at.one("d")) and (edtf := life_dates(meeting)):
            agent["dates"], meeting = edtf, ""
        agent["jurisdiction"] = tag.endswith("10") and first == "1"
        return agent | {"name": " ".join(filter(None, (". ".join(filter(None, body)), meeting)))}

    def _work(self, at: Field, work: str) -> None:
        """Take a name with a title, which is an entry for another work."""
        title = plain(" ".join((work, *at.all("nplfkmors"))))
        who = self._agent(at)["name"]
        at.taken.update("e4")
        kind = "constituent" if at.indicators[1] == "2" else "related"
        issn = [{"value": number, "type": "issn"} for number in at.all("x")]
        note = plain(at.one("i"))
        self.add("relations", {"type": kind, "title": f"{who}. {title}", "identifiers": issn, "note": note})

    # Subjects.

    def _subject(self, at: Field) -> None:
        kind = _SUBJECTS[at.tag]
        if at.tag == "600" and at.indicators[0] == "3":
            kind = "family"
        uri, _ = self._controls(at)
        second = at.indicators[1]
        scheme = at.one("2") if second == "7" else _THESAURI.get(second)
        subject: dict[str, Any] = {"uri": uri, "scheme": scheme or (uri and scheme_of(uri))}
        at.taken.update("e43")
        if at.tag == "600" and (life := life_dates(plain(at.one("d")))):
            subject["edtf"] = life
        units = ". " if at.tag in ("610", "611") else " "
        names = [plain(value) for value in at.all("ab")]
        rest = at.all("cfghjklmnopqrst" + ("" if "edtf" in subject else "d"))
        label = plain(" ".join((units.join(filter(None, names)), *rest)))
        steps = [(_STEPS[code], text) for code, value in at.subfields if code in _STEPS and (text := plain(value))]
        at.taken.update(_STEPS)
        if not label and steps:
            (kind, label), *steps = steps
        if not label:
            return
        if not steps:
            if kind == "period" and (edtf := catalogue_date(label, self.read_date)):
                subject["edtf"] = edtf
            self.add("subjects", {"type": kind, "label": label, **subject})
            return
        parts = [{"type": step, "label": text} for step, text in ((kind, label), *steps)]
        # The date of a life is the person's, not the heading's.
        if "edtf" in subject:
            parts[0]["label"] += f", {marc21.life(subject.pop('edtf'))}"
        self.add("subjects", {"parts": parts, **subject})

    def _keyword(self, at: Field) -> None:
        kind = _UNCONTROLLED.get(at.indicators[1], "topic")
        for value in at.all("a"):
            self.add("subjects", {"type": kind, "label": plain(value)})

    def _genre(self, at: Field) -> None:
        self.add("genres", self._concept(at, "avxyz"))

    def _concept(self, at: Field, codes: str = "a") -> dict[str, Any]:
        uri, _ = self._controls(at)
        second = at.indicators[1]
        scheme = _THESAURI.get(second) if at.tag == "655" and second != "7" else at.one("2")
        label = "--".join(filter(None, map(plain, at.all(codes))))
        return {"label": label, "scheme": scheme or (uri and scheme_of(uri)), "uri": uri} if label else {}

    # Publication and dates.

    def _imprint(self, at: Field) -> None:
        kind = at.indicators[1] if at.tag == "264" else "1"
        dates = [text for value in at.all("c") if (text := plain(value))]
        if kind == "4":
            self.imprints += [("copyright", text) for text in dates]
            return
        for label in at.all("a"):
            if (label := _bare(label)) and not _NOBODY.fullmatch(label) and kind in "01":
                self.extend("origin", "places", {"label": label})
        role = {"0": "pro", "2": "dst", "3": "mfr"}.get(kind, "pbl")
        for name in at.all("b"):
            if (name := _bare(name)) and not _NOBODY.fullmatch(name):
                self.publishers.append((name, role))
        if at.tag == "260":
            self.publishers += [(plain(name).strip("()"), "mfr") for name in at.all("f")]
        if kind in "01":
            self.imprints += [("created" if kind == "0" else "issued", text) for text in dates]
        elif dates:
            self.lose("date not carried", f"{at.tag}$c", dates[0])

    def _publishers(self) -> None:
        """Add who published, printed or distributed, unless the same name is an added entry in that role."""
        agents = self.record.setdefault("agents", [])
        for name, role in self.publishers:
            if name and not any(one["name"] == name and role in one.get("roles", []) for one in agents):
                agents.append({"name": name, "roles": [role]})

    def _coded_date(self, at: Field) -> None:
        for codes, kind in (("kl", "created"), ("mn", "valid"), ("j", "modified")):
            values = [_iso(value) for value in at.all(codes)]
            edtf = "/".join(values[:2])
            if edtf and edtf_dates.is_valid(edtf):
                self.add("dates", {"type": kind, "edtf": edtf})
            elif edtf:
                self.lose("date not read", "046", edtf)
        at.taken.update("2")

    def _captured(self, at: Field) -> None:
        for value in at.all("a"):
            edtf = _iso(value[:8].rstrip("-"))
            if edtf_dates.is_valid(edtf):
                self.add("dates", {"type": "captured", "edtf": edtf})
            else:
                self.lose("date not read", "033$a", value)

    def _happened(self, at: Field) -> None:
        words = at.one("o")
        for text in at.all("d"):
            kind = words if words in ("captured", "modified", "valid", "available", "submitted") else "other"
            label = words if kind == "other" and words != "other" else None
            edtf = catalogue_date(text, self.read_date)
            self.add("dates", {"type": kind, "label": label, "edtf": edtf, "text": None if edtf == text else text})
        if note := at.text("ap"):
            self.add("notes", {"value": note, "type": "venue"})

    def _dates(self) -> None:
        """Join dates as they were written with those that are coded in 008."""
        kind, first, second = self._fixed_dates()
        coded = self._range(kind, first, second)
        written = {name for name, _ in self.imprints}
        created = any(one["type"] == "created" for one in self.record.get("dates", []))
        for number, (name, text) in enumerate(self.imprints):
            later = re.search(r"[,(]\s*(?:©|[cp])\s?(\d{4})\)?$", text) if name == "issued" else None
            edtf = catalogue_date(text[: later.start()] if later else text, self.read_date)
            if edtf is None and name != "copyright" and number == 0:
                edtf = coded
            if edtf is None:
                self.lose("date not read", "264$c", text)
            if name == "created" and created:
                entry = next(one for one in self.record["dates"] if one["type"] == "created")
                if entry["edtf"] == edtf or edtf is None:
                    entry |= {} if text == entry["edtf"] else {"text": text}
                    continue
            shown = None if text in (edtf, f"©{edtf}") else text
            self.add("dates", {"type": name, "edtf": edtf, "text": shown})
            if later:
                self.add("dates", {"type": "copyright", "edtf": later[1]})
        if not written & {"issued", "created"} and not created and coded:
            made = self.record["manuscript"] or self.record["collection"]
            self.add("dates", {"type": "created" if made else "issued", "edtf": coded})
        if kind == "t" and second and not any(one["type"] == "copyright" for one in self.record.get("dates", [])):
            self.add("dates", {"type": "copyright", "edtf": second})

    def _fixed_dates(self) -> tuple[str, str | None, str | None]:
        fixed = self.marc.controls.get("008", "")
        kind, years = fixed[6:7], (fixed[7:11], fixed[11:15])
        first, second = (year.replace("u", "X") if re.fullmatch(r"\d[\du]{3}", year) else None for year in years)
        return kind, first, "9999" if years[1] == "9999" else second

    def _range(self, kind: str, first: str | None, second: str | None) -> str | None:
        """Return the first of the dates in 008 as EDTF, by the type of date."""
        if kind in ("n", "b", "|", " ", "") or first is None:
            return None
        if kind == "e" and re.fullmatch(r"(0[1-9]|1[0-2])(\d\d|  )", coded := self.marc.controls["008"][11:15]):
            found = f"{first}-{coded[:2]}" + (f"-{coded[2:]}" if coded[2:].strip() else "")
        elif kind in "mikcdu" and second == "9999":
            found = f"{first}/.."
        elif kind in "mikd" and second and second != first:
            found = f"{first}/{second}"
        elif kind in "cu":
            found = f"{first}/.."
        elif kind == "q" and second and second != first:
            found = f"[{first}..{second}]" if "X" not in first + second else f"{first}/{second}"
        else:
            found = first
        return found if edtf_dates.is_valid(found) else first if edtf_dates.is_valid(first) else None

    def _edition(self, at: Field) -> None:
        if edition := plain(" ".join(at.all("ab"))):
            self.inside("origin").setdefault("edition", edition)

    def _frequency(self, at: Field) -> None:
        if frequency := plain(at.one("a")):
            self.inside("origin").setdefault("frequency", frequency)

    # The carrier, notes, rights.

    def _extent(self, at: Field) -> None:
        text = re.sub(r"\s*[+:;]$", "", at.text("abcefg"))
        self.extend("physical", "extent", text)

    def _form(self, at: Field) -> None:
        uri, _ = self._controls(at)
        for value in at.all("ac"):
            form = {"label": plain(value), "scheme": at.one("2"), "uri": uri}
            self.extend("physical", "form", {key: text for key, text in form.items() if text})

    def _file(self, at: Field) -> None:
        for value in at.all("b"):
            if re.fullmatch(r"[\w.+-]+/[\w.+-]+", value):
                self.extend("physical", "media_types", value)
            else:
                self.lose("subfield not carried", "347$b", value)

    def _action(self, at: Field) -> None:
        state = at.all("l")
        for text in state:
            self.extend("physical", "notes", text)
        if state:
            at.taken.update("a")
        else:
            self._note(at)

    def _note(self, at: Field) -> None:
        kind = _NOTES.get(at.tag) if at.tag not in _UNTYPED else None
        if text := at.text():
            self.add("notes", {"value": text, "type": kind})

    def _summary(self, at: Field) -> None:
        text = at.text("abc")
        if text and at.indicators[0] in "24":
            self.add("notes", {"value": text, "type": "content"})
        elif text:
            self.add("abstracts", text)

    def _contents(self, at: Field) -> None:
        self.add("toc", at.text("agrt"))

    def _audience(self, at: Field) -> None:
        if at.tag == "385":
            self.add("audience", self._concept(at))
        elif text := plain(at.text("ab")):
            self.add("audience", {"label": text})

    def _funding(self, at: Field) -> None:
        award = at.one("c") or at.one("b")
        if funder := at.one("a"):
            self.add("funding", {"funder": funder, "award": award})

    def _access(self, at: Field) -> None:
        rights = self.inside("rights")
        for term in at.all("f"):
            if term in _ACCESS:
                rights.setdefault("access", _ACCESS[term])
        at.taken.update("u2")
        for until in at.all("g"):
            if edtf_dates.is_valid(until):
                rights.setdefault("embargo_until", until)
        if (
            (text := at.text("abcde"))
            and text not in _ACCESS
            and not (text == "embargoed" and "embargo_until" in rights)
        ):
            rights["access_note"] = "; ".join(filter(None, (rights.get("access_note"), text)))

    def _terms(self, at: Field) -> None:
        rights, text = self.inside("rights"), at.text("abcdf")
        for value in at.all("u"):
            if (address := absolute_uri(value)) and "uri" not in rights:
                rights["uri"] = address
                if text and (address.startswith(RIGHTS_VOCABULARIES) or len(text) < LONGEST):
                    rights["label"], text = text, ""
            else:
                self.lose("not a URI", "540$u", value)
        if text:
            rights["statement"] = "\n\n".join(filter(None, (rights.get("statement"), text)))
        at.taken.update("2")

    def _copyright(self, at: Field) -> None:
        rights = self.inside("rights")
        for code, name in (("d", "holder"), ("g", "year")):
            if text := plain(at.one(code)):
                rights.setdefault(name, text)
        if (contact := at.one("e")) and (address := absolute_uri(contact)):
            rights.setdefault("holder_uri", address)
        elif contact:
            self.lose("subfield not carried", "542$e", contact)

    def _original(self, at: Field) -> None:
        """Take who has the originals (first indicator 1); who has copies is a note."""
        if at.indicators[0] != "1" or "holding" in self.record:
            self._note(at)
            return
        holding = {"repository": plain(at.one("a")), "place": plain(at.one("b")), "shelfmark": at.one("3")}
        holding = {key: value for key, value in holding.items() if value}
        if holding:
            self.record["holding"] = {**holding, "original": True}

    def _holding(self, at: Field) -> None:
        if "holding" in self.record:
            self.lose("field not carried", "852", at.text())
            return
        address = absolute_uri(at.one("u") or "")
        holding = {
            "repository": at.one("a"), "sublocation": ", ".join(at.all("bc")), "place": at.one("e"),
            "shelfmark": at.text("khijlm"), "repository_uri": address,
        }  # fmt: skip
        self.record["holding"] = {key: value for key, value in holding.items() if value}

    # Other items.

    def _series(self, at: Field) -> None:
        if at.tag == "490" and self.traced and at.indicators[0] == "1":
            at.taken.update(code for code, _ in at.subfields)
            return
        uri, _ = self._controls(at)
        volume, issn = plain(at.one("v")), [{"value": plain(value), "type": "issn"} for value in at.all("x")]
        title = plain(at.text("abcdefgklmnopqrst"))
        part = {"volume": volume} if volume else None
        if title:
            self.add("relations", {"type": "series", "title": title, "uri": uri, "identifiers": issn, "part": part})

    def _link(self, at: Field) -> None:
        words = plain(at.one("i") or at.one("p"))
        kind = _LINK_WORDS.get(words.lower(), _LINKS[at.tag]) if at.tag == "787" else _LINKS[at.tag]
        uri, numbers = None, []
        for code, name in (("x", "issn"), ("z", "isbn")):
            numbers += [{"value": value, "type": name} for value in at.all(code)]
        for value in at.all("ou"):
            if (address := absolute_uri(value)) and uri is None and not value.startswith(("urn:", "doi:")):
                uri = address
            else:
                numbers.append({"value": value})
        if at.tag != "534":
            for value in at.all("w"):
                match = _CONTROL.fullmatch(value)
                oclc = match and match["agency"] == "OCoLC"
                numbers.append({"value": match["number"], "type": "oclc"} if match and oclc else {"value": value})
        title = ". ".join(filter(None, (plain(at.one("a")), plain(at.one("t") or at.one("s")))))
        place = at.one("l" if at.tag == "534" else "g") or ""
        match = _PART.fullmatch(place)
        part = {key: text for key, text in match.groupdict().items() if text} if match and place else None
        known = at.tag == "534" or words.lower() in _LINK_WORDS
        notes = (None if known else words, None if part else place, *at.all("nbcdefhkmq"))
        relation = {
            "title": title,
            "uri": uri,
            "identifiers": numbers,
            "part": part,
            "note": "; ".join(filter(None, notes)),
        }
        if any(relation.values()):
            self.add("relations", {"type": kind, **relation})

    def _online(self, at: Field) -> None:
        words, label, mime = at.one("3"), at.one("y"), at.one("q")
        sizes = [match for size in at.all("s") if (match := _BYTES.fullmatch(size))]
        for value in at.all("u"):
            address = absolute_uri(value)
            if address is None:
                self.lose("not a URI", "856$u", value)
                continue
            role = _MEDIA.get(words or "")
            if role is None and (at.indicators[1] in "12" or (words and at.indicators[1] != "0")):
                kind = "other_version" if at.indicators[1] == "1" else "related"
                self.add("relations", {"type": kind, "title": words or label or at.one("z"), "uri": address})
                continue
            taken = any(one["role"] == "landing" for one in self.record.get("media", []))
            role = role or ("object" if taken or (mime and mime != "text/html") else "landing")
            size = int(sizes[0][1]) if sizes else None
            shown = label or at.one("z") or (words if words not in _MEDIA else None)
            self.add("media", {"role": role, "url": address, "mime": mime, "label": shown, "bytes": size})

    def _tidy(self) -> None:
        """Put the main title first, and leave out what is empty."""
        titles = self.record.get("titles", [])
        titles.sort(key=lambda title: title.get("type", "main") != "main")
        for key in [key for key, value in self.record.items() if value in (None, "", [], {}, False)]:
            del self.record[key]


def _bare(text: str) -> str:
    """Return what an imprint says without brackets around it, of which one may stand in another subfield."""
    text = plain(text)
    inner = text.removeprefix("[").removesuffix("]")
    return text if "[" in inner or "]" in inner else inner


def _role(spoken: Mapping[str, Any]) -> str:
    return str(spoken.get("role", "text"))


def _iso(value: str) -> str:
    """Return a date of digits alone (``19670608``) with its hyphens."""
    match = re.fullmatch(r"(\d{4})(\d\d)?(\d\d)?", value)
    return "-".join(filter(None, match.groups())) if match else value


def _numbers(values: Iterable[Any]) -> Iterable[float]:
    for value in values:
        yield from value if isinstance(value, list) else [value]


_HANDLERS: dict[str, Callable[[_Reading, Field], None]] = {
    **dict.fromkeys(("010", "020", "022", "024", *_LABELLED), _Reading._number),
    "033": _Reading._captured,
    "034": _Reading._extent_of_map,
    "035": _Reading._system_number,
    "040": _Reading._agency,
    "041": _Reading._spoken,
    "043": _Reading._area,
    "044": _Reading._country,
    "045": _Reading._period,
    "046": _Reading._coded_date,
    **dict.fromkeys((*_CLASSES, "084"), _Reading._class),
    **dict.fromkeys(_NOTES.keys() | _UNTYPED, _Reading._note),
    **dict.fromkeys(("100", "110", "111", "700", "710", "711", "720"), _Reading._name),
    **dict.fromkeys(("130", "210", "240", "242", "245", "246", "247", "730", "740"), _Reading._title),
    "250": _Reading._edition,
    **dict.fromkeys(("260", "264"), _Reading._imprint),
    "300": _Reading._extent,
    "310": _Reading._frequency,
    "340": _Reading._form,
    "347": _Reading._file,
    **dict.fromkeys(("440", "490", "800", "810", "811", "830"), _Reading._series),
    "505": _Reading._contents,
    "506": _Reading._access,
    "518": _Reading._happened,
    "520": _Reading._summary,
    **dict.fromkeys(("521", "385"), _Reading._audience),
    "535": _Reading._original,
    "536": _Reading._funding,
    "540": _Reading._terms,
    "542": _Reading._copyright,
    "546": _Reading._language_note,
    "583": _Reading._action,
    **dict.fromkeys(_LINKS, _Reading._link),
    **dict.fromkeys(_SUBJECTS, _Reading._subject),
    "653": _Reading._keyword,
    "655": _Reading._genre,
    "751": _Reading._made_at,
    **dict.fromkeys(("662", "752"), _Reading._place),
    "852": _Reading._holding,
    "856": _Reading._online,
}
