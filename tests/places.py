"""Where tests find what the project does not carry: XML schemas, real data sets, expected renditions.

Each is looked for where an environment variable says, else in a folder beside the checkout; where it is not there,
the test skips and says what is missing.
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "docs" / "examples"


def _folder(variable: str, name: str, *more: Path) -> Path:
    named = os.environ.get(variable)
    places = [Path(named)] if named else [ROOT.parent / "shared" / name, *more]
    for place in places:
        if place.is_dir():
            return place
    pytest.skip(f"MISSING {name}: set {variable} to the folder (looked in {', '.join(map(str, places))})")


def schemas() -> Path:
    """Return the folder of XML schemas, each under ``<host>/<path>``."""
    return _folder("OAI_SCHEMAS", "schemas", ROOT / "instance" / "schemas")


def data() -> Path:
    """Return the folder of real data sets."""
    return _folder("OAI_DATA", "data")


def expected() -> Path:
    """Return the folder of expected renditions."""
    return _folder("OAI_EXPECTED", "expected")
