"""Walks the records once and keeps what a first refusal turns on: who was told what, who answered, what was awarded.

Judges nothing but whether a record can be read. What is kept carries the number of its record, since evidence counts
only where it was on record before the award that rests on it. Memory grows with contracts, notices and awards, not
with runs.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from multihome_verify.facts import (
    Answer,
    Award,
    Clause,
    Contract,
    Notice,
    Pool,
    Provider,
    Tranche,
    Use,
    Waiver,
    read_answer,
    read_award,
    read_contract,
    read_notice,
    read_pool,
    read_provider,
    read_waiver,
)
from multihome_verify.fields import Fields, UnreadableError
from multihome_verify.findings import Finding, FindingKind

# A body that holds none of these holds no fact that is kept. A backslash before `u` may spell any of them.
_WORTH_READING = (
    b'"RunIntended"',
    b'"AwardMade"',
    b'"NoticeServed"',
    b'"NoticeAnswered"',
    b'"ProviderLost"',
    b'"ProviderRestored"',
    b'"Contract"',
    b'"Waiver"',
    b'"Pool"',
    b'"Provider"',
    b"\\u",
)


_NEVER = 1 << 62


@dataclass(frozen=True)
class Served:
    """A notice, and when it was recorded: the record's number, the event's among all, and contract time then."""

    seq: int
    order: int
    recorded_ms: int
    notice: Notice


@dataclass(frozen=True)
class Answered:
    """The end of a notice, and when it was recorded."""

    seq: int
    order: int
    recorded_ms: int
    answer: Answer


@dataclass(frozen=True)
class Capacity:
    """What a clause asks of capacity that was awarded: a tranche's or an award's, brought to one form."""

    seq: int
    name: str
    provider: Provider
    region: str
    accelerator: str
    chips: int
    new_capacity: bool
    use: Use
    starts_ms: int
    ends_ms: int
    rate: int
    currency: str
    awarded_ms: int


@dataclass(frozen=True)
class Made:
    """An award on record; `order` counts events, and tells what came before it."""

    order: int
    capacity: Capacity
    award: Award


@dataclass(frozen=True)
class Loss:
    """Contract time in which a provider was declared lost, and the events by which that began and ended."""

    order: int
    lost_ms: int
    back_order: int
    back_ms: int

    def stood(self, at_ms: int, order: int) -> bool:
        """Say whether it stood at an instant, as far as was on record before an event."""
        return self.order < order and self.lost_ms <= at_ms and (at_ms < self.back_ms or order < self.back_order)


@dataclass
class Version:
    """One version of a tranche, and the runs that were placed on it: how many, and the first.

    Events before `order` were on record when it was recorded.
    """

    capacity: Capacity
    tranche: Tranche
    order: int
    runs: int = 0
    first_run: str = ""
    first_seq: int = 0


@dataclass
class History:
    """All that was kept. Keys are ids; versions stand in the order in which they were recorded."""

    records: int = 0
    contracts: dict[str, list[tuple[int, Contract]]] = field(default_factory=dict[str, list[tuple[int, Contract]]])
    tranches: dict[str, list[Version]] = field(default_factory=dict[str, list[Version]])
    waivers: dict[str, tuple[int, Waiver]] = field(default_factory=dict[str, tuple[int, Waiver]])
    notices: dict[str, Served] = field(default_factory=dict[str, Served])
    answers: dict[str, list[Answered]] = field(default_factory=dict[str, list[Answered]])
    awards: dict[str, Made] = field(default_factory=dict[str, Made])
    losses: dict[str, list[Loss]] = field(default_factory=dict[str, list[Loss]])
    findings: list[Finding] = field(default_factory=list[Finding])
    _pools: dict[str, Pool] = field(default_factory=dict[str, Pool])
    _providers: dict[str, Provider] = field(default_factory=dict[str, Provider])
    _order: int = 0

    def take(self, seq: int, body: bytes) -> None:
        """Take a record in; what cannot be read is a finding."""
        self.records += 1
        # A loop, since `any` over a generator costs a million records as much as their hashes do.
        for mark in _WORTH_READING:
            if mark in body:
                break
        else:
            return
        try:
            self._take(seq, Fields(json.loads(body.decode())))
        # A body is anybody's text: bad JSON and UTF-8 are ValueErrors, thousands of brackets a RecursionError.
        except (UnreadableError, ValueError, RecursionError, OverflowError) as error:
            self._note(FindingKind.UNREADABLE, seq, f"record {seq} cannot be read: {str(error)[:200]}")

    def clauses_for(self, seq: int) -> Iterator[Clause]:
        """The clauses of every contract as it stood at a record, or as it first stood where it came later."""
        for versions in self.contracts.values():
            standing = [contract for at, contract in versions if at <= seq]
            yield from (standing[-1] if standing else versions[0][1]).clauses

    def _take(self, seq: int, record: Fields) -> None:
        recorded_ms = record.inner("at").instant("contract_ms")
        events = record.each("events", lambda event: event)
        documents = [event.inner("document") for event in events if event.text("type") == "DocumentRecorded"]
        # All documents of a record are recorded together, in whatever order: tranches are read when pools are known.
        for document in documents:
            self._take_place(seq, document)
        if documents:
            self._look_again(seq)
        for document in documents:
            if document.text("type") == "Contract":
                self._take_contract(seq, read_contract(document))
        for event in events:
            self._order += 1
            self._take_event(seq, recorded_ms, event)

    def _take_place(self, seq: int, document: Fields) -> None:
        match document.text("type"):
            case "Pool":
                pool = read_pool(document)
                self._pools[pool.id] = pool
            case "Provider":
                provider = read_provider(document)
                self._providers[provider.id] = provider
            case "Waiver":
                waiver = read_waiver(document)
                self.waivers.setdefault(waiver.id, (seq, waiver))
            case _:
                return

    def _take_contract(self, seq: int, contract: Contract) -> None:
        self.contracts.setdefault(contract.id, []).append((seq, contract))
        for tranche in contract.tranches:
            capacity = self._tranche_capacity(seq, tranche)
            versions = self.tranches.setdefault(tranche.id, [])
            if not versions or versions[-1].tranche != tranche:
                versions.append(Version(capacity, tranche, self._order + 1))

    def _look_again(self, seq: int) -> None:
        """Where a pool or provider is described anew, what stands there may be other capacity than before."""
        for versions in self.tranches.values():
            found = self._tranche_capacity(seq, versions[-1].tranche)
            if replace(found, seq=versions[-1].capacity.seq) != versions[-1].capacity:
                versions.append(Version(found, versions[-1].tranche, versions[-1].order))

    def _take_event(self, seq: int, recorded_ms: int, event: Fields) -> None:
        match event.text("type"):
            case "NoticeServed":
                self._take_notice(Served(seq, self._order, recorded_ms, read_notice(event.inner("notice"))))
            case "NoticeAnswered":
                answer = read_answer(event.inner("answer"))
                self.answers.setdefault(answer.notice_id, []).append(Answered(seq, self._order, recorded_ms, answer))
            case "AwardMade":
                self._take_award(seq, event.inner("award"))
            case "ProviderLost":
                lost = Loss(self._order, recorded_ms, _NEVER, _NEVER)
                self.losses.setdefault(event.text("provider_id"), []).append(lost)
            case "ProviderRestored":
                losses = self.losses.get(event.text("provider_id"), [])
                if losses and losses[-1].back_order == _NEVER:
                    losses[-1] = replace(losses[-1], back_order=self._order, back_ms=recorded_ms)
            case "RunIntended":
                self._take_run(seq, event)
            case _:
                return

    def _take_notice(self, served: Served) -> None:
        if served.notice.id in self.notices:
            self._note(FindingKind.OUT_OF_ORDER, served.seq, f"notice {served.notice.id} was served before")
            return
        self.notices[served.notice.id] = served

    def _take_award(self, seq: int, fields: Fields) -> None:
        award = read_award(fields)
        if award.id in self.awards:
            self._note(FindingKind.OUT_OF_ORDER, seq, f"award {award.id} was made before")
            return
        self.awards[award.id] = Made(self._order, self._award_capacity(seq, award), award)

    def _take_run(self, seq: int, event: Fields) -> None:
        tranche_id = event.inner("allocation").text("tranche_id")
        versions = self.tranches.get(tranche_id)
        if not versions:
            text = f"a run was placed on tranche {tranche_id[:100]}, which is not on record"
            self._note(FindingKind.PLACED_WITHOUT_PERMISSION, seq, text)
            return
        version = versions[-1]
        version.runs += 1
        if version.runs == 1:
            version.first_run, version.first_seq = event.text("run_id"), seq

    def _tranche_capacity(self, seq: int, tranche: Tranche) -> Capacity:
        pool = self._pools.get(tranche.pool_id)
        if pool is None:
            msg = f"pool {tranche.pool_id[:100]} of tranche {tranche.id[:100]} is not on record"
            raise UnreadableError(msg)
        return Capacity(
            seq=seq,
            name=tranche.id,
            provider=self._provider(tranche.provider),
            region=pool.region,
            accelerator=pool.accelerator,
            chips=tranche.nodes * pool.chips_per_node,
            new_capacity=tranche.new_capacity,
            use=tranche.use,
            starts_ms=tranche.promised_ms,
            ends_ms=tranche.ends_ms,
            rate=tranche.rate,
            currency=tranche.currency,
            awarded_ms=tranche.awarded_ms,
        )

    def _award_capacity(self, seq: int, award: Award) -> Capacity:
        pool = self._pools.get(award.pool_id)
        if pool is None or (pool.provider, pool.accelerator, pool.region) != (
            award.provider,
            award.terms.accelerator,
            award.terms.region,
        ):
            self._note(FindingKind.OTHER_TERMS, seq, f"award {award.id[:100]} is not of what its pool has")
        return Capacity(
            seq=seq,
            name=award.id,
            provider=self._provider(award.provider),
            region=award.terms.region,
            accelerator=award.terms.accelerator,
            chips=award.terms.chips,
            new_capacity=award.new_capacity,
            use=award.use,
            starts_ms=award.terms.starts_ms,
            ends_ms=award.terms.ends_ms,
            rate=award.terms.rate,
            currency=award.terms.currency,
            awarded_ms=award.awarded_ms,
        )

    def _provider(self, provider_id: str) -> Provider:
        found = self._providers.get(provider_id)
        if found is None:
            msg = f"provider {provider_id[:100]} is not on record"
            raise UnreadableError(msg)
        return found

    def _note(self, kind: FindingKind, seq: int, text: str) -> None:
        self.findings.append(Finding(kind, seq, text))
