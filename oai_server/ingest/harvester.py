"""Copying another repository: all of it the first time, then what has changed since, without a gap.

A list is taken page by page. A page is published first and remembered then, with the token that goes on behind it: who
is killed goes on there, or takes a page twice, which is harmless. The next run asks from the first responseDate of the
last run that came to the end of its list, a granule earlier; no clock of ours is ever asked.

Deletions come as deleted headers, where the server keeps them. Where it does not, what it lists is compared with what
is stored, by identifiers alone: a *sweep*. A guard refuses to withdraw more than the plan allows.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count, islice
from urllib.parse import urlsplit

from metadata_formats import registry
from oai_server.ingest.importer import Intake, Keys, Plan, Report
from oai_server.ingest.oai import Translation, earlier, moment
from oai_server.ingest.oai_client import Client, HarvestError
from oai_server.ingest.oai_response import Broken, Header, NamedSet, Response
from oai_server.ingest.profile import nearest
from oai_server.ingest.reader import Found, Rejected
from oai_server.store.repository import Store
from oai_server.store.sets import Declared, slug
from oai_server.store.upstream import Upstream

PREFERRED = ("mods", "marc21", "lido")
"""Formats to harvest in, the richest first; oai_dc comes behind all others."""
SWEEP_AFTER = {"no": timedelta(0), "transient": timedelta(days=30)}
"""How old the last sweep may grow, by the deletedRecord of Identify. ``persistent`` needs none."""

SETS_TOLD = 10
"""Sets of a server that are named where it has not the one that is wanted."""


@dataclass(frozen=True)
class Limits:
    """When a list is taken for one that never ends: pages in all, and pages in a row without anything new."""

    pages: int = 1_000_000
    barren: int = 100
    pages_of_sets: int = 100


LIMITS = Limits()


@dataclass(frozen=True)
class Wish:
    """Which list of the other repository is wanted, and how.

    Without a ``prefix`` it is the richest format that can be read. ``sweep`` looks for what is no longer listed, always
    or never; None leaves it to what the server promises of deletions.
    """

    prefix: str | None = None
    setspec: str = ""
    full: bool = False
    sweep: bool | None = None


class _TokenRefused(Exception):
    """The server does not take a resumption token that it gave out."""


class _Endless(HarvestError):
    """A list that goes on without end; it makes no sense to go on with its token."""


def source_of(url: str) -> str:
    """Return the name of a source that is harvested from a URL, where people give it none."""
    return slug((urlsplit(url).hostname or "source").removeprefix("www."))


def labels(source: str, header: Header) -> list[str]:
    """Return what a source's sets are called here: below one of the source's own name."""
    return [f"{source}:{spec}" for spec in header.setspecs] or [source]


class Harvester:
    """Copies one list of another repository into a source of ours."""

    def __init__(
        self, store: Store, client: Client, translation: Translation, intake: Intake, plan: Plan, wish: Wish,
        report: Report, named: Collection[str] = (), limits: Limits | None = None,
    ) -> None:  # fmt: skip
        """Take what is wanted; ``named`` are sets that the settings name, and nobody else."""
        self._store = store
        self._client = client
        self._translation = translation
        self._intake = intake
        self._plan = plan
        self._wish = wish
        self._report = report
        self._named = named
        self._limits = limits or LIMITS
        self._about: dict[str, str] = {}

    def run(self, progress: Callable[[int], None] = lambda _: None) -> Report:
        """Harvest what is new, or all of it. Can be killed at any point and run again.

        Raises:
            HarvestError: it cannot go on; what came in before stays.
            StoreError: the database failed.
        """
        response = self._client.ask("Identify")
        if response.verb != "Identify":
            raise HarvestError(f"{self._client.url}: {_refusal('Identify', response)}")
        self._about = response.about
        state = self._state()
        for again in (True, False):
            try:
                with Keys() as seen:
                    self._pass(state, seen, progress)
                break
            except _TokenRefused as error:
                state = self._save(replace(state, token=None, started=None))
                if not again:
                    raise HarvestError(
                        f"{self._client.url}: the server refused its own resumption token, twice ({error}); "
                        "what came in before stays, and the next harvest begins this list again"
                    ) from error
            except _Endless:
                self._save(replace(state, token=None, started=None))
                raise
        if not self._plan.dry_run:
            self._store.checkpoint()
        return self._report

    def _state(self) -> Upstream:
        """Return how far this list has come, after a look at what else the source is a copy of.

        Raises:
            HarvestError: it is a copy of something else, or the format cannot be read.
        """
        source, url, wish = self._plan.source, self._client.url, self._wish
        known = self._store.upstream(source)
        before = [one.prefix for one in known if one.url == url]
        if wish.prefix and wish.prefix not in before:
            self._refuse_unreadable(wish.prefix)
        prefix = wish.prefix or next(iter(before), None) or self._richest()
        others = [one for one in known if (one.url, one.prefix) != (url, prefix)]
        if others and not wish.full:
            raise HarvestError(
                f"the source {source} is a copy of {others[0].url} in {others[0].prefix}: name another --source, or "
                "begin anew with --full"
            )
        if not self._plan.dry_run:
            for one in others:
                self._store.forget_upstream(one)
        key = Upstream(source, url, prefix, wish.setspec)
        state = next((one for one in known if (one.url, one.prefix, one.setspec) == (url, prefix, wish.setspec)), key)
        by_day = state.by_day or "T" not in self._about.get("granularity", "").upper()
        state = replace(state, by_day=by_day)
        return replace(state, complete=None, started=None, token=None) if wish.full else state

    def _offered(self) -> list[tuple[str, str]]:
        """Return what the server offers: our prefix by the namespace, empty where we cannot read it, and its own."""
        ours = {namespace.rstrip("/"): made.prefix for (namespace, _), made in registry.readable().items()}
        response = self._client.ask("ListMetadataFormats")
        return [(ours.get(one.namespace.rstrip("/"), ""), one.prefix) for one in response.formats if one.prefix]

    def _refuse_unreadable(self, prefix: str) -> None:
        """Refuse a format whose namespace says that no record of it can be read; what is not listed may be tried.

        Raises:
            HarvestError: it is such a format.
        """
        offered = self._offered()
        if ("", prefix) in offered and not any(ours and theirs == prefix for ours, theirs in offered):
            readable = ", ".join(theirs for ours, theirs in offered if ours)
            raise HarvestError(
                f"{self._client.url}: {prefix} cannot be read here; of what it offers can be read: "
                f"{readable or 'nothing'}"
            )

    def _richest(self) -> str:
        """Return the prefix of the richest format that the server offers and we can read, known by its namespace."""
        offered = [(ours, theirs) for ours, theirs in self._offered() if ours]

        def rank(found: tuple[str, str]) -> tuple[int, bool]:
            place = PREFERRED.index(found[0]) if found[0] in PREFERRED else len(PREFERRED) + (found[0] == "oai_dc")
            return place, found[0] != found[1]  # of two with one namespace, the one that is called as everywhere

        return min(offered, key=rank)[1] if offered else "oai_dc"

    def _pass(self, state: Upstream, seen: Keys, progress: Callable[[int], None]) -> None:
        """Take the list from where it stands to its end, and withdraw what it no longer lists."""
        whole = state.token is None and state.complete is None  # all that is listed comes through here
        response, state = self._begin(state)
        nameless, taken, barren = None, 0, 0
        for page in self._pages("ListRecords", response, state.token):
            fresh, broken = self._take(page, seen)
            nameless = nameless or broken
            taken += len(page.records)
            barren = 0 if fresh else barren + 1
            if barren >= self._limits.barren:
                raise _Endless(
                    f"{self._client.url}: {barren} pages in a row without a record that is new: the list does not "
                    f"seem to end; {taken} records were taken, and stay"
                )
            by_day = state.by_day or any(not _exact(one) for one in page.records)
            state = self._save(replace(state, by_day=by_day, token=page.token.text if page.token else None))
            progress(len(page.records))
        whole_run = state.complete is None
        if state.started is None:
            self._remark("no responseDate", "the next harvest takes all again, for the server tells no time")
        state = self._save(replace(state, complete=state.started, started=None, token=None))
        if taken:
            self._name_sets()
        if whole:
            self._withdraw(state, seen, taken, nameless)
        elif (whole_run and self._wish.sweep is not False) or self._is_due(state):
            self._sweep(state)

    def _begin(self, state: Upstream) -> tuple[Response, Upstream]:
        """Ask for the first page, or for the one behind those that an earlier run has taken."""
        if state.token is not None:
            return self._client.ask("ListRecords", resumptionToken=state.token), state
        response = None
        for by_day in (state.by_day, not state.by_day):
            since = earlier(state.complete, by_day=by_day) if state.complete else ""
            response = self._client.ask("ListRecords", **self._selection(state), **({"from": since} if since else {}))
            state = replace(state, by_day=by_day)
            # A server that does not take dates in the granularity that it promises takes them in the other one.
            if not (since and "badArgument" in response.codes):
                break
        assert response is not None
        if "noRecordsMatch" in response.codes and state.setspec and state.complete is None:
            self._refuse_unlisted(state.setspec)
        started = moment(response.date)
        return response, replace(state, started=started.strftime("%Y-%m-%dT%H:%M:%SZ") if started else None)

    def _selection(self, state: Upstream) -> dict[str, str]:
        return {"metadataPrefix": state.prefix} | ({"set": state.setspec} if state.setspec else {})

    def _pages(self, verb: str, response: Response, sent: str | None = None) -> Iterator[Response]:
        """Yield the pages of a list whose first answer is given; ``sent`` is the token that it answers.

        Raises:
            HarvestError: the server refuses, or gives a list that does not end.
        """
        met = {_digest(sent)} if sent else set()
        for number in count(1):
            if "badResumptionToken" in response.codes and met:
                raise _TokenRefused(dict(response.errors)["badResumptionToken"] or "badResumptionToken")
            if "noRecordsMatch" in response.codes:
                return
            if response.errors or response.verb != verb:
                raise HarvestError(f"{self._client.url}: {_refusal(verb, response)}")
            yield response
            if response.token is None:
                return
            if _digest(response.token.text) in met:
                raise _Endless(
                    f"{self._client.url}: the server gave the same resumption token twice (page {number}): the list "
                    "does not end; what came in stays"
                )
            if number >= self._limits.pages:
                raise _Endless(f"{self._client.url}: no end of the list after {number} pages; what came in stays")
            met.add(_digest(response.token.text))
            response = self._client.ask(verb, resumptionToken=response.token.text)

    def _take(self, page: Response, seen: Keys) -> tuple[int, str | None]:
        """Publish a page; returns how many of its records are new to this run, and a broken one without identifier."""
        if page.mended:
            self._remark("page mended", page.mended)
        name, fresh, nameless = self._client.url, 0, None
        batch: dict[str, Found] = {}
        for record in page.records:
            finding = self._translation.finding(record, name, page.date)
            if isinstance(finding, Rejected):
                self._report.reject(name, "", finding.key, finding.message)
                if finding.key is None:
                    nameless = finding.message
            else:
                batch.pop(finding.key, None)  # twice on a page: the later one is the newer one
                batch[finding.key] = finding
            if finding.key is not None:
                fresh += seen.add(finding.key, "") is True
        for finding in batch.values():
            self._intake.take(name, finding)
        self._intake.flush()
        return fresh, nameless

    def _save(self, state: Upstream) -> Upstream:
        if not self._plan.dry_run:
            self._store.save_upstream(state)
        return state

    def _is_due(self, state: Upstream) -> bool:
        """Tell whether it is time to look for what is no longer listed."""
        if self._wish.sweep is not None:
            return self._wish.sweep
        age = SWEEP_AFTER.get(self._about.get("deletedRecord", "transient").strip().lower())
        if age is None:
            return False
        last, now = moment(state.swept or ""), moment(state.complete or "")
        return last is None or now is None or now - last >= age

    def _sweep(self, state: Upstream) -> None:
        """Withdraw what the server no longer lists, by identifiers alone."""
        with Keys() as listed:
            named, nameless, barren = 0, None, 0
            for page in self._pages("ListIdentifiers", self._client.ask("ListIdentifiers", **self._selection(state))):
                before = named
                for one in page.records:
                    key = one.identifier if isinstance(one, Broken) else one.header.identifier
                    if key is None:
                        nameless = one.message if isinstance(one, Broken) else None
                    elif isinstance(one, Broken) or not one.header.deleted:
                        named += listed.add(key, "") is True
                barren = 0 if named > before else barren + 1
                if barren >= self._limits.barren:
                    raise _Endless(f"{self._client.url}: ListIdentifiers does not seem to end; nothing was withdrawn")
            self._withdraw(state, listed, named, nameless)

    def _withdraw(self, state: Upstream, listed: Keys, named: int, nameless: str | None) -> None:
        """Withdraw what is not among the keys that the server lists.

        Raises:
            HarvestError: that looks more like a fault of the server; nothing is withdrawn.
        """
        label = f"{state.source}:{state.setspec}" if state.setspec else ""
        ours = self._store.resolve_sets([label], write=False)[label] if label else ""
        with Keys() as doomed:
            weighed = self._intake.missing(listed, doomed, setspec=ours)
            empty = "" if named else "the server lists no record"
            if reason := self._intake.doubt(weighed, empty, nameless):
                raise HarvestError(f"{state.url}: what came in stays, but nothing was withdrawn: {reason}")
            if weighed.missing:
                self._intake.remove(doomed, listed, ours)
        self._save(replace(state, swept=state.complete))

    def _listed_sets(self) -> Iterator[NamedSet]:
        """Yield the sets that the server lists, as far as its pages are read."""
        response = self._client.ask("ListSets")
        if "noSetHierarchy" not in response.codes:
            for page in islice(self._pages("ListSets", response), self._limits.pages_of_sets):
                yield from page.sets

    def _refuse_unlisted(self, setspec: str) -> None:
        """Refuse a set in which nothing is where the server lists sets, and this is none of them.

        Not before something was asked for: a server need not list a set to know it.

        Raises:
            HarvestError: it is such a set.
        """
        try:
            listed = [one.spec for one in self._listed_sets()]
        except (HarvestError, _TokenRefused):
            return
        if listed and not any(spec == setspec or spec.startswith(f"{setspec}:") for spec in listed):
            more = f" and {len(listed) - SETS_TOLD} more" if len(listed) > SETS_TOLD else ""
            raise HarvestError(
                f"{self._client.url}: there is no set {setspec}{nearest(setspec, listed)} "
                f"(its sets: {', '.join(listed[:SETS_TOLD])}{more})"
            )

    def _name_sets(self) -> None:
        """Call the sets that came in what the other repository calls them."""
        named = {self._plan.source: NamedSet("", self._about.get("repositoryName", ""))}
        try:
            named |= {f"{self._plan.source}:{one.spec}": one for one in self._listed_sets()}
        except (HarvestError, _TokenRefused) as error:
            self._remark("sets without names", str(error))
        specs = self._store.resolve_sets(named, write=False)
        if not self._plan.dry_run:
            self._store.describe_sets(
                Declared(specs[label], one.name, one.description or None)
                for label, one in named.items()
                if one.name and specs[label] not in self._named
            )

    def _remark(self, kind: str, value: str) -> None:
        self._report.remarks[kind] += 1
        self._report.remark(self._client.url, "", "", kind, "", value)


def _digest(token: str) -> bytes:
    return hashlib.blake2b(token.encode(errors="replace"), digest_size=16).digest()


def _exact(record: object) -> bool:
    """Tell whether a record's datestamp says to the second when it changed, and in which zone."""
    stamp = "" if isinstance(record, Broken) else record.header.datestamp  # type: ignore[attr-defined]
    return isinstance(record, Broken) or re.search(r"T.*(Z|[+-]\d\d:?\d\d)$", stamp, re.IGNORECASE) is not None


def _refusal(verb: str, response: Response) -> str:
    """Say what a server answered instead of what it was asked for."""
    if response.errors:
        code, text = response.errors[0]
        return f"the server refuses {verb}: {code}{f' ({text})' if text else ''}"
    return f"the server answers {response.verb or 'nothing'} to {verb}"
