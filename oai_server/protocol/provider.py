"""The data provider: arguments in, one whole answer out, whatever the arguments are (OAI-PMH 2.0 section 4).

Every answer begins with a look at the clock row, before anything else is read, and carries the second before its
horizon as responseDate: every change that the answer does not show is stamped later. A list fixes its horizon on its
first page; its other pages repeat it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from oai_server.protocol import arguments, datestamps, envelope, records
from oai_server.protocol.arguments import Request
from oai_server.protocol.descriptions import description_of_set, oai_identifier
from oai_server.protocol.envelope import element
from oai_server.protocol.errors import UNPARSED, Fault, Refused
from oai_server.protocol.lists import Limits, Lists
from oai_server.protocol.repository import Horizon, Identity, MetadataFormat, Repository, Set
from oai_server.protocol.tokens import Signer

__all__ = ["Document", "Limits", "Provider"]

_SAMPLES = 10
"""Records among which Identify looks for a sample of the identifiers."""
_NONE: Mapping[str, Sequence[bytes]] = MappingProxyType({})


class Document(NamedTuple):
    """A whole answer, and how long it is good.

    Pages that a token asks for may be given again, to anybody who has the token, until it ``expires`` (seconds): what
    they do not show is stamped later than the responseDate that they carry, whenever they were made. Nothing else may.
    A ``settled`` page moreover cannot show other records under the same token: they can only become fewer.
    """

    content: bytes
    expires: int | None = None
    settled: bool = False


@dataclass(frozen=True)
class Answer:
    """What a verb has to say: the element of its name, and the responseDate where it is not that of the request.

    ``expires`` and ``settled`` are those of :class:`Document`.
    """

    content: Iterable[bytes]
    responded: int | None = None
    expires: int | None = None
    settled: bool = False


class Provider:
    """Answers requests from a repository. Keeps no state between them, and may be shared by threads.

    ``descriptions`` are more of Identify's, ready elements with their own namespace declarations, as UTF-8; those of
    sets stand under their setSpecs in ``of_sets``.
    """

    def __init__(
        self,
        repository: Repository,
        identity: Identity,
        tokens: Signer,
        settings: Limits | None = None,
        descriptions: Sequence[bytes] = (),
        of_sets: Mapping[str, Sequence[bytes]] = _NONE,
    ) -> None:
        self._repository = repository
        self._identity = identity
        self._descriptions = descriptions
        self._of_sets = of_sets
        self._lists = Lists(repository, tokens, settings or Limits())
        self._verbs = {
            "Identify": self._identify,
            "ListMetadataFormats": self._list_metadata_formats,
            "ListSets": self._list_sets,
            "ListIdentifiers": self._list,
            "ListRecords": self._list,
            "GetRecord": self._get_record,
        }

    def answer(self, given: Sequence[tuple[str, str]]) -> Document:
        """Return the whole answer to the arguments of a request, as :func:`arguments.decode` gives them.

        Raises:
            StaleNode: this node lags behind the one that gave the token: answer 503. What the store raises passes too.
        """
        resumes = any(name == arguments.TOKEN for name, _ in given)
        clock = self._repository.clock(tick=not resumes)
        echo: dict[str, str] = {}
        try:
            request = arguments.parse(given)
            echo = {"verb": request.verb, **request.given}
            answer = self._verbs[request.verb](request, clock)
            content = [f"<{request.verb}>\n".encode(), *answer.content, f"</{request.verb}>\n".encode()]
        except Refused as refused:
            if any(code in UNPARSED for code, _ in refused.faults):
                echo = {}
            content = [envelope.errors(refused.faults)]
            answer = Answer(content)
        responded = clock.horizon - 1 if answer.responded is None else answer.responded
        whole = envelope.document(self._identity.base_url, responded, echo, content)
        return Document(whole, answer.expires, answer.settled)

    def _identify(self, _request: Request, clock: Horizon) -> Answer:
        identity = self._identity
        text = (
            element("repositoryName", identity.repository_name)
            + element("baseURL", identity.base_url)
            + element("protocolVersion", "2.0")
            + "".join(element("adminEmail", address) for address in identity.admin_emails)
            + element("earliestDatestamp", datestamps.to_text(clock.earliest))
            + element("deletedRecord", identity.deleted_record)
            + element("granularity", "YYYY-MM-DDThh:mm:ssZ")
            + element("compression", "gzip")
        )
        scheme = oai_identifier(identity.domain, self._repository.identifiers(_SAMPLES))
        return Answer([text.encode(), *_described("description", [scheme, *self._descriptions])])

    def _list_metadata_formats(self, request: Request, _clock: Horizon) -> Answer:
        formats = self._repository.formats()
        identifier = request.given.get("identifier")
        if identifier is not None:
            prefixes = self._repository.formats_of(identifier)
            if prefixes is None:
                raise Refused(_unknown_identifier())
            formats = [format_ for format_ in formats if format_.prefix in prefixes]
        if not formats:
            raise Refused(Fault("noMetadataFormats", "there is no metadata format for this item"))
        return Answer(map(_format, formats))

    def _list_sets(self, request: Request, clock: Horizon) -> Answer:
        if arguments.TOKEN in request.given:
            self._lists.resumed(request, clock)  # refuses it: a list of sets comes whole, so no token is for it
        sets = self._repository.sets()
        if not sets:
            raise Refused(_no_sets())
        return Answer(self._set(set_) for set_ in sets)

    def _set(self, set_: Set) -> bytes:
        own = [description_of_set(set_.description)] if set_.description else []
        described = _described("setDescription", [*own, *self._of_sets.get(set_.spec, ())])
        named = f"<set>{element('setSpec', set_.spec)}{element('setName', set_.name)}"
        return b"".join([named.encode(), *described, b"</set>\n"])

    def _list(self, request: Request, clock: Horizon) -> Answer:
        if arguments.TOKEN not in request.given:
            if faults := [*self._unknown(request.given)]:
                raise Refused(*faults)
            place = self._lists.begun(request, clock)
            return Answer(self._lists.page(place, clock).pieces, responded=place.horizon - 1)
        place = self._lists.resumed(request, clock)
        if place.upper >= clock.horizon:  # no page is settled before its window is closed, and nobody else may close it
            clock = self._repository.clock(tick=True)
        page = self._lists.page(place, clock)
        return Answer(
            page.pieces,
            responded=place.horizon - 1,
            expires=place.expires if page.within else None,
            settled=page.within and place.upper < clock.horizon,
        )

    def _get_record(self, request: Request, _clock: Horizon) -> Answer:
        prefix, identifier = request.given["metadataPrefix"], request.given["identifier"]
        faults = [*self._unknown(request.given)]
        row = None if faults else self._repository.record(prefix, identifier)
        if row is not None:
            return Answer(records.records([row]))
        if self._repository.formats_of(identifier) is None:
            faults.append(_unknown_identifier())
        raise Refused(*faults or [Fault("cannotDisseminateFormat", "this item cannot be given in this format")])

    def _unknown(self, given: Mapping[str, str]) -> Iterator[Fault]:
        """Yield what the repository does not have, of set and metadataPrefix."""
        if "set" in given and not self._repository.has_sets():
            yield _no_sets()
        if all(format_.prefix != given["metadataPrefix"] for format_ in self._repository.formats()):
            yield Fault("cannotDisseminateFormat", "this repository has no such format; see ListMetadataFormats")


def _described(name: str, descriptions: Iterable[bytes]) -> Iterator[bytes]:
    for description in descriptions:
        yield b"<%b>%b</%b>\n" % (name.encode(), description, name.encode())


def _no_sets() -> Fault:
    return Fault("noSetHierarchy", "this repository has no sets")


def _unknown_identifier() -> Fault:
    return Fault("idDoesNotExist", "there is no item with this identifier in this repository")


def _format(format_: MetadataFormat) -> bytes:
    return (
        f"<metadataFormat>{element('metadataPrefix', format_.prefix)}{element('schema', format_.schema)}"
        f"{element('metadataNamespace', format_.namespace)}</metadataFormat>\n"
    ).encode()
