"""The canonical record as XML says all that the record says, in elements alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from strategies import records, words

from metadata_formats import record as model
from metadata_formats.canonical_xml import NAMESPACE, element_name, to_xml

FULL = (Path(__file__).parent / "full.yaml").read_text()


def said(value: Any, path: str = "record") -> Iterator[tuple[str, str]]:
    """Yield every value of plain data with its path, as the XML shall have it."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from said(each, f"{path}/{element_name(key)}")
    elif isinstance(value, list):
        for each in value:
            yield from said(each, path)
    elif value is not None and value is not False and value != "":
        worded = path.split("/")[1:] in (["abstracts"], ["toc"], ["physical", "notes"], ["rights", "statement"])
        yield f"{path}/value" if worded else path, "true" if value is True else str(value)


def leaves(root: etree._Element) -> Iterator[tuple[str, str]]:
    for element in root.iter():
        assert not element.attrib
        assert etree.QName(element).namespace == NAMESPACE
        if not len(element) and element is not root:
            above = [etree.QName(each).localname for each in element.iterancestors()]
            yield "/".join([*reversed(above), etree.QName(element).localname]), element.text or ""


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=records)
def test_every_value_stands_at_its_path_and_in_its_order(item: model.Record):
    found = [
        leaf for leaf in leaves(etree.fromstring(to_xml(item).to_bytes())) if not leaf[0].startswith("record/extra")
    ]
    rest = iter(found)
    values = {key: value for key, value in model.msgspec.to_builtins(item).items() if key != "extra"}
    for leaf in said(values):
        assert leaf in rest, leaf  # each after the one before
    # What is there beside is what a key says by default.
    more = [leaf for leaf in found if leaf[1] and leaf not in set(said(values))]
    defaults = {"type", "role", "media_type", "metadata_licence", "status", "altered"}
    assert {path.rpartition("/")[2] for path, _ in more} <= defaults


def test_the_order_of_what_others_put_there_does_not_matter():
    base = {"id": "1", "titles": [{"value": "T"}]}
    one, other = ({**base, "extra": {"m": dict(pairs)}} for pairs in ([("a", 1), ("b", 2)], [("b", 2), ("a", 1)]))
    assert to_xml(model.from_builtins(one)) == to_xml(model.from_builtins(other))


def test_a_record_reads_as_it_is_documented():
    item = {"id": "1", "titles": [{"value": "A & B"}], "abstracts": ["One\n\ntwo", {"value": "Eins", "lang": "de"}],
            "dates": [{"type": "created", "edtf": "1967", "key": True}],
            "extra": {"a museum": {"none": None, "1st": [[1, 2]]}}}  # fmt: skip
    assert (
        to_xml(model.from_builtins(item)).markup
        == """<record xmlns="urn:oai-server:record">
  <id>1</id>
  <titles>
    <value>A &amp; B</value>
    <type>main</type>
  </titles>
  <dates>
    <type>created</type>
    <edtf>1967</edtf>
    <key>true</key>
  </dates>
  <abstracts>
    <value>One

two</value>
  </abstracts>
  <abstracts>
    <value>Eins</value>
    <lang>de</lang>
  </abstracts>
  <extra>
    <a_x0020_museum>
      <_x0031_st>
        <item>1</item>
        <item>2</item>
      </_x0031_st>
      <none></none>
    </a_x0020_museum>
  </extra>
</record>"""
    )


@given(st.lists(words, unique=True, min_size=2, max_size=8))
def test_keys_that_differ_have_names_that_differ(keys: list[str]):
    names = [element_name(key) for key in [*keys, "_x0020_", " "]]
    assert len(set(names)) == len({*keys, "_x0020_", " "})
    for name in names:
        etree.QName("urn:x", name)
        etree.fromstring(f"<{name}/>".encode())


def test_the_full_record_has_every_key_of_the_model():
    """What is in the full record is in the XML: nothing of the model is passed over."""
    item = model.from_yaml(FULL)
    found = {path for path, _ in leaves(etree.fromstring(to_xml(item).to_bytes()))}
    assert {path for path, _ in said(model.msgspec.to_builtins(item))} <= found
