"""The terms of a clause in words, all of them, one sentence or part of one a line. Computes nothing."""

from collections.abc import Iterator

from multihome.domain.clause_terms import (
    ClauseTerms,
    ConcentrationCap,
    DelayRemedy,
    Equity,
    Equivalence,
    Exclusivity,
    Exemption,
    ExemptionGround,
    Favoured,
    FirstRefusal,
    MatchTest,
    MaterialChange,
    MinimumCommitment,
    MostFavoured,
    Prepayment,
    PriceTiers,
    Ramp,
    Renewal,
    RenewalMode,
    Scope,
    Substitution,
    SubstitutionRule,
    TakeOrPay,
    Termination,
    TierMode,
    Use,
    Window,
)
from multihome.units.calendar import MINUTES_PER_DAY, format_local_date
from multihome.units.money import format_usd


def clause_words(terms: ClauseTerms, zone: str) -> tuple[str, ...]:
    """Every term of a clause, in words; dates are those of its contract's zone."""
    return tuple(_words(terms, zone))


def _words(terms: ClauseTerms, zone: str) -> Iterator[str]:  # noqa: C901, PLR0912 -- one branch a kind, nothing is nested
    match terms:
        case Exclusivity():
            yield f"only the provider may be used for {scope_words(terms.scope)}"
        case FirstRefusal():
            yield from _first_refusal(terms)
        case TakeOrPay():
            yield from _take_or_pay(terms)
        case MinimumCommitment():
            for step in terms.steps:
                amount = format_usd(step.amount_micro_usd)
                yield f"at least {amount} a {terms.period.value} from {format_local_date(step.from_ms, zone)}"
        case Ramp():
            for step in terms.steps:
                yield f"{step.chips} chips of tranche {terms.tranche} from {format_local_date(step.from_ms, zone)}"
        case Prepayment():
            yield f"{format_usd(terms.amount_micro_usd)} paid ahead on {format_local_date(terms.paid_ms, zone)}"
            yield f"{_share(terms.draw_bps)} of every charge is drawn from it"
            yield f"{_share(terms.refund_bps)} of what is left comes back on termination"
        case PriceTiers():
            yield from _tiers(terms, zone)
        case DelayRemedy():
            yield from _delay_remedy(terms)
        case Termination():
            yield from _termination(terms, zone)
        case Renewal():
            yield from _renewal(terms)
        case ConcentrationCap():
            whom = f"{terms.dimension.value} {terms.of}" if terms.of else f"any one {terms.dimension.value}"
            yield f"{whom} has at most {_share(terms.cap_bps)} of {terms.measure.value}"
            yield f"counted over the {terms.window_days} days after an award"
        case MostFavoured():
            yield from _most_favoured(terms)
        case Substitution():
            yield from _substitution(terms)
        case Equity():
            for milestone in terms.milestones:
                yield f"{format_usd(milestone.value_micro_usd)} once {milestone.chips_accepted} chips are accepted"


def _first_refusal(terms: FirstRefusal) -> Iterator[str]:
    yield f"covers {scope_words(terms.scope)}"
    yield f"mode {terms.mode.value}; the holder has {window_words(terms.notice)} to answer"
    yield f"a waiver holds for {terms.waiver_days} days"
    if terms.incumbent_first:
        yield "placement tries the holder's capacity first"
    yield from _match(terms.match)
    yield from _material_change(terms.material_change)
    for exemption in terms.exemptions:
        yield _exemption(exemption)


def _match(match: MatchTest) -> Iterator[str]:
    yield f"a match is no dearer, discounted at {_share(match.discount_bps_per_year)} a year"
    yield f"and begins at most {match.start_tolerance_days} days later than noticed"
    yield from _equivalents(match.equivalents)


def _material_change(change: MaterialChange) -> Iterator[str]:
    rate, chips = _share(change.rate_bps), _share(change.chips_bps)
    yield f"a new notice is due where the rate goes up by more than {rate}, or chips by more than {chips}"
    yield f"or where the start moves by more than {change.start_days} days, or the term by more than {change.term_days}"


def _exemption(exemption: Exemption) -> str:
    kinds = ", ".join(kind.value for kind in exemption.workload_kinds) or "any work"
    if exemption.ground is ExemptionGround.OWN_SITE:
        return f"exempt: the organisation's own sites, for {kinds}"
    return f"exempt: in place of a provider declared lost, within {exemption.days} days, for {kinds}"


def _take_or_pay(terms: TakeOrPay) -> Iterator[str]:
    yield f"{_share(terms.share_bps)} of what is delivered in a {terms.period.value} is paid for, used or not"
    if terms.make_up_periods:
        yield f"what was paid for and not taken may be made up in the next {_times(terms.make_up_periods, terms)}"
    if terms.carry_forward_bps:
        yield f"what was taken beyond lowers what is owed next by at most {_share(terms.carry_forward_bps)}"


def _times(count: int, terms: TakeOrPay) -> str:
    return f"{count} {terms.period.value}{'' if count == 1 else 's'}"


def _tiers(terms: PriceTiers, zone: str) -> Iterator[str]:
    which = ", ".join(terms.tranches) or "all tranches"
    mode = "for what lies within the tier" if terms.mode is TierMode.GRADUATED else "for everything once it is reached"
    yield f"rates for {which}, by volume in a {terms.period.value}, {mode}"
    for tier in terms.tiers:
        rate = format_usd(tier.rate_micro_usd_per_chip_hour)
        yield f"{rate} per chip-hour from {tier.from_chip_hours:,} chip-hours"
    for step in terms.index:
        yield f"index at {_share(step.factor_bps)} from {format_local_date(step.from_ms, zone)}"


def _delay_remedy(terms: DelayRemedy) -> Iterator[str]:
    yield f"{terms.grace_days} days of grace, then {_share(terms.discount_bps_per_day)} a day"
    yield f"up to {_share(terms.cap_bps)} of the fee for thirty days"
    if terms.shifts_end:
        yield "the tranche's end moves by the days that it was late"
    if terms.end_tranche_after_days:
        yield f"the tranche may be ended from {terms.end_tranche_after_days} days late"
    if terms.end_order_after_days:
        yield f"the order may be ended from {terms.end_order_after_days} days late"


def _termination(terms: Termination, zone: str) -> Iterator[str]:
    yield f"notice of {window_words(terms.notice)}"
    if terms.causes:
        yield f"for cause ({', '.join(terms.causes)}), after {terms.cure_days} days to cure it"
    for step in terms.fees:
        share = _share(step.share_bps)
        yield f"for convenience at {share} of what is still to be paid, from {format_local_date(step.from_ms, zone)}"


def _renewal(terms: Renewal) -> Iterator[str]:
    what = "goes on by itself" if terms.mode is RenewalMode.AUTOMATIC else "goes on if notice is given"
    yield f"{what} for {terms.term_days} days, at {_share(terms.rate_factor_bps)} of the rates"
    yield f"notice of {window_words(terms.notice)} before the end"


def _most_favoured(terms: MostFavoured) -> Iterator[str]:
    if terms.favoured is Favoured.BUYER:
        yield "we pay this provider no more than others ask for the like"
    else:
        yield "this provider is paid no less than others for the like"
    which = ", ".join(terms.accelerators) or "any accelerator"
    yield f"the like: {which}, {terms.chips_min} to {terms.chips_max} chips, of the last {terms.look_back_days} days"
    yield f"remedy: {terms.remedy.value.replace('_', ' ')}"


def _substitution(terms: Substitution) -> Iterator[str]:
    yield {
        SubstitutionRule.NEVER: "no other chips may be delivered than were ordered",
        SubstitutionRule.LIKE_FOR_LIKE: "equivalents of at least the same throughput may be delivered",
        SubstitutionRule.ANY: "any other chips may be delivered",
    }[terms.rule]
    if terms.needs_consent:
        yield "with consent, on record"
    yield from _equivalents(terms.equivalents)


def _equivalents(equivalents: tuple[Equivalence, ...]) -> Iterator[str]:
    for one in equivalents:
        yield f"one {one.accelerator} counts as {_share(one.throughput_bps)} of one {one.stands_for}"


def scope_words(scope: Scope) -> str:
    """What a scope covers."""
    parts = [
        ", ".join(kind.value for kind in scope.workload_kinds) or "all work",
        f"of {', '.join(scope.products)}" if scope.products else "",
        f"on {', '.join(scope.accelerators)}" if scope.accelerators else "",
        f"in {', '.join(scope.territories)}" if scope.territories else "",
        "on new capacity only" if scope.new_capacity_only else "",
    ]
    return " ".join(part for part in parts if part)


def use_words(use: Use) -> str:
    """What capacity is meant for; empty where that is anything."""
    kinds = ", ".join(kind.value for kind in use.workload_kinds)
    products = f"of {', '.join(use.products)}" if use.products else ""
    return " ".join(part for part in (kinds, products) if part)


def window_words(window: Window) -> str:
    """A window of days: `30 calendar days`, `10 business days to 17:00`."""
    minute = window.closes_minute
    closes = "" if minute == MINUTES_PER_DAY else f" to {minute // 60:02d}:{minute % 60:02d}"
    return f"{window.days} {window.count.value} days{closes}"


def _share(bps: int) -> str:
    return f"{bps / 100:g} %"
