"""I7 of caps: no award that raised a share above a concentration cap which was in force when it was made.

By another road than `clauses.concentration`, which decided: shares are exact fractions of what every holding brings
within the window, added up by name. Shares no function with it. Changes nothing.
"""

from collections.abc import Iterator
from datetime import UTC, timedelta
from fractions import Fraction

import msgspec

from multihome.controller.state import State
from multihome.domain.clause_terms import ConcentrationCap, Dimension, Measure
from multihome.domain.contracts import Contract
from multihome.domain.ids import PoolId
from multihome.domain.procurement import AwardRecord
from multihome.units.calendar import zone_info
from multihome.units.time import datetime_of, instant_of


class _Held(msgspec.Struct, frozen=True):
    """What somebody sells: chips of a pool from and until when, at which rate in which currency."""

    pool_id: PoolId
    chips: int
    starts_ms: int
    ends_ms: int
    rate_micro_usd_per_chip_hour: int
    currency: str


def cap_breaches(state: State, award: AwardRecord) -> Iterator[str]:
    """The caps that an award goes beyond by the facts that are on record, in words: to be asked when it is made."""
    for contract in state.contracts.values():
        for terms in contract.clauses:
            in_force = terms.interval.start_ms <= award.awarded_ms < terms.interval.end_ms
            if isinstance(terms, ConcentrationCap) and in_force:
                text = _breach(state, contract, terms, award)
                if text:
                    yield f"award {award.id} goes beyond cap {contract.id}/{terms.id}: {text}"


def _breach(state: State, contract: Contract, terms: ConcentrationCap, award: AwardRecord) -> str:
    mine = _of_award(award)
    name = _name(state, terms.dimension, mine.pool_id)
    if terms.of not in {"", name}:
        return ""
    start_ms = award.awarded_ms
    here = datetime_of(start_ms).astimezone(zone_info(contract.calendar.zone))
    end_ms = instant_of((here + timedelta(days=terms.window_days)).astimezone(UTC))
    others = [one for one in _others(state, award) if one.starts_ms < end_ms and one.ends_ms > start_ms]
    if terms.measure is Measure.SPEND and {one.currency for one in others} - {mine.currency}:
        return "spend in several currencies cannot be added"
    shares: dict[str, Fraction] = {}
    for one in (*others, mine):
        hours = Fraction(max(0, min(one.ends_ms, end_ms) - max(one.starts_ms, start_ms)), 3_600_000)
        whose = _name(state, terms.dimension, one.pool_id)
        shares[whose] = shares.get(whose, Fraction()) + hours * one.chips * _worth(state, terms.measure, one)
    brings = mine.starts_ms < end_ms and mine.ends_ms > start_ms and _worth(state, terms.measure, mine) > 0
    share = shares[name] / (sum(shares.values()) or 1)
    if not brings or share <= Fraction(terms.cap_bps, 10_000):
        return ""
    return f"{name} has {float(share):.2%} of {terms.measure.value}"


def _others(state: State, award: AwardRecord) -> Iterator[_Held]:
    """All that had been ordered or awarded by the instant of an award, without it."""
    ordered = set[str]()
    for contract in state.contracts.values():
        for tranche in contract.tranches:
            if tranche.award.awarded_ms > award.awarded_ms or tranche.award.award_id == award.id:
                continue
            ordered.add(tranche.award.award_id or "")
            chips = tranche.domains * tranche.nodes_per_domain * state.pools[tranche.pool_id].chips_per_node
            yield _Held(
                tranche.pool_id,
                chips,
                tranche.promised_ms,
                tranche.ends_ms,
                tranche.rate_micro_usd_per_chip_hour,
                contract.currency,
            )
    for other in state.awards.values():
        if other.id not in ordered and other.id != award.id and other.awarded_ms <= award.awarded_ms:
            yield _of_award(other)


def _of_award(award: AwardRecord) -> _Held:
    made = award.terms
    return _Held(
        award.pool_id, made.chips, made.starts_ms, made.ends_ms, made.rate_micro_usd_per_chip_hour, made.currency
    )


def _name(state: State, dimension: Dimension, pool_id: PoolId) -> str:
    pool = state.pools[pool_id]
    if dimension is Dimension.PROVIDER:
        return pool.provider_id
    if dimension is Dimension.REGION:
        return pool.region
    made = state.accelerators.get(pool.accelerator)
    return made.vendor if made is not None else pool.accelerator


def _worth(state: State, measure: Measure, held: _Held) -> int:
    """What an hour of one chip counts: its rate, itself, or its watts."""
    if measure is Measure.SPEND:
        return held.rate_micro_usd_per_chip_hour
    return state.pools[held.pool_id].watts_per_chip if measure is Measure.POWER else 1
