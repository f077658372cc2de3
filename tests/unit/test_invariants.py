"""Every invariant is seen to be broken when it is: something is spoilt in one place, and the check says so."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from multihome.controller.apply import apply
from multihome.controller.invariants import check, check_placement
from multihome.controller.state import RunState, State
from multihome.domain import commands as cmd
from multihome.domain import events as ev
from multihome.domain.balances import MakeUpLot
from multihome.domain.ids import (
    ClassId,
    ContractId,
    DomainId,
    Generation,
    PoolId,
    ProviderId,
    RunId,
    TenantId,
    TrancheId,
    WorkloadId,
)
from multihome.domain.placements import Basis, NodeShare
from multihome.domain.procurement import TrancheStep
from multihome.domain.runs import Progress, Running
from multihome.ports.journal import GENESIS_HASH, JournalRow, chain_hash
from multihome.runtime.records import ENCODER, RECORDS, Record
from multihome.simulator.driver import simulate_journal
from multihome.units.time import Interval, Now
from multihome.views.audit import AuditReport, audit
from tests.builders import (
    ALPHA,
    BLUE,
    RED,
    contract,
    exclusivity,
    first_refusal,
    quota,
    service,
    tenant,
    training,
)
from tests.control import Control, installed

HOUR_MS = 3_600_000


def busy() -> Control:
    """Two runs of training, a service with a replica each on its own, and one gang that waits."""
    control = installed(tenant("lab/red", quota(24, 8, 8)), tenant("lab/blue", quota(24, 8, 8)))
    control.running(training("one"))
    control.running(training("two", tenant_id=BLUE))
    control.submit(training("large", num_nodes=2))
    control.submit(service("serve"))
    control.place()
    control.submit(training("waits", num_nodes=2))
    control.place()
    return control


def first_run(control: Control) -> RunState:
    return next(iter(control.state.runs.values()))


def reseat(control: Control, **changes: Any) -> None:
    run = first_run(control)
    run.allocation = msgspec.structs.replace(run.allocation, **changes)


def two_live_runs(control: Control) -> None:
    run = first_run(control)
    generation = Generation(run.generation + 1)
    twin = msgspec.structs.replace(run, id=RunId(f"{run.workload_id}.0.{generation}"), generation=generation)
    control.state.runs[twin.id] = twin


def forgotten_by_its_unit(control: Control) -> None:
    run = first_run(control)
    control.state.workloads[run.workload_id].units[0].run_id = None


def unit_names_nothing(control: Control) -> None:
    del control.state.runs[first_run(control).id]


def workload_gone(control: Control) -> None:
    del control.state.workloads[first_run(control).workload_id]


def not_waiting(control: Control) -> None:
    control.state.waiting.clear()
    control.state.class_blockers.clear()


def waits_for_nothing(control: Control) -> None:
    control.state.waiting[ClassId("c")] = {f"{first_run(control).workload_id}.0": None}


def backs_off_and_runs(control: Control) -> None:
    control.state.backing_off[f"{first_run(control).workload_id}.0"] = 1


def reasons_for_nobody(control: Control) -> None:
    control.state.class_blockers[ClassId("c")] = ()


def too_many_chips(control: Control) -> None:
    reseat(control, nodes=(NodeShare(node=0, chips=8), NodeShare(node=0, chips=8)))


def outside_the_domain(control: Control) -> None:
    reseat(control, nodes=(NodeShare(node=2, chips=8),))


def in_a_domain_that_is_not_there(control: Control) -> None:
    reseat(control, domain_id=DomainId("alpha-1/t1#9"))


def in_another_pool(control: Control) -> None:
    reseat(control, pool_id=PoolId("beta/main"))


def in_no_tranche(control: Control) -> None:
    reseat(control, tranche_id=TrancheId("alpha-1/none"))


def of_another_shape(control: Control) -> None:
    reseat(control, nodes=(NodeShare(node=0, chips=4),))


def before_delivery(control: Control) -> None:
    first_run(control).intended = Now(0, 0)


def acceptance_without_delivery(control: Control) -> None:
    del control.state.deliveries["D-1"]
    control.state.runs.clear()


def delivery_without_acceptance(control: Control) -> None:
    control.state.tranche_moves.clear()


def more_than_was_ordered(control: Control) -> None:
    known = control.state.contract_documents[ContractId("alpha-1")]
    parts = tuple(msgspec.structs.replace(part, domains=1) for part in known.tranches)
    control.state.contract_documents[known.id] = msgspec.structs.replace(known, tranches=parts)


def over_quota(control: Control) -> None:
    control.state.tenants[RED] = tenant("lab/red", quota(4, 2, 0))


def exclusive_elsewhere(control: Control) -> None:
    terms = exclusivity()
    other = contract("beta" if first_run(control).allocation.provider_id == ALPHA else "alpha", clauses=(terms,))
    control.state.contracts[other.id] = msgspec.structs.replace(control.state.contracts[other.id], clauses=(terms,))


def award_not_permitted(control: Control) -> None:
    for known in list(control.state.contracts.values()):
        if known.provider_id != first_run(control).allocation.provider_id:
            changed = msgspec.structs.replace(known, clauses=(first_refusal(),))
            control.state.contracts[known.id] = changed


def metered_before_its_start(control: Control) -> None:
    first_run(control).metered_until_ms -= 1


def runs_without_a_start(control: Control) -> None:
    run = first_run(control)
    run.started, run.metered_until_ms, run.phase = None, 0, Running(ready=False, endpoint="")


def taken_below_nothing(control: Control) -> None:
    control.state.taken_chip_ms["alpha-1/t1@0"] = -1


def checkpoint_beyond_its_step(control: Control) -> None:
    first_run(control).progress = Progress(step=1, checkpoint_step=2)


def recorded_in_the_future(control: Control) -> None:
    control.state.last = Now(0, control.process_ms + 1)


SPOILT: list[tuple[str, Callable[[Control], None]]] = [
    ("I1", two_live_runs),
    ("I1", forgotten_by_its_unit),
    ("I1", unit_names_nothing),
    ("I1", workload_gone),
    ("I1", checkpoint_beyond_its_step),
    ("I3", not_waiting),
    ("I3", waits_for_nothing),
    ("I3", backs_off_and_runs),
    ("I3", reasons_for_nobody),
    ("I5", metered_before_its_start),
    ("I5", runs_without_a_start),
    ("I5", taken_below_nothing),
    ("I7", exclusive_elsewhere),
    ("I7", award_not_permitted),
    ("I10", recorded_in_the_future),
    ("I11", too_many_chips),
    ("I11", outside_the_domain),
    ("I11", in_a_domain_that_is_not_there),
    ("I11", in_another_pool),
    ("I11", in_no_tranche),
    ("I11", of_another_shape),
    ("I11", before_delivery),
    ("I11", over_quota),
    ("I11", acceptance_without_delivery),
    ("I11", delivery_without_acceptance),
    ("I11", more_than_was_ordered),
]


def test_a_sound_state_breaks_nothing() -> None:
    control = busy()
    assert control.state.runs
    assert control.state.waiting
    assert check(control.state, control.now) == ()


@pytest.mark.parametrize(("invariant", "spoil"), SPOILT, ids=lambda item: getattr(item, "__name__", item))
def test_a_spoilt_state_breaks_the_invariant_that_it_spoils(invariant: str, spoil: Callable[[Control], None]) -> None:
    control = busy()
    spoil(control)
    assert invariant in {violation.invariant for violation in check(control.state, control.now)}


def placement() -> tuple[State, ev.RunIntended, Now]:
    """A placement that has just been decided, and the state before it."""
    control = installed(tenant("lab/red", quota(8, 0, 8)), tenant("lab/blue", quota(8, 8, 0)))
    control.submit(training("t"))
    before = msgspec.json.decode(msgspec.json.encode(control.state), type=State)
    decision = control.place()
    event = decision.events[0]
    assert isinstance(event, ev.RunIntended)
    return before, event, control.now


def test_a_placement_on_what_was_ended_is_seen_when_it_is_made_and_excused_when_the_end_came_after_it() -> None:
    state, event, at = placement()
    apply(state, event, at)
    assert check(state, at) == ()
    tranche_id = event.allocation.tranche_id
    ended = ev.TrancheMoved(
        tranche_id=tranche_id, step=TrancheStep.ORDER_ENDED, effective_ms=at.contract_ms, actor="ada", why="late"
    )
    apply(state, ended, at)
    assert check(state, at) == (), "nobody could know of an end with a date before its record"
    before, event, at = placement()
    apply(before, ended, at)
    assert {violation.invariant for violation in check_placement(before, event, at)} == {"I11"}


def test_a_sound_placement_breaks_nothing() -> None:
    assert list(check_placement(*placement())) == []


@pytest.mark.parametrize(
    ("invariant", "changes"),
    [
        ("I1", {"generation": Generation(0)}),
        ("I1", {"workload_id": WorkloadId("w-none")}),
    ],
)
def test_a_spoilt_placement_is_seen(invariant: str, changes: dict[str, Any]) -> None:
    before, event, now = placement()
    event = msgspec.structs.replace(event, **changes)
    assert invariant in {violation.invariant for violation in check_placement(before, event, now)}


def test_a_placement_on_the_wrong_basis_or_without_its_evidence_is_seen() -> None:
    before, event, now = placement()
    reason = msgspec.structs.replace(event.reason, basis=Basis.BORROWED)
    wrong = msgspec.structs.replace(event, reason=reason)
    assert "I11" in {violation.invariant for violation in check_placement(before, wrong, now)}
    evidence = msgspec.structs.replace(event.reason.evidence, code="waiver")
    wrong = msgspec.structs.replace(event, reason=msgspec.structs.replace(event.reason, evidence=evidence))
    assert "I7" in {violation.invariant for violation in check_placement(before, wrong, now)}


def test_a_placement_beyond_what_siblings_lend_is_seen() -> None:
    before, event, now = placement()
    before.tenants[RED] = tenant("lab/red", quota(0, 8, 8))
    before.tenants[BLUE] = tenant("lab/blue", quota(8, 0, 4))
    reason = msgspec.structs.replace(event.reason, basis=Basis.BORROWED)
    event = msgspec.structs.replace(event, reason=reason)
    assert "I11" in {violation.invariant for violation in check_placement(before, event, now)}


def test_a_second_placement_of_a_live_unit_is_seen() -> None:
    before, event, now = placement()
    apply(before, event, now)
    again = msgspec.structs.replace(event, generation=Generation(event.generation + 1))
    assert "I1" in {violation.invariant for violation in check_placement(before, again, now)}


@pytest.fixture(scope="module")
def rows() -> list[JournalRow]:
    """The journal of simulated days."""
    return simulate_journal(1, days=3)


def rewritten(rows: list[JournalRow], change: Callable[[Record], Record | None]) -> AuditReport:
    """Audit the journal after every record was passed through `change`, with a chain that fits again."""
    last_hash, kept = GENESIS_HASH, []
    for row in rows:
        record = change(RECORDS.decode(row.body))
        if record is None:
            continue
        body = ENCODER.encode(record)
        last_hash = chain_hash(last_hash, body)
        kept.append(JournalRow(len(kept) + 1, body, last_hash))
    return audit(kept)


def broken(report: AuditReport) -> set[str]:
    return {line.invariant for line in report.lines if line.violations}


def changing(kind: type[ev.Event], change: Callable[[Any], tuple[ev.Event, ...]]) -> Callable[[Record], Record]:
    """Change the first event of a kind into others."""
    done: list[bool] = []

    def changed(record: Record) -> Record:
        events: list[ev.Event] = []
        for event in record.events:
            if isinstance(event, kind) and not done:
                done.append(True)
                events.extend(change(event))
            else:
                events.append(event)
        return msgspec.structs.replace(record, events=tuple(events))

    return changed


def test_a_sound_journal_holds_and_says_how_much_was_looked_at(rows: list[JournalRow]) -> None:
    report = audit(rows, anchor=(rows[50].seq, rows[50].hash))
    assert report.holds
    assert (report.records, report.head) == (len(rows), (rows[-1].seq, rows[-1].hash))
    assert all(line.checked > 0 for line in report.lines)


def test_an_empty_journal_shows_nothing() -> None:
    assert not audit([]).holds


def test_a_changed_a_missing_and_a_cut_record_break_the_chain(rows: list[JournalRow]) -> None:
    changed = msgspec.structs.replace(rows[9], body=rows[9].body.replace(b"1", b"2", 1))
    assert broken(audit([*rows[:9], changed, *rows[10:]])) == {"I9"}
    assert broken(audit([*rows[:9], *rows[10:]])) == {"I9"}
    assert broken(audit(rows[:9], anchor=(rows[20].seq, rows[20].hash))) == {"I9"}
    assert "I9" in broken(audit(rows, anchor=(rows[20].seq, "f" * 64)))


def of_clause(clause_id: str, change: Callable[[ev.PeriodSettled], tuple[ev.Event, ...]]) -> Callable[[Record], Record]:
    """Change the first settlement of a clause into other events."""
    done: list[bool] = []

    def changed(record: Record) -> Record:
        events: list[ev.Event] = []
        for event in record.events:
            if isinstance(event, ev.PeriodSettled) and event.clause.clause_id == clause_id and not done:
                done.append(True)
                events.extend(change(event))
            else:
                events.append(event)
        return msgspec.structs.replace(record, events=tuple(events))

    return changed


SETTLED_BY = {
    "take-or-pay": ("owed_chip_ms", "taken_chip_ms", "contracted_chip_ms", "carried_chip_ms", "due_micro_usd"),
    "tiers": ("taken_chip_ms", "owed_micro_usd", "spent_micro_usd", "due_micro_usd"),
    "spend": ("owed_micro_usd", "suspended_micro_usd", "spent_micro_usd", "due_micro_usd"),
}


@pytest.mark.parametrize(("clause_id", "figure"), [(one, name) for one, names in SETTLED_BY.items() for name in names])
def test_a_settlement_with_any_other_figure_is_seen(rows: list[JournalRow], clause_id: str, figure: str) -> None:
    def wrong(event: ev.PeriodSettled) -> tuple[ev.Event, ...]:
        return (msgspec.structs.replace(event, **{figure: getattr(event, figure) + 1}),)

    assert broken(rewritten(rows, of_clause(clause_id, wrong))) == {"I6"}


@pytest.mark.parametrize("clause_id", SETTLED_BY)
def test_a_period_that_is_settled_twice_or_never_or_too_early_is_seen(rows: list[JournalRow], clause_id: str) -> None:
    def earlier(event: ev.PeriodSettled) -> tuple[ev.Event, ...]:
        period = Interval(event.period.start_ms, event.period.end_ms - 1)
        return (msgspec.structs.replace(event, period=period),)

    for change in (lambda _: (), lambda event: (event, event), earlier):
        assert broken(rewritten(rows, of_clause(clause_id, change))) == {"I6"}


def test_make_up_that_is_lost_is_seen(rows: list[JournalRow]) -> None:
    def richer(event: ev.PeriodSettled) -> tuple[ev.Event, ...]:
        lots = (*event.make_up, MakeUpLot(chip_ms=1, periods_left=1))
        return (msgspec.structs.replace(event, make_up=lots),)

    assert broken(rewritten(rows, of_clause("take-or-pay", richer))) == {"I6"}


def test_usage_that_is_lost_doubled_or_wrong_is_seen(rows: list[JournalRow]) -> None:
    def longer(event: ev.ChipTimeMetered) -> ev.ChipTimeMetered:
        interval = Interval(event.interval.start_ms, event.interval.end_ms + 1)
        return msgspec.structs.replace(event, interval=interval)

    for change in (
        lambda _: (),
        lambda event: (event, event),
        lambda event: (msgspec.structs.replace(event, chip_ms=event.chip_ms + 1),),
        lambda event: (msgspec.structs.replace(event, rate_micro_usd_per_chip_hour=1),),
        lambda event: (msgspec.structs.replace(event, month_start_ms=event.month_start_ms + 1),),
        lambda event: (longer(event),),
        lambda event: (msgspec.structs.replace(event, tenant_id=TenantId("lab/other")),),
        lambda event: (msgspec.structs.replace(event, provider_id=ProviderId("other")),),
        lambda event: (msgspec.structs.replace(event, contract_id=ContractId("other")),),
        lambda event: (msgspec.structs.replace(event, workload_id=WorkloadId("w-other")),),
    ):
        assert "I5" in broken(rewritten(rows, changing(ev.ChipTimeMetered, change)))


def test_a_placement_that_is_repeated_or_lacks_its_evidence_is_seen(rows: list[JournalRow]) -> None:
    def without_evidence(event: ev.RunIntended) -> tuple[ev.Event, ...]:
        evidence = msgspec.structs.replace(event.reason.evidence, code="no_clause", awarded_ms=1)
        return (msgspec.structs.replace(event, reason=msgspec.structs.replace(event.reason, evidence=evidence)),)

    assert "I1" in broken(rewritten(rows, changing(ev.RunIntended, lambda event: (event, event))))
    assert "I7" in broken(rewritten(rows, changing(ev.RunIntended, without_evidence)))


def test_an_accepted_command_that_left_nothing_is_seen(rows: list[JournalRow]) -> None:
    def emptied(record: Record) -> Record:
        is_submit = record.request is not None and isinstance(record.request.command, cmd.Submit)
        return msgspec.structs.replace(record, events=()) if is_submit else record

    assert "I3" in broken(rewritten(rows, emptied))


def test_a_clock_that_goes_back_is_seen(rows: list[JournalRow]) -> None:
    seen: list[Record] = []

    def back(record: Record) -> Record:
        seen.append(record)
        is_late = len(seen) == len(rows)
        return msgspec.structs.replace(record, at=Now(record.at.contract_ms, 0)) if is_late else record

    assert "I10" in broken(rewritten(rows, back))
