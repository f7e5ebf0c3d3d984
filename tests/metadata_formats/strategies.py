"""Whole records for property-based tests, drawn from the types of the model itself: a new field is drawn at once.

What the types cannot say (which strings are dates, addresses or language tags; which keys go together) stands in the
tables below.
"""

from hypothesis import strategies as st
from msgspec import inspect

from metadata_formats import record

HOSTILE = (
    "a & b < c > d \"e\" 'f' ]]> <![CDATA[ &amp; &#x0;",
    "שלום עולם",
    "\u202eright to left\u202c",
    "👩‍👩‍👧‍👦 𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "  two\n\n paragraphs\t",
    "\u00a0no-break\u3000ideographic\u2028separators\u0085",
    "e\u0301 decomposed",
    "<script>alert(1)</script>",
    "-->",
    "long " * 400,
    "bell\x07 and null\x00",
)

hostile_text = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40)).map(record.clean_text)
words = st.one_of(st.just("Some words"), hostile_text).filter(str.strip)

dates = st.sampled_from(
    (
        "1967",
        "1967-06",
        "1967-06-08",
        "1967/1968",
        "1962-01/1967",
        "1967~",
        "1967?",
        "1967%",
        "1967-06-08~",
        "1962~/1967?",
        "196X",
        "19XX",
        "1967-XX",
        "1967-06-XX",
        "1967/..",
        "../1967",
        "/1967",
        "1967/",
        "[1967,1968]",
        "{1967,1968}",
        "[1667..1669]",
        "1967-21",
        "1967-24/1968",
        "2004-01-01T10:10:10Z",
        "2004-01-01T10:10:10",
        "2004-01-01T10:10:10+05:30",
        "Y170000002",
        "-0044",
        "0000",
        "156X-12-25",
        "1XXX-12",
        "?1967-06",
        "1967-?06",
    )
)
ADDRESSES = (
    "http://example.org/a",
    "https://example.org/?q=1&r=%3C2%3E",
    "https://example.org/a[1].jpg",
    "https://example.org/100%",
    "https://example.org/%zz?x=[a]#[b]",
    "https://example.org/é/д",
    "https://user@example.org:8443/~x/#f#g",
    "http://[2001:db8::1]/a",
    "http://example.org:port/x",
    "http://rightsstatements.org/vocab/InC/1.0/",
    "http://creativecommons.org/licenses/by/4.0/",
    "info:eu-repo/x",
    "urn:isbn:9780306406157",
    "ark:/12345/x",
    "mailto:a@b",
)
_tails = st.text(max_size=20).map(lambda tail: "".join(record.clean_text(tail).split()))
uris = st.one_of(st.sampled_from(ADDRESSES), _tails.map("https://example.org/{}".format)).filter(
    lambda uri: _is_uri(uri)
)
tags = st.sampled_from(("en", "de-AT", "zh-Hant-TW", "x-klingon", "not a tag", 'e"n', "", "sr-Latn", "ру"))

PATTERNED = {
    "^[a-z]{3}$": ("aut", "pbl", "edt", "xyz", "eng", "ger", "deu", "cmn", "zxx", "und"),
    "^[A-Z][a-z]{3}$": ("Cyrl", "Latn"),
    "^[a-z](-[a-z]{1,3}){0,2}$": ("e-bu", "n-us-ny", "p"),
}  # fmt: skip
IDENTIFIERS = ("10.1000/a<b>", "https://doi.org/10.1000/1", "hdl:2/3", "http://x.org/")
NAMED = {
    ("Agent", "dates"): dates,
    **dict.fromkeys([(None, "edtf"), (None, "embargo_until")], dates),
    **dict.fromkeys([(None, "lang"), (None, "tag"), (None, "description_lang")], tags),
    **{
        (None, name): uris
        for name in ("uri", "url", "repository_uri", "holder_uri", "rights_uri", "metadata_licence")
    },
    ("RecordInfo", "lang"): st.sampled_from(("eng", "ger")),
    ("RecordInfo", "language"): st.sampled_from(("eng", "ger", "not a code")),
    ("RecordInfo", "status"): st.just("active"),
    (None, "country"): st.sampled_from(("bu", "BG", "Bulgaria")),
    ("Identifier", "type"): st.sampled_from(("local", "doi", "hdl", "isbn", "uri", "DOI", "a \"b\"")),
    ("Identifier", "value"): st.one_of(st.sampled_from(IDENTIFIERS), words),
    ("Language", "role"): st.sampled_from(("text", "original", "summary")),
    ("Note", "type"): st.sampled_from(("content", "acquisition", "Performers", "", "a \"b\"")),
}  # fmt: skip


def _is_uri(uri: str) -> bool:
    try:
        record.Media(role="landing", url=uri)
    except ValueError:
        return False
    return True


def of_type(type_: inspect.Type, owner: str = "", name: str = "") -> st.SearchStrategy:
    """Return values of a type of the model, as plain data."""
    if not isinstance(type_, inspect.ListType | inspect.StructType | inspect.NoneType | inspect.UnionType):
        for key in ((owner, name), (None, name)):
            if key in NAMED:
                return NAMED[key]
    match type_:
        case inspect.StrType(pattern=str(pattern)):
            return st.sampled_from(PATTERNED[pattern])
        case inspect.StrType(min_length=None):
            return st.one_of(words, st.sampled_from(("", "  ")))
        case inspect.StrType():
            return words
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType(ge=low):
            return st.integers(low, 2**40)
        case inspect.FloatType(ge=low, le=high):
            return st.floats(low if low is not None else -180, high if high is not None else 180)
        case inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case inspect.UnionType(types=types):
            return st.one_of(*(of_type(each, owner, name) for each in types if not isinstance(each, inspect.NoneType)))
        case inspect.ListType(item_type=item, min_length=low, max_length=high):
            return st.lists(of_type(item, owner, name), min_size=low or 0, max_size=min(high or 3, 4))
        case inspect.StructType(cls=cls):
            return of_shape(cls)
        case inspect.DictType():
            return st.dictionaries(words, words, max_size=2)
        case _:
            return st.nothing()


def of_shape(cls: type) -> st.SearchStrategy:
    """Return values of a shape of the model, as plain data with the keys that go together."""
    fields = inspect.type_info(cls).fields
    drawn = {field.name: of_type(field.type, cls.__name__, field.name) for field in fields}
    compulsory = {field.name: drawn.pop(field.name) for field in fields if field.required}
    shape = st.fixed_dictionaries(compulsory, optional=drawn)
    return shape.map(_TOGETHER[cls.__name__]) if cls.__name__ in _TOGETHER else shape


def _date(shape: dict) -> dict:
    return shape if shape.get("edtf") or shape.get("text") else shape | {"text": "undated"}


def _subject(shape: dict) -> dict:
    if isinstance(shape.get("parts"), dict):
        shape = shape | {"type": "place"}
    return shape if shape.get("label") or shape.get("parts") else shape | {"label": "Things"}


def _level(shape: dict) -> dict:
    return shape if shape.get("label") or shape.get("id") or shape.get("title") else shape | {"id": "1"}


def _whole(shape: dict) -> dict:
    titles = [*shape.get("titles", []), {"value": "A main title"}]
    keys = [index for index, date in enumerate(shape.get("dates", [])) if date.get("key")]
    for index in keys[1:]:
        shape["dates"][index]["key"] = False
    return shape | {"titles": titles}


_TOGETHER = {"Date": _date, "Subject": _subject, "HierarchyLevel": _level, "Record": _whole}

records = of_shape(record.Record).map(record.from_builtins)
"""Valid records, of every field, with hostile text."""
