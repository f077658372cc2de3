"""Reads a journal from its first record on and holds it against the invariants, by replaying what it says.

Needs the records alone: no engine, no clock, and none of the state that the live control plane has. Repairs nothing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from multihome.controller.apply import apply, keep_answer, touch
from multihome.controller.invariants import Violation, check, check_award, check_placement
from multihome.controller.state import RunState, State
from multihome.domain.commands import Accepted, Apply, Request, Submit
from multihome.domain.events import (
    AwardMade,
    ChipTimeMetered,
    CreditClaimed,
    Event,
    PeriodSettled,
    RunEnded,
    RunFenced,
    RunIntended,
    RunProgressed,
    WorkloadSubmitted,
)
from multihome.domain.ids import RunId, WorkloadId
from multihome.domain.refusals import Refusal
from multihome.ledger.charges import ChargeLine, Posting, charge_lines, imbalance, postings
from multihome.ledger.commitments import charges_of, commitment_postings, prepaid_accounts
from multihome.ports.journal import GENESIS_HASH, JournalRow, chain_hash
from multihome.units.calendar import Period, period_interval
from multihome.units.time import Now
from multihome.views.recount import Cost, Costs, Dimension, Recount, add_cost, differences
from multihome.views.resettling import Resettling, is_change

CHECK_EVERY = 1_000
"""Records between looks at the whole state; single events are always looked at."""
VIOLATIONS_MAX = 100
"""Violations of one invariant that are kept; a journal that is broken throughout needs no longer list."""

INVARIANTS = {
    "I1": "one live run per unit, of rising generation",
    "I3": "every accepted command left what it promised",
    "I4": "postings balance",
    "I5": "chip time is metered once, without gap or overlap, within a month, and charged as it ran",
    "I6": "every period of a commitment is settled once, as usage, deliveries and terms come to",
    "I7": "every award and every placement is permitted, and breaks no exclusivity",
    "I9": "records form one unbroken chain that extends the anchor",
    "I10": "process time never goes back",
    "I11": "placements keep to capacity, domains and quotas",
}
"""What is audited, in words, in the order in which it is shown."""


class AuditLine(msgspec.Struct, frozen=True):
    """One invariant: how many things were held against it, and which of them broke it."""

    invariant: str
    words: str
    checked: int
    violations: tuple[Violation, ...]


class AuditReport(msgspec.Struct, frozen=True):
    """What an audit found. `records` and `events` say how much was read; nothing read is nothing shown."""

    records: int
    events: int
    head: tuple[int, str]
    lines: tuple[AuditLine, ...]

    @property
    def holds(self) -> bool:
        """Say whether something was read and nothing was found wrong."""
        return self.records > 0 and not any(line.violations for line in self.lines)


class _Step(msgspec.Struct, frozen=True):
    """The part of a record that an audit reads."""

    at: Now
    events: tuple[Event, ...]
    request: Request | None = None
    accepted: Accepted | None = None
    refused: Refusal | None = None


_STEPS = msgspec.json.Decoder(_Step)


def audit(rows: Iterable[JournalRow], anchor: tuple[int, str] = (0, GENESIS_HASH)) -> AuditReport:
    """Audit records from the first one on; `anchor` is a head that was kept elsewhere and must be found among them."""
    auditor = _Auditor(anchor)
    for row in rows:
        if not auditor.take(row):
            break
    return auditor.report()


class _Auditor:
    """The replayed state, and what was counted and found so far."""

    def __init__(self, anchor: tuple[int, str]) -> None:
        self._anchor = anchor
        self._head = (0, GENESIS_HASH)
        self._state = State()
        self._checked: Counter[str] = Counter()
        self._found: dict[str, list[Violation]] = {name: [] for name in INVARIANTS}
        self._events = 0
        self._generations: dict[tuple[WorkloadId, int], int] = {}
        self._submitted: dict[WorkloadId, str] = {}
        self._recount = Recount()
        self._metered_until: dict[RunId, int] = {}
        self._usage: list[ChipTimeMetered] = []
        self._resettling = Resettling()
        self._settled: list[PeriodSettled] = []
        self._claimed: list[CreditClaimed] = []

    def take(self, row: JournalRow) -> bool:
        """Take one record in; False when nothing after it can be read."""
        seq, last_hash = self._head
        # Bytes by the port's word; but a database that was tampered with may hold text, which has no hash.
        if row.seq != seq + 1 or type(row.body) is not bytes or row.hash != chain_hash(last_hash, row.body):
            self._note([Violation("I9", f"record {row.seq}", f"it does not follow from record {seq}")])
            return False
        self._head = (row.seq, row.hash)
        self._checked["I9"] += 1
        if row.seq == self._anchor[0] and row.hash != self._anchor[1]:
            self._note([Violation("I9", f"record {row.seq}", "it is not the one that was anchored")])
        try:
            step = _STEPS.decode(row.body)
            self._fold(step)
        except (msgspec.MsgspecError, LookupError, AssertionError) as error:
            self._note([Violation("I9", f"record {row.seq}", f"it cannot be replayed: {error!r}")])
            return False
        if row.seq % CHECK_EVERY == 0:
            self._note(check(self._state, step.at))
        return True

    def report(self) -> AuditReport:
        """Look at the whole once more, and sum up."""
        self._note(check(self._state, self._state.last))
        self._note(self._balance())
        self._note(self._recounted())
        self._note(Violation("I6", subject, text) for subject, text in self._resettling.overdue(self._state))
        if self._head[0] < self._anchor[0]:
            self._note(
                [Violation("I9", f"record {self._anchor[0]}", "it was anchored, and the journal ends before it")]
            )
        lines = tuple(
            AuditLine(name, words, self._checked[name], tuple(self._found[name])) for name, words in INVARIANTS.items()
        )
        return AuditReport(self._head[0], self._events, self._head, lines)

    def _note(self, violations: Iterable[Violation]) -> None:
        for violation in violations:
            found = self._found[violation.invariant]
            if len(found) < VIOLATIONS_MAX:
                found.append(violation)

    def _fold(self, step: _Step) -> None:
        state = self._state
        if step.at.process_ms < state.last.process_ms:
            self._note([Violation("I10", "clock", f"{step.at.process_ms} comes after {state.last.process_ms}")])
        self._checked["I10"] += 1
        is_repeat = step.request is not None and step.request.key in state.answers
        for event in step.events:
            self._note(self._before(event, step.at))
            if isinstance(event, PeriodSettled):
                self._note(self._resettled(event, step.at))
            elif isinstance(event, CreditClaimed):
                self._claimed.append(event)
            apply(state, event, step.at)
            self._recount.take(event, step.at)
            self._events += 1
            if isinstance(event, AwardMade):
                self._checked["I7"] += 1
                self._note(check_award(state, event.award))
            if isinstance(event, RunIntended):
                self._note(_overfull(state, state.runs[event.run_id]))
        touch(state, step.at)
        self._resettling.lived(step.at, is_change=any(is_change(event) for event in step.events))
        answer = step.accepted or step.refused
        if step.request is not None and answer is not None:
            self._note(self._promised(step.request, step, is_repeat=is_repeat))
            keep_answer(state, step.request.key, step.request.body_sha256, answer)

    def _before(self, event: Event, at: Now) -> Iterator[Violation]:
        """What an event says, held against the state that it finds."""
        match event:
            case RunIntended():
                yield from self._intended(event, at)
            case ChipTimeMetered():
                yield from self._metered(event)
            case RunEnded() | RunFenced():
                yield from self._complete(self._state.runs[event.run_id], at)
            case RunProgressed():
                before = self._state.runs[event.run_id].progress
                if before is not None and event.progress.step < before.step:
                    yield Violation("I1", event.run_id, f"its progress goes back from step {before.step}")
            case WorkloadSubmitted():
                if event.workload_id in self._submitted:
                    yield Violation("I3", event.workload_id, "it was submitted twice")
                self._submitted[event.workload_id] = event.spec.name
            case _:
                pass

    def _intended(self, event: RunIntended, at: Now) -> Iterator[Violation]:
        for name in ("I1", "I7", "I11"):
            self._checked[name] += 1
        unit = (event.workload_id, event.unit)
        if event.generation <= self._generations.get(unit, 0):
            yield Violation("I1", event.run_id, "its generation came before")
        self._generations[unit] = event.generation
        yield from check_placement(self._state, event, at)

    def _metered(self, event: ChipTimeMetered) -> Iterator[Violation]:
        self._checked["I5"] += 1
        self._usage.append(event)
        self._resettling.metered(self._state, event)
        used = event.interval
        run = self._state.runs.get(event.run_id)
        if run is None or run.started is None:
            yield Violation("I5", event.run_id, "it was metered, and did not run")
            return
        due_ms = self._metered_until.get(run.id, run.started.contract_ms)
        if used.start_ms != due_ms:
            yield Violation("I5", run.id, f"metered from {used.start_ms}, and {due_ms} was due: a gap or an overlap")
        self._metered_until[run.id] = used.end_ms
        month = period_interval(used.start_ms, Period.MONTH, self._state.contracts[event.contract_id].calendar.zone)
        if used.end_ms <= used.start_ms or used.end_ms > month.end_ms or event.month_start_ms != month.start_ms:
            yield Violation("I5", run.id, "the interval is empty or crosses a month of the contract, or names another")
        if event.chip_ms != run.allocation.chips * (used.end_ms - used.start_ms):
            yield Violation("I5", run.id, f"{event.chip_ms} is not chips × milliseconds")
        tranche_id = run.allocation.tranche_id
        rates = {
            tranche.rate_micro_usd_per_chip_hour
            for contract in self._state.contracts.values()
            for tranche in contract.tranches
            if tranche.id == tranche_id
        }
        if event.tranche_id != tranche_id or event.rate_micro_usd_per_chip_hour not in rates:
            yield Violation("I5", run.id, f"it was metered at a rate that is not that of tranche {tranche_id}")

    def _resettled(self, event: PeriodSettled, at: Now) -> Iterator[Violation]:
        self._checked["I6"] += 1
        self._settled.append(event)
        subject = f"{event.clause.contract_id}/{event.clause.clause_id}@{event.tranche_id}"
        for text in self._resettling.settled(self._state, event, at):
            yield Violation("I6", subject, text)

    def _complete(self, run: RunState, at: Now) -> Iterator[Violation]:
        """At the end of a run that counts, its chip time is metered to that instant."""
        if run.replaced or run.started is None:
            return
        until_ms = self._metered_until.get(run.id, run.started.contract_ms)
        if until_ms < at.contract_ms:
            yield Violation("I5", run.id, f"{at.contract_ms - until_ms} ms before its end are not metered")

    def _promised(self, request: Request, step: _Step, *, is_repeat: bool) -> Iterator[Violation]:
        self._checked["I3"] += 1
        if is_repeat:
            yield Violation("I3", request.key, "the key was answered before, and was decided again")
        if step.accepted is None:
            return
        for workload_id in step.accepted.workload_ids:
            if isinstance(request.command, Submit | Apply) and workload_id not in self._submitted:
                yield Violation("I3", workload_id, "it was accepted, and no workload was recorded")
        if isinstance(request.command, Submit):
            specs = [event.spec for event in step.events if isinstance(event, WorkloadSubmitted)]
            if specs != [request.command.spec]:
                yield Violation("I3", request.key, "what was recorded is not what was submitted")

    def _balance(self) -> Iterator[Violation]:
        lines = charge_lines(self._usage)
        entries = [*postings(lines), *self._beside_usage(lines)]
        self._checked["I4"] += len(entries)
        for currency, left in imbalance(entries).items():
            yield Violation("I4", currency, f"postings are {left} micro-units out of balance")

    def _beside_usage(self, lines: list[ChargeLine]) -> list[Posting]:
        """The postings of settlements, credits, fees and prepayments."""
        state, now_ms = self._state, self._state.last.contract_ms
        prepaid = [
            account
            for contract in state.contracts.values()
            for account in prepaid_accounts(contract, charges_of(contract, lines, self._settled, now_ms), now_ms)
        ]
        return commitment_postings(self._settled, self._claimed, state.terminations.values(), prepaid)

    def _recounted(self) -> Iterator[Violation]:
        """I5: run times and rates come to what usage was charged; live runs count as far as they are metered."""
        lines = charge_lines(self._usage)
        self._checked["I5"] += len(lines)
        recounted = self._recount.costs(lambda run_id: self._metered_until.get(run_id, 0))
        for text in differences(recounted, _charged(lines, self._submitted)):
            yield Violation("I5", "costs", text)


def _charged(lines: Iterable[ChargeLine], names: dict[WorkloadId, str]) -> Costs:
    """What charge lines add up to, as a recount says it."""
    costs: Costs = {dimension: {} for dimension in Dimension}
    for line in lines:
        key, cost = line.key, Cost(line.chip_ms, line.amount_micro_usd)
        add_cost(costs, Dimension.PROVIDER, key.provider_id, cost)
        add_cost(costs, Dimension.CONTRACT, key.contract_id, cost)
        add_cost(costs, Dimension.TENANT, key.tenant_id, cost)
        add_cost(costs, Dimension.WORKLOAD, f"{names.get(key.workload_id, '?')} ({key.workload_id})", cost)
        add_cost(costs, Dimension.TOTAL, "total", cost)
    return costs


def _overfull(state: State, placed: RunState) -> Iterator[Violation]:
    """I11 on the domain of a run just placed; the whole state is looked at now and then."""
    seat = placed.allocation
    held: dict[int, int] = {}
    for run in state.runs.values():
        if run.allocation.domain_id == seat.domain_id:
            for share in run.allocation.nodes:
                held[share.node] = held.get(share.node, 0) + share.chips
    has = state.pools[seat.pool_id].chips_per_node
    for node, chips in held.items():
        if chips > has:
            yield Violation("I11", seat.domain_id, f"node {node} has {has} chips, and {chips} are allocated")
