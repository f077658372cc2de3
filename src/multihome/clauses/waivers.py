"""What a first refusal leaves to others: by a notice that has ended, or by a waiver on record from elsewhere.

Says of each what it lacks to cover an award, in words. Knows nothing of how a notice came to be served.
"""

from multihome.clauses.first_refusal import closes_ms, waiver_ends_ms
from multihome.clauses.scope import Awarded, within_use
from multihome.domain.clause_terms import Equivalence, FirstRefusal, MaterialChange
from multihome.domain.contracts import Contract, Waiver, WaiverAnswer
from multihome.domain.ids import AcceleratorName
from multihome.domain.procurement import Answer, AnswerKind, Notice, Terms
from multihome.units.calendar import MissingLocalTime
from multihome.units.money import Rounding, divide, format_usd
from multihome.units.time import MS_PER_DAY, format_date, format_instant

WHOLE_BPS = 10_000


def throughput_bps(
    equivalents: tuple[Equivalence, ...], accelerator: AcceleratorName, stands_for: AcceleratorName
) -> int | None:
    """Of the work of a chip, how much another does by agreement, in basis points; None where nothing was agreed."""
    if accelerator == stands_for:
        return WHOLE_BPS
    for agreed in equivalents:
        if (agreed.accelerator, agreed.stands_for) == (accelerator, stands_for):
            return agreed.throughput_bps
    return None


def matched_chips(terms: FirstRefusal, notice: Notice, answer: Answer) -> int:
    """Chips that the holder took, in chips of the accelerator that was noticed, rounded down."""
    if answer.kind is AnswerKind.MATCHED:
        return notice.terms.chips
    if answer.kind is not AnswerKind.MATCHED_IN_PART:
        return 0
    bps = throughput_bps(terms.match.equivalents, answer.terms.accelerator, notice.terms.accelerator) or 0
    return divide(answer.terms.chips * bps, WHOLE_BPS, Rounding.DOWN)


def waived_chips(terms: FirstRefusal, notice: Notice, answer: Answer) -> int:
    """Chips that others may be awarded under an answered notice, with what may be added without a new one."""
    left = notice.terms.chips - matched_chips(terms, notice, answer)
    return divide(left * (WHOLE_BPS + terms.material_change.chips_bps), WHOLE_BPS, Rounding.DOWN)


def waived_rate(terms: FirstRefusal, notice: Notice, answer: Answer) -> int:
    """The highest rate at which others may be awarded, in micro-units per chip-hour.

    What was noticed, with what it may go up by; where the holder asked for a rate of its own, no more than that.
    """
    noticed = notice.terms.rate_micro_usd_per_chip_hour
    highest = divide(noticed * (WHOLE_BPS + terms.material_change.rate_bps), WHOLE_BPS, Rounding.DOWN)
    if answer.kind is AnswerKind.DECLINED and answer.terms.chips:
        return min(highest, answer.terms.rate_micro_usd_per_chip_hour)
    return highest


def notice_gap(
    contract: Contract, terms: FirstRefusal, notice: Notice, answer: Answer | None, awarded: Awarded, used_chips: int
) -> str:
    """What an answered notice lacks to cover an award, in words; empty when it covers it.

    `terms` is the version of the clause under which it was served, `used_chips` what earlier awards took of it.
    """
    if answer is None:
        return f"notice {notice.id} is open until {format_instant(notice.closes_ms)}"
    if answer.kind is AnswerKind.MATCHED:
        return f"the holder matched notice {notice.id} in full"
    gap = _dates_gap(contract, terms, notice, answer, awarded)
    return gap or _terms_gap(terms, notice, answer, awarded, used_chips)


def _dates_gap(contract: Contract, terms: FirstRefusal, notice: Notice, answer: Answer, awarded: Awarded) -> str:
    at_ms = awarded.awarded_ms
    if at_ms < answer.answered_ms:
        return f"notice {notice.id} was answered only on {format_instant(answer.answered_ms)}"
    ends_ms = waiver_ends_ms(terms, contract.calendar, answer.answered_ms)
    if at_ms >= ends_ms:
        return f"what notice {notice.id} left to others ended on {format_instant(ends_ms)}"
    return ""


def _terms_gap(terms: FirstRefusal, notice: Notice, answer: Answer, awarded: Awarded, used_chips: int) -> str:
    noticed, asked = notice.terms, awarded.terms
    for what, here, there in (
        ("accelerator", asked.accelerator, noticed.accelerator),
        ("region", asked.region, noticed.region),
        ("currency", asked.currency, noticed.currency),
    ):
        if here != there:
            return f"notice {notice.id} was of {what} {there}, not {here}"
    if not within_use(awarded.use, notice.use):
        return f"notice {notice.id} was of a narrower use"
    left = waived_chips(terms, notice, answer) - used_chips
    if asked.chips > left:
        return f"notice {notice.id} leaves {max(0, left)} chips to others, and {asked.chips} are asked"
    rate = waived_rate(terms, notice, answer)
    if asked.rate_micro_usd_per_chip_hour > rate:
        return (
            f"{format_usd(asked.rate_micro_usd_per_chip_hour)} per chip-hour is better for the provider than the "
            f"{format_usd(rate)} that notice {notice.id} covers"
        )
    return _change_gap(terms.material_change, notice, asked)


def _change_gap(change: MaterialChange, notice: Notice, asked: Terms) -> str:
    noticed = notice.terms
    moved = -(-abs(asked.starts_ms - noticed.starts_ms) // MS_PER_DAY)
    if moved > change.start_days:
        return f"its start lies {moved} days from the one in notice {notice.id}; up to {change.start_days} are covered"
    moved = -(-abs(asked.ends_ms - noticed.ends_ms) // MS_PER_DAY)
    if moved > change.term_days:
        return f"its end lies {moved} days from the one in notice {notice.id}; up to {change.term_days} are covered"
    return ""


def waiver_gap(waiver: Waiver, contract: Contract, terms: FirstRefusal, awarded: Awarded, chips_left: int) -> str:
    """What a waiver on record lacks to cover the award, in words; empty when it covers it.

    A waiver covers an award made between its answer and its expiry, of an accelerator and as many chips as were
    noticed, on terms no better for the third party than those noticed.
    """
    lapses_ms = closes_ms(terms, contract.calendar, waiver.served_ms)
    at_ms, asked = awarded.awarded_ms, awarded.terms
    if isinstance(lapses_ms, MissingLocalTime):
        return f"the window of waiver {waiver.id} would close at {lapses_ms.local}, which {lapses_ms.zone} leaps over"
    if waiver.answer is WaiverAnswer.LAPSED and waiver.answered_ms < lapses_ms:
        return f"waiver {waiver.id} cannot have lapsed before {format_date(lapses_ms)}, when its notice window ends"
    if at_ms < waiver.answered_ms:
        answered = format_date(waiver.answered_ms)
        return f"it was awarded on {format_date(at_ms)}, before waiver {waiver.id} of {answered}"
    if at_ms >= waiver.expires_ms:
        return f"waiver {waiver.id} had expired on {format_date(waiver.expires_ms)}"
    if asked.accelerator not in waiver.accelerators:
        return f"waiver {waiver.id} covers {', '.join(waiver.accelerators)}, not {asked.accelerator}"
    if asked.chips > chips_left:
        return f"waiver {waiver.id} has {chips_left} of {waiver.chips} chips left, and the tranche has {asked.chips}"
    if asked.rate_micro_usd_per_chip_hour > waiver.rate_micro_usd_per_chip_hour:
        return f"its rate is better for the provider than the one noticed in waiver {waiver.id}"
    return ""
