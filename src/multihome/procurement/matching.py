"""Whether what the holder of a first refusal answers is a match: what, when, and at which net present value.

Net present value of rate × term as gas pipelines compare bids: the payments of each calendar month of the contract's
zone, discounted by whole months from the one in which the noticed term starts. Exact fractions throughout. Worked by
hand in `docs/money-clauses.md`.
"""

from fractions import Fraction

from multihome.clauses.waivers import WHOLE_BPS, throughput_bps
from multihome.domain.clause_terms import FirstRefusal, FirstRefusalMode
from multihome.domain.procurement import AnswerKind, Terms
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.units.calendar import Period, later_days, period_interval
from multihome.units.money import Rounding, divide, format_usd
from multihome.units.time import MS_PER_HOUR, format_date

MONTHS_PER_YEAR = 12


def present_value_micro(terms: Terms, discount_bps_per_year: int, origin_ms: int, zone: str) -> Fraction:
    """Micro-units that one chip costs over its term, discounted monthly to the month of `origin_ms`.

    Sum over calendar months k of hours × rate ÷ (1 + yearly rate ÷ 12)^k, where k is 0 in the month of `origin_ms`.
    """
    growth = 1 + Fraction(discount_bps_per_year, WHOLE_BPS * MONTHS_PER_YEAR)
    value = Fraction(0)
    at_ms = terms.starts_ms
    months = _months_between(origin_ms, at_ms, zone)
    while at_ms < terms.ends_ms:
        until_ms = min(period_interval(at_ms, Period.MONTH, zone).end_ms, terms.ends_ms)
        hours = Fraction(until_ms - at_ms, MS_PER_HOUR)
        value += hours * terms.rate_micro_usd_per_chip_hour / growth**months
        at_ms, months = until_ms, months + 1
    return value


def _months_between(from_ms: int, to_ms: int, zone: str) -> int:
    count = 0
    month = period_interval(from_ms, Period.MONTH, zone)
    while month.end_ms <= to_ms:
        month = period_interval(month.end_ms, Period.MONTH, zone)
        count += 1
    while month.start_ms > to_ms:
        month = period_interval(month.start_ms - 1, Period.MONTH, zone)
        count -= 1
    return count


def match_problem(
    terms: FirstRefusal, zone: str, subject: str, noticed: Terms, said: Terms, kind: AnswerKind
) -> Refusal | None:
    """Why an answer is no match of its kind, with the figures; None where it is one.

    In the mode `insufficient_capacity` the price is not compared: the holder says what it can deliver, and its contract
    says at which price.
    """
    if said.currency != noticed.currency:
        text = f"it was noticed in {noticed.currency} and answered in {said.currency}"
        return Refusal(RefusalCode.CURRENCY_DIFFERS, subject, text, accepted=noticed.currency)
    bps = throughput_bps(terms.match.equivalents, said.accelerator, noticed.accelerator)
    if not bps:
        others = (one.accelerator for one in terms.match.equivalents if one.stands_for == noticed.accelerator)
        text = f"{said.accelerator} is no agreed equivalent of {noticed.accelerator}"
        return _no_match(subject, text, ", ".join((noticed.accelerator, *others)))
    return (
        _quantity_problem(subject, noticed, said, kind, bps)
        or _dates_problem(terms, zone, subject, noticed, said)
        or _price_problem(terms, zone, subject, noticed, said, bps)
    )


def _quantity_problem(subject: str, noticed: Terms, said: Terms, kind: AnswerKind, bps: int) -> Refusal | None:
    full = divide(noticed.chips * WHOLE_BPS, bps, Rounding.UP)
    least = divide(WHOLE_BPS, bps, Rounding.UP)
    if said.chips > full:
        text = f"{said.chips} {said.accelerator} are more than asked: {full} do the work of {_noticed(noticed)}"
        return _no_match(subject, text, f"at most {full}")
    if kind is AnswerKind.MATCHED and said.chips != full:
        text = f"{said.chips} {said.accelerator} match {_noticed(noticed)} in part only; {full} do its work"
        return _no_match(subject, text, f"{full}, or matched_in_part")
    if kind is AnswerKind.MATCHED_IN_PART and not least <= said.chips < full:
        text = f"{said.chips} {said.accelerator} are no part of {_noticed(noticed)}"
        return _no_match(subject, text, f"{least} to {full - 1}" if full > least else "matched")
    return None


def _dates_problem(terms: FirstRefusal, zone: str, subject: str, noticed: Terms, said: Terms) -> Refusal | None:
    tolerance = terms.match.start_tolerance_days
    latest_ms = later_days(noticed.starts_ms, tolerance, zone)
    if said.starts_ms > latest_ms:
        text = (
            f"it starts on {format_date(said.starts_ms)}, and {format_date(noticed.starts_ms)} was noticed, with "
            f"{tolerance} days of tolerance"
        )
        return _no_match(subject, text, f"a start by {format_date(latest_ms)}")
    if said.ends_ms - said.starts_ms < noticed.ends_ms - noticed.starts_ms:
        text = (
            f"its term, to {format_date(said.ends_ms)}, is shorter than the one noticed, "
            f"{format_date(noticed.starts_ms)} to {format_date(noticed.ends_ms)}"
        )
        return _no_match(subject, text, "a term as long as noticed")
    return None


def _price_problem(
    terms: FirstRefusal, zone: str, subject: str, noticed: Terms, said: Terms, bps: int
) -> Refusal | None:
    if terms.mode is FirstRefusalMode.INSUFFICIENT_CAPACITY:
        return None
    discount = terms.match.discount_bps_per_year
    asked = present_value_micro(noticed, discount, noticed.starts_ms, zone)
    offered = present_value_micro(said, discount, noticed.starts_ms, zone) * Fraction(WHOLE_BPS, bps)
    if offered <= asked:
        return None
    text = (
        f"its net present value is {_money(offered)} {said.currency} for the work of one chip, and {_money(asked)} was "
        f"noticed (discounted at {discount / 100:g} % a year)"
    )
    return _no_match(subject, text, f"at most {_money(asked)} {said.currency}")


def _noticed(noticed: Terms) -> str:
    return f"the {noticed.chips} {noticed.accelerator} noticed"


def _money(micro: Fraction) -> str:
    """Rounded up to the micro-unit, so that what is dearer never looks equal."""
    return format_usd(-(-micro.numerator // micro.denominator)).removeprefix("$")


def _no_match(subject: str, text: str, accepted: str) -> Refusal:
    return Refusal(RefusalCode.NO_MATCH, subject, text, accepted=accepted)
