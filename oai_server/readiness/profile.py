"""The rules of one audience, and which audiences there are.

Built-in profiles and installed plug-ins enter by one door: the entry-point group ``oai_server.profiles``, where the
name is what ``--profile`` takes and the value a subclass of :class:`Profile`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import ClassVar, NamedTuple

from metadata_formats.spelling import nearest
from oai_server.readiness.finding import Finding, Rule
from oai_server.readiness.item import Item

GROUP = "oai_server.profiles"


class ProfileError(Exception):
    """A profile that cannot be used; the text says which and why."""


class Checked(NamedTuple):
    """What a profile says of one item: the rules that it breaks, and how the portal would grade it."""

    findings: list[Finding]
    grades: Mapping[str, str] = {}


class Shared(NamedTuple):
    """A value of an item that few others should have: the rule that says so, where it stands, the value."""

    rule: Rule
    path: str
    value: str


class Profile:
    """The rules of one audience: subclass it, fill in the constants and write :meth:`check`.

    What is said of an item is a pure function of the item: no clock, no network, no memory of the items before.
    """

    name: ClassVar[str]
    harvests: ClassVar[str]
    """The metadataPrefix that this audience harvests."""

    reads: ClassVar[tuple[str, ...]] = ()
    """Further formats that rules are about."""

    rules: ClassVar[tuple[Rule, ...]]
    unchecked: ClassVar[Mapping[str, str]] = {}
    """Rules that a record alone cannot tell, by name: what they want and why they are not checked."""

    def check(self, item: Item) -> Checked:
        """Return the rules that an item breaks, each with the value that does."""
        raise NotImplementedError

    def shared(self, item: Item) -> Iterator[Shared]:  # noqa: ARG002
        """Yield the values of an item that are wrong where many items have them."""
        yield from ()

    def is_too_common(self, rule: Rule, records: int, total: int) -> bool:  # noqa: ARG002
        """Tell whether a shared value is wrong, by how many of all checked records have it."""
        return records > 1


def load(names: Iterable[str] = ()) -> list[Profile]:
    """Return the profiles in the order asked for, each once; all installed ones, by name, where none are named.

    Raises:
        ProfileError: there is no such profile, two have one name, or one is no profile; the text says which.
    """
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.name in found and found[point.name].value != point.value:
            raise ProfileError(f"two profiles claim the name {point.name}: {found[point.name].value} and {point.value}")
        found[point.name] = point
    wanted = list(dict.fromkeys(names)) or list(found)
    for name in wanted:
        if name not in found:
            raise ProfileError(f"no profile {name!r} is installed{nearest(name, found)}; there are: {', '.join(found)}")
    return [_instance(found[name]) for name in wanted]


def _instance(point: EntryPoint) -> Profile:
    try:
        made = point.load()()
    except Exception as error:  # a plug-in may raise anything
        raise ProfileError(f"the profile {point.name} ({point.value}) cannot be loaded: {error}") from error
    if not isinstance(made, Profile) or made.name != point.name:
        raise ProfileError(f"{point.value} is not a profile with the name {point.name}")
    return made
