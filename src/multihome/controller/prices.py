"""How things stand with every lot of a contract, for its marginal price: clauses, balances and forecasts at an instant.

Reads the state and changes nothing. What a price is stands in `clauses.pricing`.
"""

from collections.abc import Iterator

from multihome.clauses.book import MissingPermission, take_or_pay_of
from multihome.clauses.minimum_commitment import minimum_micro_usd, within
from multihome.clauses.periods import counted_interval
from multihome.clauses.price_columns import Minimum, Owed, Standing, Tiered
from multihome.clauses.take_or_pay import settle
from multihome.controller.commitments import (
    Forecast,
    balance_before,
    began_ms,
    chips_per_domain,
    counted_from_ms,
    due_in,
    late_micro_usd,
    use_in,
)
from multihome.controller.state import State
from multihome.domain.clause_terms import (
    ClauseRef,
    Equity,
    MinimumCommitment,
    PriceTiers,
    TakeOrPay,
    Termination,
    TierMode,
)
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.ids import TrancheId
from multihome.domain.placements import Evidence
from multihome.units.calendar import period_interval
from multihome.units.money import Rounding, divide
from multihome.units.time import FOREVER_MS, MS_PER_HOUR, Interval

WHOLE_BPS = 10_000
TERM = "term"
"""The name under which a contract's own term forbids: it is no clause, and ends what the clauses allow."""


def standings(
    state: State,
    contract: Contract,
    permissions: dict[TrancheId, Evidence | MissingPermission],
    at_ms: int,
    forecast: Forecast,
) -> dict[TrancheId, Standing]:
    """How each tranche of a contract stands from an instant on, until the first period ends or rate changes."""
    owed = {tranche.id: _owed(state, contract, tranche, at_ms, forecast) for tranche in contract.tranches}
    tiered = {tranche.id: _tiered(state, contract, tranche, at_ms, forecast) for tranche in contract.tranches}
    minimum = _minimum(state, contract, owed, tiered, at_ms, forecast)
    found: dict[TrancheId, Standing] = {}
    for tranche in contract.tranches:
        permission = permissions[tranche.id]
        over, over_ms = _over(state, contract, tranche)
        is_over = at_ms >= over_ms
        missing = permission.clause if isinstance(permission, MissingPermission) else None
        found[tranche.id] = Standing(
            lot=tranche.id,
            interval=Interval(over_ms, FOREVER_MS)
            if is_over
            else Interval(at_ms, _stretch_ends_ms(state, contract, tranche, at_ms)),
            rate=tranche.rate_micro_usd_per_chip_hour,
            resale_rate=tranche.resale_rate_micro_usd_per_chip_hour,
            owed=owed[tranche.id],
            tiered=tiered[tranche.id],
            minimum=minimum,
            forbidden=missing or (over if is_over else None),
        )
    return found


def vested_micro_usd_per_chip_hour(state: State, contract: Contract) -> int:
    """What equity that has vested is worth, spread over every chip-hour ordered under the contract, half to even."""
    chips = {tranche.id: chips_per_domain(state, tranche) for tranche in contract.tranches}
    accepted = sum(d.domains * chips[d.tranche_id] for d in state.deliveries.values() if d.tranche_id in chips)
    value = sum(
        milestone.value_micro_usd
        for terms in contract.clauses
        if isinstance(terms, Equity)
        for milestone in terms.milestones
        if milestone.chips_accepted <= accepted
    )
    ordered = sum(chips[one.id] * one.domains * (one.ends_ms - one.promised_ms) for one in contract.tranches)
    return divide(value * MS_PER_HOUR, ordered, Rounding.HALF_EVEN) if ordered else 0


def _owed(state: State, contract: Contract, tranche: Tranche, at_ms: int, forecast: Forecast) -> Owed | None:
    terms = take_or_pay_of(contract, at_ms)
    begins_ms = counted_from_ms(state, tranche)
    if terms is None or begins_ms is None:
        return None
    counted = counted_interval(contract, terms, at_ms, begins_ms)
    clause = ClauseRef(contract.id, terms.id)
    balance = balance_before(state, clause, tranche.id, counted.start_ms)
    taken = forecast(contract, tranche, counted)
    use = use_in(state, contract, tranche, counted, taken)
    owed = settle(terms, use, balance, tranche.rate_micro_usd_per_chip_hour).owed_chip_ms
    return Owed(clause, counted.end_ms, owed + sum(lot.chip_ms for lot in balance.make_up) - taken)


def _tiers_of(contract: Contract, tranche: Tranche, at_ms: int) -> PriceTiers | None:
    name = tranche.id.rpartition("/")[2]
    for terms in contract.clauses:
        if isinstance(terms, PriceTiers) and terms.interval.contains(at_ms) and name in (terms.tranches or (name,)):
            return terms
    return None


def _tiered(state: State, contract: Contract, tranche: Tranche, at_ms: int, forecast: Forecast) -> Tiered | None:
    terms = _tiers_of(contract, tranche, at_ms)
    if terms is None:
        return None
    counted = counted_interval(contract, terms, at_ms, began_ms(state))
    together = [one for one in contract.tranches if _tiers_of(contract, one, at_ms) is terms]
    # An indexed rate is a rate that somebody publishes: it is rounded itself, before anything is charged at it.
    factor = next((step.factor_bps for step in reversed(terms.index) if step.from_ms <= at_ms), WHOLE_BPS)
    return Tiered(
        clause=ClauseRef(contract.id, terms.id),
        account=f"{contract.id}/{terms.id}@{counted.start_ms}",
        ends_ms=counted.end_ms,
        volume_chip_ms=sum(forecast(contract, one, counted) for one in together),
        mode=terms.mode,
        tiers=tuple(
            (
                tier.from_chip_hours * MS_PER_HOUR,
                divide(tier.rate_micro_usd_per_chip_hour * factor, WHOLE_BPS, Rounding.HALF_EVEN),
            )
            for tier in terms.tiers
        ),
    )


def _minimum(
    state: State,
    contract: Contract,
    owed: dict[TrancheId, Owed | None],
    tiered: dict[TrancheId, Tiered | None],
    at_ms: int,
    forecast: Forecast,
) -> Minimum | None:
    """The minimum in force and what is missing of it: the amount for the part of the period that counts, less spending.

    Spending is a forecast: usage at the rate of the tier that the volume comes to, and deficiencies as they stand or
    were settled. What late capacity would have cost is not to be spent.
    """
    kinds = (terms for terms in contract.clauses if isinstance(terms, MinimumCommitment))
    terms = next((terms for terms in kinds if terms.interval.contains(at_ms)), None)
    if terms is None:
        return None
    counted = counted_interval(contract, terms, at_ms, began_ms(state))
    period = period_interval(at_ms, terms.period, contract.calendar.zone)
    late = late_micro_usd(state, contract, counted)
    due = max(0, minimum_micro_usd(within(terms, counted), period) - late) * MS_PER_HOUR
    spent = due_in(state, contract, counted) * MS_PER_HOUR
    for tranche in contract.tranches:
        lacking, tiers = owed[tranche.id], tiered[tranche.id]
        spent += forecast(contract, tranche, counted) * _rate_now(tranche, tiers)
        spent += max(0, lacking.left_chip_ms) * tranche.rate_micro_usd_per_chip_hour if lacking else 0
    clause = ClauseRef(contract.id, terms.id)
    return Minimum(clause, f"{contract.id}/{terms.id}@{counted.start_ms}", counted.end_ms, due - spent)


def _rate_now(tranche: Tranche, tiers: Tiered | None) -> int:
    """The rate that all-units tiers come to, and the average one of graduated tiers, to the micro-unit."""
    reached = [rate for begins, rate in tiers.tiers if begins <= tiers.volume_chip_ms] if tiers else []
    if tiers is None or not reached:
        return tranche.rate_micro_usd_per_chip_hour
    if tiers.mode is TierMode.ALL_UNITS or tiers.volume_chip_ms == 0:
        return reached[-1]
    steps = [(0, tranche.rate_micro_usd_per_chip_hour), *tiers.tiers]
    ends = [begins for begins, _ in steps[1:]] + [tiers.volume_chip_ms]
    paid = sum(
        max(0, min(end, tiers.volume_chip_ms) - begins) * rate for (begins, rate), end in zip(steps, ends, strict=True)
    )
    return divide(paid, tiers.volume_chip_ms, Rounding.HALF_EVEN)


def _over(state: State, contract: Contract, tranche: Tranche) -> tuple[ClauseRef, int]:
    """What ends a tranche, and when: a termination, or the end of its own or of the contract's term."""
    ends_ms = min(tranche.ends_ms, contract.interval.end_ms)
    record = state.terminations.get(contract.id)
    if record is None or record.effective_ms >= ends_ms:
        return ClauseRef(contract.id, TERM), ends_ms
    clauses = (terms for terms in contract.clauses if isinstance(terms, Termination))
    found = next((terms.id for terms in clauses if terms.interval.contains(record.given_ms)), TERM)
    return ClauseRef(contract.id, found), record.effective_ms


def _stretch_ends_ms(state: State, contract: Contract, tranche: Tranche, at_ms: int) -> int:
    """When the first thing changes that a price rests on."""
    return min(edge for edge in _edges(state, contract, tranche, at_ms) if edge > at_ms)


def _edges(state: State, contract: Contract, tranche: Tranche, at_ms: int) -> Iterator[int]:
    yield from (tranche.ends_ms, contract.interval.end_ms)
    if contract.id in state.terminations:
        yield state.terminations[contract.id].effective_ms
    for terms in contract.clauses:
        if isinstance(terms, TakeOrPay | MinimumCommitment | PriceTiers):
            yield from (terms.interval.start_ms, terms.interval.end_ms)
            if terms.interval.contains(at_ms):
                yield counted_interval(contract, terms, at_ms, began_ms(state)).end_ms
        if isinstance(terms, PriceTiers):
            yield from (step.from_ms for step in terms.index)
        if isinstance(terms, MinimumCommitment):
            yield from (step.from_ms for step in terms.steps)
