"""Settles commitments: each calendar period of a contract's zone that has ended, in order, and once.

A take-or-pay is settled for each tranche, a minimum and price tiers for the whole contract. Nothing is settled while a
run is not metered up to the period's end; a clock that leaps over several periods settles them all, one after another.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import TypeVar

from multihome.clauses.minimum_commitment import settle_minimum, within
from multihome.clauses.periods import Counting, counted_parts, metered_stretches
from multihome.clauses.price_tiers import TierUse, true_up
from multihome.clauses.take_or_pay import NOTHING_CARRIED, PeriodUse, Settlement, settle
from multihome.controller.commitments import (
    balance_before,
    began_ms,
    charged_in,
    counted_from_ms,
    due_in,
    late_micro_usd,
    settled_until,
    taken_in,
    use_in,
)
from multihome.controller.state import State, taken_key
from multihome.domain.clause_terms import ClauseRef, MinimumCommitment, PriceTiers, TakeOrPay
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.events import PeriodSettled
from multihome.domain.ids import TrancheId
from multihome.units.calendar import period_interval, period_name
from multihome.units.money import format_chip_hours, format_usd
from multihome.units.time import Interval, Now, format_moment

Terms = TypeVar("Terms", bound=Counting)
WHOLE_CONTRACT = TrancheId("")
"""The place of a tranche where a clause counts the whole contract."""


def settlements(state: State, now: Now) -> Iterator[PeriodSettled]:
    """Every period that has ended and can be settled; minimums last, since what the others make due is spent."""
    for contract in state.contracts.values():
        found: list[PeriodSettled] = []
        for versions in _versions(contract, TakeOrPay):
            for tranche in contract.tranches:
                found.extend(_take_or_pay(state, contract, tranche, versions, now))
        for versions in _versions(contract, PriceTiers):
            found.extend(_tiers(state, contract, versions, now))
        yield from found
        for versions in _versions(contract, MinimumCommitment):
            yield from _minimum(state, contract, versions, found, now)


def _versions(contract: Contract, kind: type[Terms]) -> list[list[Terms]]:
    """The versions of each clause of a kind."""
    by_id: dict[str, list[Terms]] = {}
    for terms in contract.clauses:
        if isinstance(terms, kind):
            by_id.setdefault(terms.id, []).append(terms)
    return list(by_id.values())


def _ended(
    state: State,
    contract: Contract,
    versions: Sequence[Terms],
    tranches: Collection[TrancheId],
    begins_ms: int,
    now: Now,
) -> Iterator[tuple[Terms, Interval]]:
    """The parts that have ended, from an instant on, up to the first that is not wholly metered."""
    for terms, counted in counted_parts(contract, versions, begins_ms):
        if counted.end_ms > now.contract_ms or _is_unmetered(state, tranches, counted.end_ms):
            return
        yield terms, counted


def _is_unmetered(state: State, tranches: Collection[TrancheId], until_ms: int) -> bool:
    return any(
        run.started is not None
        and not run.replaced
        and run.metered_until_ms < until_ms
        and run.allocation.tranche_id in tranches
        for run in state.runs.values()
    )


# --- take-or-pay ---


def _take_or_pay(
    state: State, contract: Contract, tranche: Tranche, versions: Sequence[TakeOrPay], now: Now
) -> Iterator[PeriodSettled]:
    clause = ClauseRef(contract.id, versions[0].id)
    begins_ms = settled_until(state, clause, tranche.id) or counted_from_ms(state, tranche)
    if begins_ms is None:
        return
    balance, ended_ms = balance_before(state, clause, tranche.id, begins_ms), begins_ms
    for terms, counted in _ended(state, contract, versions, (tranche.id,), begins_ms, now):
        if counted.start_ms >= tranche.ends_ms:
            return
        taken = taken_in(state, contract, tranche, (), counted, now)
        use = use_in(state, contract, tranche, counted, taken)
        before = balance if counted.start_ms == ended_ms else NOTHING_CARRIED
        settled = settle(terms, use, before, tranche.rate_micro_usd_per_chip_hour)
        balance, ended_ms = settled.balance, counted.end_ms
        yield PeriodSettled(
            clause=clause,
            tranche_id=tranche.id,
            period=counted,
            contracted_chip_ms=use.contracted_chip_ms,
            under_delivered_chip_ms=use.under_delivered_chip_ms,
            force_majeure_chip_ms=use.force_majeure_chip_ms,
            carry_used_chip_ms=settled.carry_used_chip_ms,
            owed_chip_ms=settled.owed_chip_ms,
            taken_chip_ms=settled.taken_chip_ms,
            deficiency_chip_ms=settled.deficiency_chip_ms,
            made_up_chip_ms=settled.made_up_chip_ms,
            carried_chip_ms=balance.carried_chip_ms,
            make_up=balance.make_up,
            due_micro_usd=settled.due_micro_usd,
            text=f"{_name(contract, terms, counted)}, tranche {tranche.id}: {_take_or_pay_text(use, settled)}",
        )


def _take_or_pay_text(use: PeriodUse, settled: Settlement) -> str:
    left = sum(lot.chip_ms for lot in settled.balance.make_up)
    parts = [
        f"{_hours(settled.owed_chip_ms)} owed of {_hours(use.contracted_chip_ms)} contracted",
        f"{_hours(use.under_delivered_chip_ms)} not delivered" if use.under_delivered_chip_ms else "",
        f"{_hours(use.force_majeure_chip_ms)} suspended" if use.force_majeure_chip_ms else "",
        f"{_hours(settled.carry_used_chip_ms)} carried in" if settled.carry_used_chip_ms else "",
        f"{_hours(settled.taken_chip_ms)} taken",
        f"{_hours(settled.deficiency_chip_ms)} lacking" if settled.deficiency_chip_ms else "",
        f"{_hours(settled.made_up_chip_ms)} made up" if settled.made_up_chip_ms else "",
        f"{_hours(left)} may be made up" if left else "",
        f"{_hours(settled.balance.carried_chip_ms)} carried on" if settled.balance.carried_chip_ms else "",
        f"{format_usd(settled.due_micro_usd)} due",
    ]
    return ", ".join(part for part in parts if part)


# --- price tiers ---


def _tiers(state: State, contract: Contract, versions: Sequence[PriceTiers], now: Now) -> Iterator[PeriodSettled]:
    clause = ClauseRef(contract.id, versions[0].id)
    begins_ms = settled_until(state, clause, WHOLE_CONTRACT) or began_ms(state)
    everything = [tranche.id for tranche in contract.tranches]
    for terms, counted in _ended(state, contract, versions, everything, begins_ms, now):
        tranches = [
            one for one in contract.tranches if one.id.rpartition("/")[2] in terms.tranches or not terms.tranches
        ]
        uses = list(_tier_uses(state, contract, tranches, counted))
        settled = true_up(terms, uses, charged_in(state, contract, tranches, counted))
        volume = sum(use.chip_ms for use in uses)
        yield PeriodSettled(
            clause=clause,
            tranche_id=WHOLE_CONTRACT,
            period=counted,
            taken_chip_ms=volume,
            owed_micro_usd=settled.tiered_micro_usd,
            spent_micro_usd=settled.charged_micro_usd,
            due_micro_usd=settled.due_micro_usd,
            text=(
                f"{_name(contract, terms, counted)}: {_hours(volume)} taken come to "
                f"{format_usd(settled.tiered_micro_usd)}, {format_usd(settled.charged_micro_usd)} charged, "
                f"{format_usd(settled.due_micro_usd)} due"
            ),
        )


def _tier_uses(state: State, contract: Contract, tranches: Sequence[Tranche], counted: Interval) -> Iterator[TierUse]:
    """Usage in the order of the stretches in which it was metered; within one, of the tranches."""
    for stretch in metered_stretches(contract, counted):
        for tranche in tranches:
            chip_ms = state.taken_chip_ms.get(taken_key(tranche.id, stretch.start_ms), 0)
            if chip_ms:
                yield TierUse(stretch.start_ms, chip_ms, tranche.rate_micro_usd_per_chip_hour)


# --- minimum ---


def _minimum(
    state: State,
    contract: Contract,
    versions: Sequence[MinimumCommitment],
    found: Sequence[PeriodSettled],
    now: Now,
) -> Iterator[PeriodSettled]:
    """Settle a minimum; `found` are the other settlements of this very instant, which the state does not know yet."""
    clause = ClauseRef(contract.id, versions[0].id)
    begins_ms = settled_until(state, clause, WHOLE_CONTRACT) or began_ms(state)
    everything = [tranche.id for tranche in contract.tranches]
    for terms, counted in _ended(state, contract, versions, everything, begins_ms, now):
        late = late_micro_usd(state, contract, counted)
        spent = charged_in(state, contract, contract.tranches, counted) + due_in(state, contract, counted)
        spent += sum(one.due_micro_usd for one in found if counted.start_ms < one.period.end_ms <= counted.end_ms)
        period = period_interval(counted.start_ms, terms.period, contract.calendar.zone)
        settled = settle_minimum(within(terms, counted), period, spent, late)
        yield PeriodSettled(
            clause=clause,
            tranche_id=WHOLE_CONTRACT,
            period=counted,
            owed_micro_usd=settled.minimum_micro_usd,
            suspended_micro_usd=late,
            spent_micro_usd=settled.spent_micro_usd,
            due_micro_usd=settled.shortfall_micro_usd,
            text=(
                f"{_name(contract, terms, counted)}: {format_usd(settled.minimum_micro_usd)} to be spent"
                f"{f' ({format_usd(late)} off for late capacity)' if late else ''}, "
                f"{format_usd(settled.spent_micro_usd)} spent, {format_usd(settled.shortfall_micro_usd)} due"
            ),
        )


# --- words ---


def _name(contract: Contract, terms: Counting, counted: Interval) -> str:
    """The clause and the period; of a part of one its dates too."""
    zone = contract.calendar.zone
    name = f"{contract.id}/{terms.id}, {period_name(counted.start_ms, terms.period, zone)}"
    if counted == period_interval(counted.start_ms, terms.period, zone):
        return name
    return f"{name} (from {format_moment(counted.start_ms)}, before {format_moment(counted.end_ms)})"


def _hours(chip_ms: int) -> str:
    return f"{format_chip_hours(chip_ms)} chip-hours"
