"""Whether an offer can be taken as somebody wants to take it: its expiry, quantities and dates."""

from collections.abc import Iterator

from multihome.clauses.scope import Awarded
from multihome.domain.ids import ProviderId
from multihome.domain.procurement import Offer, Terms
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.domain.supply import Pool, Provider
from multihome.units.time import MS_PER_DAY, format_date, format_instant


def terms_of(offer: Offer, pool: Pool, chips: int, starts_ms: int, ends_ms: int) -> Terms:
    """So many chips of an offer over an interval, as terms that can be compared."""
    return Terms(
        accelerator=pool.accelerator,
        region=pool.region,
        chips=chips,
        starts_ms=starts_ms,
        ends_ms=ends_ms,
        rate_micro_usd_per_chip_hour=offer.rate_micro_usd_per_chip_hour,
        currency=offer.currency,
    )


def awarded_of(offer: Offer, terms: Terms, provider: Provider, awarded_ms: int, replaces: ProviderId | None) -> Awarded:
    """Taking an offer on these terms, as clauses look at it."""
    return Awarded(
        provider_id=offer.provider_id,
        provider_kind=provider.kind,
        jurisdiction=provider.jurisdiction,
        new_capacity=offer.new_capacity,
        use=offer.use,
        terms=terms,
        awarded_ms=awarded_ms,
        replaces=replaces,
    )


def offer_problems(offer: Offer, terms: Terms, at_ms: int, taken_chips: int) -> Iterator[Refusal]:
    """Everything that keeps an offer from being taken so at an instant; `taken_chips` of it were awarded before."""
    subject = f"offer {offer.id}"
    if at_ms >= offer.expires_ms:
        yield Refusal(RefusalCode.WRONG_STATE, subject, f"it expired on {format_instant(offer.expires_ms)}")
    yield from _quantity(offer, terms.chips, taken_chips)
    yield from _start(offer, terms.starts_ms, at_ms)
    term_ms = terms.ends_ms - terms.starts_ms
    if not offer.term_days_min * MS_PER_DAY <= term_ms <= offer.term_days_max * MS_PER_DAY:
        yield Refusal(
            RefusalCode.BAD_DATES,
            subject,
            f"a term from {format_date(terms.starts_ms)} to {format_date(terms.ends_ms)} was not offered",
            accepted=f"{offer.term_days_min} to {offer.term_days_max} days",
        )


def largest_lot(offer: Offer, chips_max: int) -> int:
    """The most chips that can be had of an offer within a limit; 0 where its smallest number is above that."""
    if chips_max < offer.chips_min:
        return 0
    most = min(chips_max, offer.chips_max)
    return most - (most - offer.chips_min) % offer.chips_step


def _start(offer: Offer, starts_ms: int, at_ms: int) -> Iterator[Refusal]:
    earliest_ms = max(offer.start_from_ms, at_ms + offer.lead_days * MS_PER_DAY)
    if earliest_ms <= starts_ms <= offer.start_until_ms:
        return
    subject, lead = f"offer {offer.id}", f"with {offer.lead_days} days of lead"
    latest = format_date(offer.start_until_ms)
    if earliest_ms > offer.start_until_ms:
        text = f"{lead} it can start on {format_date(earliest_ms)} at the earliest, and {latest} is its latest start"
        yield Refusal(RefusalCode.BAD_DATES, subject, text)
        return
    text = f"it cannot start on {format_date(starts_ms)}, {lead}"
    accepted = f"a start from {format_date(earliest_ms)} to {latest}"
    yield Refusal(RefusalCode.BAD_DATES, subject, text, accepted=accepted)


def _quantity(offer: Offer, chips: int, taken_chips: int) -> Iterator[Refusal]:
    left = offer.chips_max - taken_chips
    in_steps = (chips - offer.chips_min) % offer.chips_step == 0
    if offer.chips_min <= chips <= left and in_steps:
        return
    most = largest_lot(offer, left)
    taken = f", {taken_chips} of {offer.chips_max} are taken" if taken_chips else ""
    yield Refusal(
        RefusalCode.BAD_TERMS,
        f"offer {offer.id}",
        f"{chips} chips were not offered{taken}",
        accepted=f"{offer.chips_min} to {most} chips in steps of {offer.chips_step}" if most else "",
    )
