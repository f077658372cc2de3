"""Figures of a clause that contradict each other, or the tranches they are about. One function a kind that has any."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from multihome.controller.known import Known, reference
from multihome.domain.clause_terms import (
    ClauseTerms,
    ConcentrationCap,
    Dimension,
    Equity,
    Equivalence,
    Exclusivity,
    FirstRefusal,
    MinimumCommitment,
    MostFavoured,
    Prepayment,
    PriceTiers,
    Ramp,
    Renewal,
    Substitution,
    Termination,
    Window,
)
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.ids import AcceleratorName, TrancheId
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.units.calendar import SEARCH_DAYS, Calendar, DayCount, format_local_moment

_WEEK_DAYS = 7
_WORK_DAYS = 5


def terms_problems(known: Known, contract: Contract, terms: ClauseTerms) -> Iterator[Refusal]:
    """Everything that is wrong with a clause's own figures and with the names in it."""
    subject = f"clause {contract.id}/{terms.id}"
    for accelerator in _accelerators(terms):
        yield from reference(subject, "accelerator", accelerator, known.accelerators)
    for name in _tranche_names(terms):
        yield from reference(subject, "tranche", name, _tranches(contract))
    if isinstance(terms, ConcentrationCap) and terms.of and terms.dimension is Dimension.PROVIDER:
        yield from reference(subject, "provider", terms.of, known.providers)
    for text, accepted in _contradictions(known, contract, terms):
        yield Refusal(RefusalCode.BAD_TERMS, subject, text, accepted=accepted)


def _accelerators(terms: ClauseTerms) -> Iterator[AcceleratorName]:
    equivalents: Sequence[Equivalence] = ()
    match terms:
        case Exclusivity():
            yield from terms.scope.accelerators
        case FirstRefusal():
            yield from terms.scope.accelerators
            equivalents = terms.match.equivalents
        case MostFavoured():
            yield from terms.accelerators
        case Substitution():
            equivalents = terms.equivalents
        case _:
            pass
    for equivalence in equivalents:
        yield from (equivalence.accelerator, equivalence.stands_for)


def _tranche_names(terms: ClauseTerms) -> tuple[str, ...]:
    match terms:
        case Ramp():
            return (terms.tranche,)
        case PriceTiers():
            return terms.tranches
        case _:
            return ()


def _tranches(contract: Contract) -> dict[TrancheId, Tranche]:
    """The tranches by their names within the contract."""
    return {TrancheId(tranche.id.removeprefix(f"{contract.id}/")): tranche for tranche in contract.tranches}


def _contradictions(known: Known, contract: Contract, terms: ClauseTerms) -> Iterator[tuple[str, str]]:  # noqa: C901 -- one branch a kind
    """What contradicts itself, and what would be accepted."""
    match terms:
        case Ramp():
            yield from _ramp(known, contract, terms)
        case MinimumCommitment():
            yield from _in_order("a step", [step.from_ms for step in terms.steps], contract.calendar.zone)
            yield from _not_negative("an amount", [step.amount_micro_usd for step in terms.steps])
        case Prepayment():
            yield from _not_negative("a prepayment", [terms.amount_micro_usd])
        case PriceTiers():
            yield from _tiers(contract, terms)
        case Termination():
            yield from _in_order("a fee", [step.from_ms for step in terms.fees], contract.calendar.zone)
            yield from _window(terms.notice, contract.calendar)
        case FirstRefusal() | Renewal():
            yield from _window(terms.notice, contract.calendar)
        case Equity():
            yield from _equity(terms)
        case MostFavoured():
            if terms.chips_max < terms.chips_min:
                text = f"its band ends at {terms.chips_max} chips, before it begins at {terms.chips_min}"
                yield text, "a largest award of at least the smallest"
        case ConcentrationCap():
            if terms.window_days == 0:
                yield "it counts shares over no day at all", "a window of at least 1 day"
        case _:
            pass


def _ramp(known: Known, contract: Contract, terms: Ramp) -> Iterator[tuple[str, str]]:
    yield from _in_order("a step", [step.from_ms for step in terms.steps], contract.calendar.zone)
    if not terms.steps:
        yield "it has no step", "at least one step"
        return
    yield from _not_negative("a number of chips", [step.chips for step in terms.steps])
    for one, following in pairwise(terms.steps):
        if following.chips < one.chips:
            when = format_local_moment(following.from_ms, contract.calendar.zone)
            text = f"it goes down from {one.chips} to {following.chips} chips on {when}"
            yield text, "steps that never go down"
    tranche = _tranches(contract).get(TrancheId(terms.tranche))
    pool = known.pools.get(tranche.pool_id) if tranche is not None else None
    if tranche is None or pool is None:
        return
    chips = tranche.domains * tranche.nodes_per_domain * pool.chips_per_node
    most = max(step.chips for step in terms.steps)
    if most > chips:
        yield f"it goes up to {most} chips, and tranche {tranche.id} has {chips}", f"steps up to {chips} chips"


def _tiers(contract: Contract, terms: PriceTiers) -> Iterator[tuple[str, str]]:
    starts = [tier.from_chip_hours for tier in terms.tiers]
    if not starts:
        yield "it has no tier", "at least one tier, from 0"
        return
    if starts[0] != 0:
        yield f"its first tier begins at {starts[0]} chip-hours: below it there is no rate", "a first tier from 0"
    for one, following in pairwise(starts):
        if following <= one:
            yield f"a tier from {following} chip-hours stands after one from {one}", "tiers in ascending order"
    yield from _not_negative("a rate", [tier.rate_micro_usd_per_chip_hour for tier in terms.tiers])
    yield from _in_order("an index step", [step.from_ms for step in terms.index], contract.calendar.zone)


def _equity(terms: Equity) -> Iterator[tuple[str, str]]:
    for one, following in pairwise(terms.milestones):
        if following.chips_accepted <= one.chips_accepted:
            text = f"a milestone at {following.chips_accepted} chips stands after one at {one.chips_accepted}"
            yield text, "milestones in ascending order of chips"
    yield from _not_negative("a milestone's value", [milestone.value_micro_usd for milestone in terms.milestones])


def _in_order(what: str, instants: Sequence[int], zone: str) -> Iterator[tuple[str, str]]:
    for one, following in pairwise(instants):
        if following <= one:
            first, second = format_local_moment(one, zone), format_local_moment(following, zone)
            text = f"{what} from {second} stands after one from {first}"
            yield text, f"{what} from a later date than the one before it"


def _not_negative(what: str, values: Sequence[int]) -> Iterator[tuple[str, str]]:
    if min(values, default=0) < 0:
        yield f"{what} is negative: {min(values)}", "0 or more"


def _window(window: Window, calendar: Calendar) -> Iterator[tuple[str, str]]:
    """A window of business days that may never close, whenever it opens: the search for its end is bounded."""
    if window.count is not DayCount.BUSINESS:
        return
    # Every week has two days without business, and each holiday may be a further one.
    days = (window.days + len(calendar.holidays) + 1) * _WEEK_DAYS // _WORK_DAYS + _WEEK_DAYS
    if days > SEARCH_DAYS:
        text = (
            f"a window of {window.days} business days with {len(calendar.holidays)} holidays may not close within "
            f"{SEARCH_DAYS} days (SEARCH_DAYS)"
        )
        yield text, "fewer days, or calendar days"
