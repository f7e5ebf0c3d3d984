"""Strict validation of OAI-PMH responses and payloads against the XML schemas, offline."""

import importlib.util
import os
import warnings
from functools import cache
from types import ModuleType

import places


@cache
def _validator() -> ModuleType:
    folder = places.schemas()
    os.environ.setdefault("OAI_SCHEMAS", str(folder))
    spec = importlib.util.spec_from_file_location("schema_validator", folder / "validate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def schema_errors(document: bytes) -> list[str]:
    """Return what is wrong with a whole response, or with a payload by itself; nothing when it is valid."""
    # The validator knows qualified Dublin Core by its terms, and a small record has none.
    family = "qdc" if b'"http://worldcat.org/xmlschemas/qdc-1.0/"' in document else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the validator leaves schema files to the garbage collector
        return _validator().validate(document, family)


def assert_valid(document: bytes) -> None:
    """Fail with the schema's words where a document is not valid."""
    errors = schema_errors(document)
    assert not errors, "\n".join(errors[:5]) + "\n" + document[:2000].decode(errors="replace")
