"""Right of first refusal: new capacity in scope goes elsewhere only after the holder was asked.

It binds awards. A placement asks whether the award of its tranche was permitted, and shows that award's evidence. What
a notice that has ended leaves to others stands in `waivers`.
"""

from collections.abc import Iterable, Mapping

import msgspec

from multihome.clauses.scope import Awarded, covers_award, covers_workload, within_use
from multihome.domain.clause_terms import Exemption, ExemptionGround, FirstRefusal, Use
from multihome.domain.ids import AcceleratorName, ProviderId
from multihome.domain.supply import ProviderKind
from multihome.domain.workloads import WorkloadKind
from multihome.units.calendar import Calendar, MissingLocalTime, later_days, window_end
from multihome.units.time import Interval, format_date


def binds_award(terms: FirstRefusal, holder: ProviderId, awarded: Awarded) -> bool:
    """Say whether an award needs the holder to be asked, apart from the clause's exemptions."""
    return (
        awarded.provider_id != holder
        and terms.interval.contains(awarded.awarded_ms)
        and covers_award(terms.scope, awarded)
    )


def prefers_holder(
    terms: FirstRefusal,
    kind: WorkloadKind,
    product: str,
    accelerator: AcceleratorName,
    places: tuple[str, ...],
    at_ms: int,
) -> bool:
    """Say whether placement of such a workload tries such chips of the holder first."""
    return (
        terms.incumbent_first
        and terms.interval.contains(at_ms)
        and covers_workload(terms.scope, kind, product, accelerator, places)
    )


def closes_ms(terms: FirstRefusal, calendar: Calendar, served_ms: int) -> int | MissingLocalTime:
    """When the window of a notice that was served at an instant closes; an answer at that instant is too late."""
    notice = terms.notice
    return window_end(served_ms, notice.days, notice.count, notice.closes_minute, calendar)


def waiver_ends_ms(terms: FirstRefusal, calendar: Calendar, answered_ms: int) -> int:
    """When what an answer left to others ends; an award at that instant is too late."""
    return later_days(answered_ms, terms.waiver_days, calendar.zone)


def exempting(
    terms: FirstRefusal, calendar: Calendar, awarded: Awarded, losses: Mapping[ProviderId, Iterable[Interval]]
) -> Exemption | None:
    """The exception of the clause itself that an award falls under, if any."""
    for exemption in terms.exemptions:
        if not within_use(awarded.use, Use(workload_kinds=exemption.workload_kinds)):
            continue
        if exemption.ground is ExemptionGround.OWN_SITE:
            if awarded.provider_kind is ProviderKind.OWN:
                return exemption
        elif awarded.replaces is not None and any(
            emergency_until(exemption, loss, calendar) > awarded.awarded_ms and loss.contains(awarded.awarded_ms)
            for loss in losses.get(awarded.replaces, ())
        ):
            return exemption
    return None


def only_on(terms: FirstRefusal, ground: ExemptionGround | None) -> FirstRefusal:
    """The clause with its exemptions on the ground that somebody named; as it is where nobody named one."""
    if ground is None:
        return terms
    return msgspec.structs.replace(terms, exemptions=tuple(one for one in terms.exemptions if one.ground is ground))


def grounds_text(terms: FirstRefusal) -> str:
    """The grounds on which a clause exempts an award, each with its conditions, in words; empty where it has none."""
    return "; ".join(f"{one.ground.value} ({_conditions(one)})" for one in terms.exemptions)


def emergency_until(exemption: Exemption, loss: Interval, calendar: Calendar) -> int:
    """Until when an exemption lets a lost provider be replaced: so many days after the declaration."""
    return later_days(loss.start_ms, exemption.days, calendar.zone)


def exemption_text(exemption: Exemption, awarded: Awarded) -> str:
    """Why an award needs no notice, in words."""
    if exemption.ground is ExemptionGround.OWN_SITE:
        return f"the organisation's own site, for {_kinds(exemption)}"
    return f"stands in for {awarded.replaces}, declared lost, within {exemption.days} days, for {_kinds(exemption)}"


def on_loss(terms: FirstRefusal, calendar: Calendar, lost_ms: int) -> tuple[str, str]:
    """What the clause makes of a provider's loss: whether it may be replaced without a notice, and until when."""
    for exemption in terms.exemptions:
        if exemption.ground is ExemptionGround.PROVIDER_LOSS:
            until = format_date(emergency_until(exemption, Interval(lost_ms, lost_ms), calendar))
            what = "what stands in for the lost provider may be awarded without a notice"
            return "emergency_exemption", f"until {until} {what}, for {_kinds(exemption)}"
    return (
        "no_emergency_exemption",
        f"the loss opens no exemption from {terms.mode.value}; replacements go to capacity whose award was permitted",
    )


def _conditions(exemption: Exemption) -> str:
    if exemption.ground is ExemptionGround.OWN_SITE:
        return f"capacity of the organisation's own, for {_kinds(exemption)}"
    days = f"{exemption.days} days"
    return f"in place of a provider declared lost, awarded within {days} of that, for {_kinds(exemption)}"


def _kinds(exemption: Exemption) -> str:
    return " and ".join(kind.value for kind in exemption.workload_kinds) or "any use"
