"""Why a request is refused: the eight error codes of OAI-PMH 2.0 section 3.6, each with words for people."""

from __future__ import annotations

from typing import Literal, NamedTuple

Code = Literal[
    "badArgument", "badResumptionToken", "badVerb", "cannotDisseminateFormat", "idDoesNotExist", "noMetadataFormats",
    "noRecordsMatch", "noSetHierarchy",
]  # fmt: skip

UNPARSED = frozenset({"badVerb", "badArgument"})
"""The codes of a request that could not be parsed: its arguments are not repeated in the answer (section 3.2)."""


class Fault(NamedTuple):
    """One ``<error>``: its code and a sentence that says what is wrong."""

    code: Code
    text: str


class Refused(Exception):
    """A request that is answered with errors: all that one stage of the checks has found."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)
        self.faults = faults
