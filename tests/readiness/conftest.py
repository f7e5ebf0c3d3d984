"""Tests of readiness use the records that the tests of the formats draw."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "metadata_formats"))
