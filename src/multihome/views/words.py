"""Reasons in words. Every sentence is made from the data that stands beside it, and from nothing else."""

from multihome.domain import placements as pl
from multihome.domain.clause_terms import ClauseRef, Use
from multihome.domain.placements import Blocker, Evidence, PlacementReason, Price
from multihome.domain.runs import AttemptEnd, Outcome
from multihome.domain.supply import DOMAIN_LAYER
from multihome.domain.workloads import WorkloadSpec
from multihome.units.money import format_usd
from multihome.units.time import MS_PER_SECOND, format_date, format_duration, format_instant

BYTES_PER_GIB = 1024**3
"""Memory is told in GiB, as people ask for it."""


def clause_text(clause: ClauseRef) -> str:
    """A clause as people find it: `contract/clause`."""
    return f"{clause.contract_id}/{clause.clause_id}"


def describe(blocker: Blocker) -> str:  # noqa: C901, PLR0911, PLR0912 -- one sentence a reason, nothing is nested
    """Why not, in one sentence that names what it comes from."""
    match blocker:
        case pl.GangLargerThanDomain():
            return (
                f"{blocker.pool_id}: the gang needs {blocker.chips} chips on {blocker.nodes} nodes of one domain, and "
                f"its domains have {blocker.largest_domain_chips}"
            )
        case pl.NotEnoughChips():
            return f"{blocker.pool_id}: needs {blocker.chips} chips in one domain, {_room_text(blocker)}"
        case pl.ServedLater():
            return f"the policy {blocker.order}, after {blocker.objective}, serves others first"
        case pl.NotDelivered():
            return (
                f"{blocker.pool_id}: tranche {blocker.tranche_id}, promised {format_date(blocker.promised_ms)}, has "
                f"not been accepted"
            )
        case pl.CapacityEnded():
            by = f" (clause {clause_text(blocker.clause)})" if blocker.clause else ""
            act = f": {blocker.by.act} by {blocker.by.actor} ({blocker.by.why})" if blocker.by else ""
            return f"{blocker.pool_id}: tranche {blocker.tranche_id} ended on {format_date(blocker.ended_ms)}{by}{act}"
        case pl.ForbiddenByClause():
            until = "" if format_date(blocker.until_ms) == "open" else f" until {format_date(blocker.until_ms)}"
            return f"{blocker.pool_id}: clause {clause_text(blocker.clause)} binds it to {blocker.holder_id}{until}"
        case pl.AwardNotPermitted():
            earliest = blocker.earliest_ms
            when = f"; one could be permitted from {format_instant(earliest)}" if earliest is not None else ""
            return (
                f"{blocker.pool_id}: the award of tranche {blocker.tranche_id} stands without the permission of clause "
                f"{clause_text(blocker.clause)}: {blocker.missing}{when}"
            )
        case pl.OutsideUse():
            return f"{blocker.pool_id}: tranche {blocker.tranche_id} is meant for {use_text(blocker.use)} only"
        case pl.NotQualified():
            since = f" before {format_date(blocker.qualified_ms)}" if blocker.qualified_ms is not None else ""
            return f"{blocker.pool_id}: the workload is not qualified on {blocker.accelerator}{since}"
        case pl.OverQuota():
            return (
                f"{blocker.pool_id}: quota {blocker.quota_id} of {blocker.tenant_id} is {blocker.nominal_chips} chips, "
                f"{blocker.used_chips} used, {blocker.asked_chips} asked, {blocker.borrowable_chips} to borrow"
            )
        case pl.ProviderClosed():
            by = f" by {blocker.actor}" if blocker.actor else ""
            return f"{blocker.pool_id}: {blocker.provider_id} is {blocker.state}{by} ({blocker.why})"
        case pl.OutsideJurisdiction():
            return f"{blocker.pool_id}: it lies in {blocker.jurisdiction}; allowed are {', '.join(blocker.allowed)}"
        case pl.ReclaimPending():
            runs = ", ".join(blocker.run_ids) or "runs that are stopping"
            return f"{blocker.pool_id}: {blocker.chips} borrowed chips are on their way back from {runs}"
        case pl.NoPool():
            return f"no pool has {', '.join(blocker.accelerators)} in {blocker.infra}"


_NEAREST_FIRST = (
    pl.ReclaimPending,
    pl.NotEnoughChips,
    pl.ServedLater,
    pl.OverQuota,
    pl.ProviderClosed,
    pl.AwardNotPermitted,
    pl.NotDelivered,
    pl.NotQualified,
    pl.ForbiddenByClause,
    pl.OutsideUse,
    pl.OutsideJurisdiction,
    pl.CapacityEnded,
    pl.GangLargerThanDomain,
    pl.NoPool,
)


def nearness(blocker: Blocker) -> int:
    """How far a reason is from passing, 0 the nearest: by itself, by someone's act, by a date, or never."""
    return _NEAREST_FIRST.index(type(blocker))


def _room_text(blocker: pl.NotEnoughChips) -> str:
    """What is free, and, where that would be enough, why it lies too far apart."""
    free = f"largest free {blocker.largest_free_chips}"
    cut = blocker.cut
    if cut is None:
        return free
    under = "in one domain" if cut.layer == DOMAIN_LAYER else f"under one {cut.layer}"
    text = (
        f"{free}, but too far apart: {cut.wanted_nodes} × {cut.chips_per_node} are wanted {under}, and the largest "
        f"block free there holds {cut.largest_free_block_nodes}"
    )
    if not cut.parts:
        return text
    split = " + ".join(str(part.nodes) for part in cut.parts)
    return f"{text}; it would have to be cut into {split}"


def use_text(use: Use) -> str:
    """What capacity is meant for."""
    kinds = " and ".join(kind.value for kind in use.workload_kinds)
    products = f"the product{'s' if len(use.products) > 1 else ''} {', '.join(use.products)}" if use.products else ""
    return " of ".join(part for part in (kinds, products) if part) or "anything"


def unplaced_by(spec: WorkloadSpec) -> tuple[str, ...]:
    """What a workload asked of its nodes that no placement looks at: said, so that nobody relies on it."""
    cpus = f"{spec.node_cpus_milli / 1_000:g} CPUs" if spec.node_cpus_milli else ""
    memory = f"{spec.node_memory_bytes / BYTES_PER_GIB:g} GiB of memory" if spec.node_memory_bytes else ""
    asked = " and ".join(part for part in (cpus, memory) if part)
    return (f"Asked for {asked} on each node: not scheduled by Multihome, the engine's node decides.",) if asked else ()


NOT_LOOKED_AT = "no placement round has looked at it yet"
"""Why something waits for which no reason was found so far."""
CANCELLED = "it was cancelled: nothing of it is started any more"


def end_text(end: AttemptEnd) -> str:
    """How an attempt ended, in words: `attempt 3 failed: exit code 1`."""
    head = f"attempt {end.generation} {_OUTCOME_WORDS[end.outcome]}"
    has_code = end.exit_code is not None and end.stop_cause is None
    told = ", ".join(part for part in (f"exit code {end.exit_code}" if has_code else "", end.text) if part)
    return f"{head}: {told}" if told else head


_OUTCOME_WORDS = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.FAILED: "failed",
    Outcome.STOPPED: "was stopped",
    Outcome.NEVER_STARTED: "never started",
    Outcome.VANISHED: "vanished",
}


def back_off_text(end: AttemptEnd, left_ms: int) -> str:
    """Why a unit pauses, and for how long still; what is left is shown in whole seconds, rounded up."""
    left = format_duration(-(-left_ms // MS_PER_SECOND) * MS_PER_SECOND)
    return f"backing off after {end_text(end)}; tried again in {left}"


def price_text(price: Price) -> str:
    """A price with the rule that set it."""
    rule = f"clause {clause_text(price.clause)}: {price.rule}" if price.clause else price.rule
    return f"{format_usd(price.micro_usd_per_chip_hour)} per chip-hour ({rule})"


def evidence_text(evidence: Evidence) -> str:
    """Why the award of the capacity was permitted."""
    award = f"award {evidence.award_id}: " if evidence.award_id else ""
    return award + "; ".join(_one_evidence_text(one) for one in (evidence, *evidence.others))


def _one_evidence_text(evidence: Evidence) -> str:
    clause = f" clause {clause_text(evidence.clause)}:" if evidence.clause else ""
    match evidence.code:
        case "waiver":
            what = f"notice {evidence.notice_id}" if evidence.notice_id else f"waiver {evidence.waiver_id}"
            return (
                f"{clause.strip()} {what} ({evidence.text}), awarded "
                f"{format_date(evidence.awarded_ms)}, notice {evidence.notice_sha256[:12]}"
            )
        case "exemption":
            return f"{clause.strip()} exempt: {evidence.text}"
        case "holder":
            return f"{clause.strip()} awarded to the holder itself"
        case "not_new":
            return "no new capacity: first refusal does not bind it"
        case _:
            return "no clause bound its award"


def reason_sentences(reason: PlacementReason) -> tuple[str, ...]:
    """Why there, sentence by sentence."""
    lenders = f", lent by {', '.join(reason.lender_ids)}" if reason.lender_ids else ""
    sentences = [f"Basis: {reason.basis.value}{lenders}.", f"Price: {price_text(reason.price)}."]
    if reason.overridden_by:
        sentences.append(f"Quota set aside by {reason.overridden_by}.")
    if reason.preferred_by:
        sentences.append(f"Tried first because of clause {clause_text(reason.preferred_by)}.")
    sentences.append(f"Award: {evidence_text(reason.evidence)}.")
    sentences.extend(f"Beat {other.pool_id} at {price_text(other.price)}." for other in reason.beaten)
    sentences.extend(f"Ruled out {describe(blocker)}." for blocker in reason.ruled_out)
    return tuple(sentences)
