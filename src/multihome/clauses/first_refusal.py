"""Right of first refusal: new capacity in scope goes elsewhere only after the holder was asked.

It binds awards. A placement asks whether the award of its tranche was permitted, and shows that award's evidence.
"""

from multihome.clauses.scope import covers_capacity, covers_workload
from multihome.domain.clause_terms import FirstRefusal
from multihome.domain.contracts import Contract, Tranche, Waiver, WaiverAnswer
from multihome.domain.ids import AcceleratorName, ProviderId
from multihome.domain.workloads import WorkloadKind
from multihome.units.calendar import Calendar, MissingLocalTime, window_end
from multihome.units.time import format_date


def binds_award(
    terms: FirstRefusal, holder: ProviderId, provider: ProviderId, tranche: Tranche, accelerator: AcceleratorName
) -> bool:
    """Say whether the award of this tranche needed the holder to be asked."""
    return (
        provider != holder
        and terms.interval.contains(tranche.award.awarded_ms)
        and covers_capacity(terms.scope, accelerator, new_capacity=tranche.new_capacity)
    )


def prefers_holder(
    terms: FirstRefusal, kind: WorkloadKind, product: str, accelerator: AcceleratorName, at_ms: int
) -> bool:
    """Say whether placement of such a workload tries such chips of the holder first."""
    return (
        terms.incumbent_first
        and terms.interval.contains(at_ms)
        and covers_workload(terms.scope, kind, product, accelerator)
    )


def closes_ms(terms: FirstRefusal, calendar: Calendar, served_ms: int) -> int | MissingLocalTime:
    """When the window of a notice that was served at an instant closes; an answer at that instant is too late."""
    notice = terms.notice
    return window_end(served_ms, notice.days, notice.count, notice.closes_minute, calendar)


def waiver_gap(
    waiver: Waiver,
    contract: Contract,
    terms: FirstRefusal,
    tranche: Tranche,
    accelerator: AcceleratorName,
    chips_left: int,
    chips: int,
) -> str:
    """What the waiver lacks to cover the award, in words; empty when it covers it.

    A waiver covers an award made between its answer and its expiry, of an accelerator and as many chips as were
    noticed, on terms no better for the third party than those noticed.
    """
    lapses_ms = closes_ms(terms, contract.calendar, waiver.served_ms)
    awarded_ms = tranche.award.awarded_ms
    if isinstance(lapses_ms, MissingLocalTime):
        return f"the window of waiver {waiver.id} would close at {lapses_ms.local}, which {lapses_ms.zone} leaps over"
    if waiver.answer is WaiverAnswer.LAPSED and waiver.answered_ms < lapses_ms:
        return f"waiver {waiver.id} cannot have lapsed before {format_date(lapses_ms)}, when its notice window ends"
    if awarded_ms < waiver.answered_ms:
        answered = format_date(waiver.answered_ms)
        return f"it was awarded on {format_date(awarded_ms)}, before waiver {waiver.id} of {answered}"
    if awarded_ms >= waiver.expires_ms:
        return f"waiver {waiver.id} had expired on {format_date(waiver.expires_ms)}"
    if accelerator not in waiver.accelerators:
        return f"waiver {waiver.id} covers {', '.join(waiver.accelerators)}, not {accelerator}"
    if chips > chips_left:
        return f"waiver {waiver.id} has {chips_left} of {waiver.chips} chips left, and the tranche has {chips}"
    if tranche.rate_micro_usd_per_chip_hour > waiver.rate_micro_usd_per_chip_hour:
        return f"its rate is better for the provider than the one noticed in waiver {waiver.id}"
    return ""


def on_loss(terms: FirstRefusal) -> tuple[str, str]:
    """What the clause makes of a provider's loss."""
    return (
        "no_emergency_exemption",
        f"the loss opens no exemption from {terms.mode.value}; replacements go to capacity whose award was permitted",
    )
