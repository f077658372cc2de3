"""Where tranches stand between order and capacity, what lateness makes of them, and how contracts come to their end.

Read from facts alone, with the functions that decide; decides nothing itself.
"""

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from multihome.clauses.delay_remedy import EndRight, delay, discount_micro_usd, right_opens_ms
from multihome.clauses.standing import ENDS, delay_remedy_of
from multihome.controller.deliveries import phase_in
from multihome.controller.state import State
from multihome.controller.terminations import termination_phase
from multihome.domain.clause_terms import ClauseRef, DelayRemedy
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.events import CreditDue, TrancheMoved
from multihome.domain.ids import ContractId, PoolId, ProviderId, TrancheId
from multihome.domain.procurement import Breach, TerminationRecord, TrancheStep
from multihome.domain.termination_phases import TerminationPhase
from multihome.domain.tranche_phases import OUTSTANDING, TranchePhase, steps_from
from multihome.units.calendar import days_between


class LatenessState(StrEnum):
    """What lateness is by the contract. `UNREMEDIED`: late, and no delay remedy was in force when it was due."""

    IN_TIME = "in_time"
    GRACE = "grace"
    REMEDY = "remedy"
    UNREMEDIED = "unremedied"


class Lateness(msgspec.Struct, frozen=True):
    """How late a tranche is, or was when its last part came or it was ended.

    `owed_micro_usd` is what the discount comes to for what is still outstanding, if it were accepted now; it becomes
    due with the acceptance or the end. 0 where nothing is outstanding: then the credit that is due says it.
    """

    state: LatenessState
    clause: ClauseRef | None
    late_days: int
    grace_days: int
    discount_bps: int
    capped: bool
    owed_micro_usd: int


class RightToEnd(msgspec.Struct, frozen=True):
    """What may be ended because of lateness, from when on, and whether that is so now."""

    right: EndRight
    clause: ClauseRef
    opens_ms: int
    is_open: bool


class TrancheSequence(msgspec.Struct, frozen=True):
    """A tranche as it stands. `ordered_promised_ms` and `ordered_ends_ms` are the dates of its order, before any moved.

    `credit` is due and unclaimed; `may_follow` are the steps that may come next. Times are milliseconds UTC.
    """

    id: TrancheId
    contract_id: ContractId
    provider_id: ProviderId
    pool_id: PoolId
    phase: TranchePhase
    domains: int
    accepted_domains: int
    chips_per_domain: int
    ordered_promised_ms: int
    promised_ms: int
    ordered_ends_ms: int
    ends_ms: int
    steps: tuple[TrancheMoved, ...]
    lateness: Lateness
    rights: tuple[RightToEnd, ...]
    credit: CreditDue | None
    may_follow: tuple[TrancheStep, ...]


class TranchesView(msgspec.Struct, frozen=True):
    """All tranches at an instant of contract time, in the order of their contracts."""

    as_of_ms: int
    tranches: tuple[TrancheSequence, ...]


class CreditsView(msgspec.Struct, frozen=True):
    """All credits that are due and that nobody has claimed."""

    credits: tuple[CreditDue, ...]


class TerminationState(msgspec.Struct, frozen=True):
    """Where a contract stands between its signature and an end before its time; the breach and the notice, if any."""

    phase: TerminationPhase
    breach: Breach | None
    notice: TerminationRecord | None


def tranche_rows(state: State, at_ms: int) -> TranchesView:
    """Every tranche of every contract at an instant of contract time."""
    rows = (
        tranche_sequence(state, contract, tranche, at_ms)
        for contract in state.contracts.values()
        for tranche in contract.tranches
    )
    return TranchesView(at_ms, tuple(rows))


def credit_rows(state: State, at_ms: int) -> CreditsView:
    """Every credit that waits for somebody to claim it."""
    del at_ms
    return CreditsView(tuple(state.credits_due.values()))


def termination_state(state: State, contract_id: ContractId, at_ms: int) -> TerminationState:
    """How the end of a contract stands."""
    return TerminationState(
        phase=termination_phase(state, contract_id, at_ms),
        breach=state.breaches.get(contract_id),
        notice=state.terminations.get(contract_id),
    )


def tranche_sequence(state: State, contract: Contract, tranche: Tranche, at_ms: int) -> TrancheSequence:
    """Where one tranche stands at an instant."""
    moves = state.tranche_moves.get(tranche.id, [])
    document = state.contract_documents[contract.id]
    ordered = next(one for one in document.tranches if one.id == tranche.id)
    phase = phase_in(state, tranche)
    accepted = sum(move.domains for move in moves)
    chips_per_domain = tranche.nodes_per_domain * state.pools[tranche.pool_id].chips_per_node
    outstanding_chips = (tranche.domains - accepted) * chips_per_domain if phase in OUTSTANDING else 0
    return TrancheSequence(
        id=tranche.id,
        contract_id=contract.id,
        provider_id=contract.provider_id,
        pool_id=tranche.pool_id,
        phase=phase,
        domains=tranche.domains,
        accepted_domains=accepted,
        chips_per_domain=chips_per_domain,
        ordered_promised_ms=ordered.promised_ms,
        promised_ms=tranche.promised_ms,
        ordered_ends_ms=ordered.ends_ms,
        ends_ms=tranche.ends_ms,
        steps=tuple(moves),
        lateness=_lateness(contract, tranche, moves, outstanding_chips, at_ms),
        rights=tuple(_rights(contract, tranche, phase, at_ms)),
        credit=state.credits_due.get(tranche.id),
        may_follow=steps_from(phase),
    )


def _lateness(
    contract: Contract, tranche: Tranche, moves: list[TrancheMoved], outstanding_chips: int, at_ms: int
) -> Lateness:
    if not outstanding_chips:
        last = {TrancheStep.ACCEPTED, *ENDS}
        at_ms = next(move.effective_ms for move in reversed(moves) if move.step in last)
    terms = delay_remedy_of(contract, tranche)
    if terms is None:
        days = days_between(tranche.promised_ms, at_ms, contract.calendar.zone)
        state = LatenessState.UNREMEDIED if days else LatenessState.IN_TIME
        return Lateness(state, None, days, 0, 0, capped=False, owed_micro_usd=0)
    late = delay(terms, tranche.promised_ms, at_ms, contract.calendar.zone)
    return Lateness(
        state=_lateness_state(late.late_days, late.grace_days),
        clause=ClauseRef(contract.id, terms.id),
        late_days=late.late_days,
        grace_days=late.grace_days,
        discount_bps=late.discount_bps,
        capped=late.capped,
        owed_micro_usd=discount_micro_usd(late, outstanding_chips, tranche.rate_micro_usd_per_chip_hour),
    )


def _lateness_state(late_days: int, grace_days: int) -> LatenessState:
    if not late_days:
        return LatenessState.IN_TIME
    return LatenessState.GRACE if late_days <= grace_days else LatenessState.REMEDY


def _rights(contract: Contract, tranche: Tranche, phase: TranchePhase, at_ms: int) -> Iterator[RightToEnd]:
    """Rights that the delay remedy gives while something is outstanding."""
    terms = delay_remedy_of(contract, tranche) if phase in OUTSTANDING else None
    if terms is None:
        return
    for right, days in _rights_of(terms):
        opens_ms = right_opens_ms(tranche.promised_ms, days, contract.calendar.zone)
        yield RightToEnd(right, ClauseRef(contract.id, terms.id), opens_ms, at_ms >= opens_ms)


def _rights_of(terms: DelayRemedy) -> Iterator[tuple[EndRight, int]]:
    if terms.end_tranche_after_days:
        yield EndRight.TRANCHE, terms.end_tranche_after_days
    if terms.end_order_after_days:
        yield EndRight.ORDER, terms.end_order_after_days
