"""Tests needs, offers and suspensions against each other and against what is known, before any becomes a fact."""

from collections.abc import Iterator

from multihome.controller.known import Known, reference, tranches_by_id
from multihome.controller.settled import settled_until
from multihome.controller.state import State
from multihome.domain.contracts import USD, Suspension
from multihome.domain.procurement import Need, Offer
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.units.time import format_date


def procurement_problems(state: State, known: Known, document: Need | Offer | Suspension) -> Iterator[Refusal]:
    """Everything that is wrong with a need, an offer or a suspension."""
    match document:
        case Need():
            yield from _need_problems(known, document)
        case Offer():
            yield from _offer_problems(state, known, document)
        case Suspension():
            yield from _suspension_problems(state, known, document)


def _need_problems(known: Known, need: Need) -> Iterator[Refusal]:
    subject = f"need {need.id}"
    for accelerator in need.accelerators:
        yield from reference(subject, "accelerator", accelerator, known.accelerators)
    if need.until_ms <= need.by_ms:
        yield Refusal(RefusalCode.BAD_DATES, subject, "it is wanted until a date that is not after it is wanted by")


def _offer_problems(state: State, known: Known, offer: Offer) -> Iterator[Refusal]:
    subject = f"offer {offer.id}"
    yield from reference(subject, "provider", offer.provider_id, known.providers)
    yield from reference(subject, "pool", offer.pool_id, known.pools)
    if offer.need_id is not None:
        yield from reference(subject, "need", offer.need_id, known.needs)
    pool = known.pools.get(offer.pool_id)
    if pool is not None and pool.provider_id != offer.provider_id:
        text = f"pool {pool.id} belongs to {pool.provider_id}, and the offer is {offer.provider_id}'s"
        yield Refusal(RefusalCode.UNKNOWN_REFERENCE, subject, text)
    if offer.currency != USD:
        yield _currency_differs(known, subject, offer)
    yield from _offer_terms(subject, offer)
    before = state.offers.get(offer.id)
    if before is not None and before != offer:
        yield from _offer_used(state, subject, offer)


def _currency_differs(known: Known, subject: str, offer: Offer) -> Refusal:
    theirs = (contract for contract in known.contracts.values() if contract.provider_id == offer.provider_id)
    named = "".join(f", contract {contract.id} in {contract.currency}" for contract in theirs)
    text = f"it is in {offer.currency}, the ledger in {USD}{named}: amounts in different currencies are not compared"
    return Refusal(RefusalCode.CURRENCY_DIFFERS, subject, text, accepted=f"an offer in {USD}")


def _offer_terms(subject: str, offer: Offer) -> Iterator[Refusal]:
    if offer.start_until_ms < offer.start_from_ms:
        text = (
            f"its latest start {format_date(offer.start_until_ms)} is before its earliest "
            f"{format_date(offer.start_from_ms)}"
        )
        yield Refusal(RefusalCode.BAD_DATES, subject, text)
    if offer.chips_max < offer.chips_min or (offer.chips_max - offer.chips_min) % offer.chips_step:
        text = f"from {offer.chips_min} chips in steps of {offer.chips_step} one does not come to {offer.chips_max}"
        accepted = "a largest number that is the smallest plus whole steps"
        yield Refusal(RefusalCode.BAD_TERMS, subject, text, accepted=accepted)
    if offer.term_days_max < offer.term_days_min:
        text = f"its longest term of {offer.term_days_max} days is below its shortest of {offer.term_days_min}"
        yield Refusal(RefusalCode.BAD_TERMS, subject, text, accepted="a longest term of at least the shortest")


def _offer_used(state: State, subject: str, offer: Offer) -> Iterator[Refusal]:
    """Terms that were noticed or awarded are evidence, and are not rewritten."""
    standing = [f"notice {notice.id}" for notice in state.notices.values() if notice.offer_id == offer.id]
    standing += [f"award {award.id}" for award in state.awards.values() if award.offer_id == offer.id]
    if standing:
        text = f"{', '.join(standing)} stands on its terms, which can no longer be rewritten"
        yield Refusal(RefusalCode.SETTLED, subject, text, accepted="another offer under another name")


def _suspension_problems(state: State, known: Known, suspension: Suspension) -> Iterator[Refusal]:
    subject = f"suspension {suspension.id}"
    yield from reference(subject, "contract", suspension.contract_id, known.contracts)
    for tranche_id in suspension.tranche_ids:
        yield from reference(subject, "tranche", tranche_id, tranches_by_id(known))
    if suspension.interval.end_ms <= suspension.interval.start_ms:
        yield Refusal(RefusalCode.BAD_DATES, subject, "it ends before it begins")
    before = state.suspensions.get(suspension.id)
    if before == suspension:
        return
    for version in (suspension, before):
        end_ms = settled_until(state, version.contract_id) if version is not None else 0
        if version is not None and version.interval.start_ms < end_ms:
            if version is suspension and before is not None and _same_until(suspension, before, end_ms):
                return
            text = f"it would rewrite what is settled until {format_date(end_ms)}"
            yield Refusal(RefusalCode.SETTLED, subject, text, accepted=f"a suspension from {format_date(end_ms)} on")
            return


def _same_until(one: Suspension, other: Suspension, end_ms: int) -> bool:
    """Whether two versions suspend the same until an instant."""
    same = (one.contract_id, one.tranche_ids, one.interval.start_ms) == (
        other.contract_id,
        other.tranche_ids,
        other.interval.start_ms,
    )
    return same and min(one.interval.end_ms, end_ms) == min(other.interval.end_ms, end_ms)
