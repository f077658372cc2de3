"""Settlements by another road: every settled period reckoned again from usage, acceptances, losses and contracts.

Shares no arithmetic with what settles: quantities are walked from one change to the next, money is exact fractions, and
balances are shelves that this module keeps for itself. What it finds and what was settled must be the same.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from math import floor

import msgspec

from multihome.controller.state import State
from multihome.domain.balances import MakeUpLot
from multihome.domain.clause_terms import MinimumCommitment, PriceTiers, Ramp, TakeOrPay, TierMode
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.events import ChipTimeMetered, Event, PeriodSettled
from multihome.domain.ids import ContractId, TrancheId
from multihome.units.calendar import Period, period_interval
from multihome.units.time import MS_PER_HOUR, Interval, Now

GRACE_MS = MS_PER_HOUR
"""How long after a period's end, by the clocks of the journal, its settlement may still be missing."""
_WHOLE = 10_000
_Counting = TakeOrPay | MinimumCommitment | PriceTiers
Figure = int | tuple[MakeUpLot, ...]
_Key = tuple[ContractId, str, TrancheId]


class _Stretch(msgspec.Struct):
    """Usage of a tranche that was metered in one stretch, and what it costs in micro-units."""

    chip_ms: int = 0
    cost: Fraction = Fraction(0)


class _Balance(msgspec.Struct):
    """Shelves of what was paid for, each with the number of the last period that may take from it, and the carry."""

    number: int = 0
    ended_ms: int | None = None
    shelves: list[tuple[int, int]] = []
    carry: int = 0


class Resettling:
    """What the journal so far says was used, settled and due."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._used: dict[TrancheId, dict[int, _Stretch]] = {}
        self._until: dict[_Key, int] = {}
        self._balances: dict[_Key, _Balance] = {}
        self._due: dict[ContractId, list[tuple[int, int]]] = {}
        self._lately: deque[Now] = deque()
        self._changed_ms = 0

    def lived(self, at: Now, *, is_change: bool) -> None:
        """Note the instant of a record, and whether it changed what is counted."""
        self._lately.append(at)
        while at.process_ms - self._lately[0].process_ms > GRACE_MS:
            self._lately.popleft()
        if is_change:
            self._changed_ms = at.process_ms

    def metered(self, state: State, event: ChipTimeMetered) -> None:
        """Note usage, in the stretch in which its contract meters it at that time."""
        contract = state.contracts.get(event.contract_id)
        if contract is None:
            return
        begins_ms = _stretch_begins(contract, event.interval.start_ms)
        stretch = self._used.setdefault(event.tranche_id, {}).setdefault(begins_ms, _Stretch())
        stretch.chip_ms += event.chip_ms
        stretch.cost += Fraction(event.chip_ms * event.rate_micro_usd_per_chip_hour, MS_PER_HOUR)

    def settled(self, state: State, event: PeriodSettled, at: Now) -> Iterator[str]:
        """Everything in which a settlement differs from what is found here, in words."""
        contract = state.contracts.get(event.clause.contract_id)
        versions = _versions(contract, event.clause.clause_id) if contract is not None else []
        if contract is None or not versions:
            yield "its clause is not on record"
            return
        key = (contract.id, event.clause.clause_id, event.tranche_id)
        part = self._next_part(state, contract, versions, key)
        if part is None or part[1] != event.period:
            yield f"the period to be settled next is {part[1] if part else 'none'}, and not {event.period}"
            return
        if event.period.end_ms > at.contract_ms:
            yield "it had not ended when it was settled"
        self._until[key] = event.period.end_ms
        terms = part[0]
        figures = self._figures(state, contract, terms, event, key)
        due = figures["due_micro_usd"]
        if isinstance(due, int) and not isinstance(terms, MinimumCommitment):
            self._due.setdefault(contract.id, []).append((event.period.end_ms, due))
        for name, figure in figures.items():
            told = getattr(event, name)
            if told != figure:
                yield f"its {name} is {told}, and usage, deliveries and terms come to {figure}"

    def overdue(self, state: State) -> Iterator[tuple[str, str]]:
        """Periods that ended a while ago, were wholly metered, and are not settled: what they are of, and in words."""
        first, last = (self._lately[0], self._lately[-1]) if self._lately else (Now(0, 0), Now(0, 0))
        if last.process_ms - first.process_ms < GRACE_MS // 2 or self._changed_ms >= first.process_ms:
            return
        passed_ms = min(at.contract_ms for at in self._lately)
        for contract in state.contracts.values():
            for key, versions in _commitments(contract):
                part = self._next_part(state, contract, versions, key)
                names = [key[2]] if key[2] else [tranche.id for tranche in contract.tranches]
                if part is not None and part[1].end_ms <= passed_ms and _is_metered(state, names, part[1].end_ms):
                    yield f"{contract.id}/{key[1]}", f"{part[1]} of tranche {key[2] or 'all'} ended and is not settled"

    def _next_part(
        self, state: State, contract: Contract, versions: list[_Counting], key: _Key
    ) -> tuple[_Counting, Interval] | None:
        cursor = self._until.get(key)
        tranche = next((one for one in contract.tranches if one.id == key[2]), None)
        if cursor is None:
            cursor = state.began_ms or 0
            if tranche is not None:
                accepted = [one.effective_ms for one in state.deliveries.values() if one.tranche_id == tranche.id]
                if not accepted:
                    return None
                cursor = max(cursor, min(accepted))
        for terms in sorted(versions, key=lambda one: one.interval.start_ms):
            start_ms = max(cursor, terms.interval.start_ms)
            if start_ms >= terms.interval.end_ms:
                continue
            if tranche is not None and start_ms >= tranche.ends_ms:
                return None
            period = period_interval(start_ms, terms.period, contract.calendar.zone)
            return terms, Interval(start_ms, min(period.end_ms, terms.interval.end_ms))
        return None

    def _figures(
        self, state: State, contract: Contract, terms: _Counting, event: PeriodSettled, key: _Key
    ) -> dict[str, Figure]:
        if isinstance(terms, TakeOrPay):
            tranche = next(one for one in contract.tranches if one.id == event.tranche_id)
            return self._take_or_pay(state, contract, tranche, terms, event.period, key)
        if isinstance(terms, PriceTiers):
            return self._tiers(contract, terms, event.period)
        return self._minimum(state, contract, terms, event.period)

    def _stretches(self, contract: Contract, tranche_id: TrancheId, part: Interval) -> list[tuple[int, _Stretch]]:
        first_ms = _stretch_begins(contract, part.start_ms)
        known = self._used.get(tranche_id, {})
        return [(at_ms, known[at_ms]) for at_ms in sorted(known) if first_ms <= at_ms < part.end_ms]

    def _take_or_pay(
        self, state: State, contract: Contract, tranche: Tranche, terms: TakeOrPay, part: Interval, key: _Key
    ) -> dict[str, Figure]:
        contracted, lost, stopped = _walked(state, contract, tranche, part)
        taken = sum(stretch.chip_ms for _, stretch in self._stretches(contract, tranche.id, part))
        kept = self._balances.get(key, _Balance())
        if kept.ended_ms != part.start_ms:
            kept = _Balance()
        due = max(0, floor(Fraction(contracted * terms.share_bps, _WHOLE)) - lost - stopped)
        used_of_carry = min(kept.carry, floor(Fraction(due * terms.carry_forward_bps, _WHOLE)))
        owed = due - used_of_carry
        lacking, beyond = max(owed - taken, 0), max(taken - owed, 0)
        made_up = 0
        shelves: list[tuple[int, int]] = []
        for last, chip_ms in kept.shelves:
            gives = min(chip_ms, beyond - made_up)
            made_up += gives
            shelves.append((last, chip_ms - gives))
        shelves.append((kept.number + terms.make_up_periods, lacking))
        shelves = [(last, chip_ms) for last, chip_ms in shelves if chip_ms and last > kept.number]
        carry = beyond - made_up if terms.carry_forward_bps else 0
        self._balances[key] = _Balance(kept.number + 1, part.end_ms, shelves, carry)
        rate = Fraction(tranche.rate_micro_usd_per_chip_hour, MS_PER_HOUR)
        return {
            "contracted_chip_ms": contracted,
            "under_delivered_chip_ms": lost,
            "force_majeure_chip_ms": stopped,
            "carry_used_chip_ms": used_of_carry,
            "owed_chip_ms": owed,
            "taken_chip_ms": taken,
            "deficiency_chip_ms": lacking,
            "made_up_chip_ms": made_up,
            "carried_chip_ms": carry,
            "make_up": tuple(MakeUpLot(chip_ms=chip_ms, periods_left=last - kept.number) for last, chip_ms in shelves),
            "due_micro_usd": round(lacking * rate) - round(made_up * rate),
        }

    def _tiers(self, contract: Contract, terms: PriceTiers, part: Interval) -> dict[str, Figure]:
        """Usage fills the tiers from below, stretch by stretch."""
        filled: list[tuple[int, int, int]] = []
        charged = Fraction(0)
        for place, tranche in enumerate(contract.tranches):
            if terms.tranches and tranche.id.rpartition("/")[2] not in terms.tranches:
                continue
            for at_ms, stretch in self._stretches(contract, tranche.id, part):
                filled.append((at_ms, place, stretch.chip_ms))
                charged += stretch.cost
        volume = sum(chip_ms for _, _, chip_ms in filled)
        cost = Fraction(0)
        level = 0
        for at_ms, place, chip_ms in sorted(filled):
            base = contract.tranches[place].rate_micro_usd_per_chip_hour
            if terms.mode is TierMode.ALL_UNITS:
                cost += Fraction(chip_ms, MS_PER_HOUR) * _tier_rate(terms, volume, at_ms, base)
                continue
            left = chip_ms
            while left:
                ahead = [
                    tier.from_chip_hours * MS_PER_HOUR - level
                    for tier in terms.tiers
                    if tier.from_chip_hours * MS_PER_HOUR > level
                ]
                some = min([left, *ahead])
                cost += Fraction(some, MS_PER_HOUR) * _tier_rate(terms, level, at_ms, base)
                level += some
                left -= some
        return {
            "taken_chip_ms": volume,
            "owed_micro_usd": round(cost),
            "spent_micro_usd": round(charged),
            "due_micro_usd": round(cost) - round(charged),
        }

    def _minimum(self, state: State, contract: Contract, terms: MinimumCommitment, part: Interval) -> dict[str, Figure]:
        """Each piece of time accrues its share of the amount in force."""
        period = period_interval(part.start_ms, terms.period, contract.calendar.zone)
        accrued = late = Fraction(0)
        for start_ms, end_ms in _pieces(part, (step.from_ms for step in terms.steps)):
            newest = max(
                (step for step in terms.steps if step.from_ms <= start_ms), key=lambda step: step.from_ms, default=None
            )
            amount = newest.amount_micro_usd if newest else 0
            accrued += Fraction(amount * (end_ms - start_ms), period.end_ms - period.start_ms)
        for tranche in contract.tranches:
            late += _late(state, tranche, part) * Fraction(tranche.rate_micro_usd_per_chip_hour, MS_PER_HOUR)
        usage = sum(
            (
                stretch.cost
                for tranche in contract.tranches
                for _, stretch in self._stretches(contract, tranche.id, part)
            ),
            Fraction(0),
        )
        due = sum(due for at_ms, due in self._due.get(contract.id, ()) if part.start_ms < at_ms <= part.end_ms)
        least = max(0, round(accrued) - round(late))
        spent = round(usage) + due
        return {
            "owed_micro_usd": least,
            "suspended_micro_usd": round(late),
            "spent_micro_usd": spent,
            "due_micro_usd": max(0, least - spent),
        }


def is_change(event: Event) -> bool:
    """Whether an event may make a period due that ended long ago: a fact on record, or usage that came late."""
    return type(event).__name__ in {"DocumentRecorded", "ChipTimeMetered", "TrancheMoved", "ClockDeclared"}


def _versions(contract: Contract, clause_id: str) -> list[_Counting]:
    return [one for one in contract.clauses if isinstance(one, _Counting) and one.id == clause_id]


def _commitments(contract: Contract) -> Iterator[tuple[_Key, list[_Counting]]]:
    """Every commitment of a contract: a take-or-pay for each tranche, the others for all of it."""
    for clause_id in dict.fromkeys(one.id for one in contract.clauses if isinstance(one, _Counting)):
        versions = _versions(contract, clause_id)
        whole = not isinstance(versions[0], TakeOrPay)
        for tranche_id in [TrancheId("")] if whole else [tranche.id for tranche in contract.tranches]:
            yield (contract.id, clause_id, tranche_id), versions


def _is_metered(state: State, tranche_ids: Iterable[TrancheId], until_ms: int) -> bool:
    names = set(tranche_ids)
    return all(
        run.replaced
        or run.started is None
        or run.metered_until_ms >= until_ms
        or run.allocation.tranche_id not in names
        for run in state.runs.values()
    )


def _stretch_begins(contract: Contract, at_ms: int) -> int:
    """Where the stretch begins that usage at an instant is metered in."""
    cuts = [period_interval(at_ms, Period.MONTH, contract.calendar.zone).start_ms]
    for terms in contract.clauses:
        if isinstance(terms, _Counting):
            cuts.extend((terms.interval.start_ms, terms.interval.end_ms))
        if isinstance(terms, PriceTiers):
            cuts.extend(step.from_ms for step in terms.index)
    return max(cut for cut in cuts if cut <= at_ms)


def _pieces(part: Interval, cuts: Iterable[int]) -> Iterator[tuple[int, int]]:
    inside = sorted({part.start_ms, part.end_ms, *(cut for cut in cuts if part.start_ms < cut < part.end_ms)})
    yield from pairwise(inside)


def _walked(state: State, contract: Contract, tranche: Tranche, part: Interval) -> tuple[int, int, int]:
    """Chip-milliseconds contracted, of it lost with the provider, and of it suspended while nothing was lost."""
    lost = state.provider_state(state.pools[tranche.pool_id].provider_id).outages
    named = [one for one in state.suspensions.values() if one.contract_id == contract.id]
    stopped = [one.interval for one in named if not one.tranche_ids or tranche.id in one.tranche_ids]
    name = tranche.id.rpartition("/")[2]
    ramps = [one for one in contract.clauses if isinstance(one, Ramp) and one.tranche == name]
    cuts = {tranche.ends_ms, *(one.effective_ms for one in state.deliveries.values() if one.tranche_id == tranche.id)}
    for span in (*lost, *stopped, *(ramp.interval for ramp in ramps)):
        cuts |= {span.start_ms, span.end_ms}
    for ramp in ramps:
        cuts |= {step.from_ms for step in ramp.steps}
    sums = [0, 0, 0]
    for start_ms, end_ms in _pieces(part, cuts):
        chip_ms = _contracted(state, tranche, ramps, start_ms) * (end_ms - start_ms)
        sums[0] += chip_ms
        if any(span.contains(start_ms) for span in lost):
            sums[1] += chip_ms
        elif any(span.contains(start_ms) for span in stopped):
            sums[2] += chip_ms
    return sums[0], sums[1], sums[2]


def _accepted_chips(state: State, tranche: Tranche, at_ms: int) -> int:
    domains = sum(
        one.domains for one in state.deliveries.values() if one.tranche_id == tranche.id and one.effective_ms <= at_ms
    )
    return min(domains, tranche.domains) * tranche.nodes_per_domain * state.pools[tranche.pool_id].chips_per_node


def _contracted(state: State, tranche: Tranche, ramps: Iterable[Ramp], at_ms: int) -> int:
    if at_ms >= tranche.ends_ms:
        return 0
    chips = _accepted_chips(state, tranche, at_ms)
    for ramp in ramps:
        if ramp.interval.contains(at_ms):
            level = 0
            for step in sorted(ramp.steps, key=lambda step: step.from_ms):
                level = step.chips if step.from_ms <= at_ms else level
            chips = min(chips, level)
    return chips


def _late(state: State, tranche: Tranche, part: Interval) -> int:
    """Chip-milliseconds that were promised and outstanding."""
    whole = tranche.domains * tranche.nodes_per_domain * state.pools[tranche.pool_id].chips_per_node
    cuts = [one.effective_ms for one in state.deliveries.values() if one.tranche_id == tranche.id]
    late = 0
    for start_ms, end_ms in _pieces(part, (*cuts, tranche.promised_ms, tranche.ends_ms)):
        if tranche.promised_ms <= start_ms < tranche.ends_ms:
            late += (whole - _accepted_chips(state, tranche, start_ms)) * (end_ms - start_ms)
    return late


def _tier_rate(terms: PriceTiers, place_chip_ms: int, at_ms: int, base_rate: int) -> Fraction:
    """The rate at a place in the volume, moved by the index as it stands; the base rate below the first tier."""
    reached = [tier for tier in terms.tiers if tier.from_chip_hours * MS_PER_HOUR <= place_chip_ms]
    if not reached:
        return Fraction(base_rate)
    index = _WHOLE
    for step in sorted(terms.index, key=lambda step: step.from_ms):
        index = step.factor_bps if step.from_ms <= at_ms else index
    highest = max(reached, key=lambda tier: tier.from_chip_hours)
    return Fraction(highest.rate_micro_usd_per_chip_hour * index, _WHOLE)
