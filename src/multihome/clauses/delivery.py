"""Capacity as a step function of time: what was accepted, from when, less what the provider lost.

Capacity exists, and may be billed, from an accepted date on and never before.
"""

from collections.abc import Iterable, Sequence

from multihome.domain.contracts import Tranche
from multihome.domain.supply import Delivery
from multihome.units.time import Interval


def delivered_domains(deliveries: Iterable[Delivery], tranche: Tranche, at_ms: int) -> int:
    """How many of a tranche's domains are accepted and not yet ended at an instant."""
    if at_ms >= tranche.ends_ms:
        return 0
    accepted = sum(
        delivery.domains
        for delivery in deliveries
        if delivery.tranche_id == tranche.id and delivery.effective_ms <= at_ms
    )
    return min(accepted, tranche.domains)


def delivered_chip_ms(
    deliveries: Iterable[Delivery],
    tranche: Tranche,
    chips_per_domain: int,
    interval: Interval,
    outages: Sequence[Interval],
) -> int:
    """Chip-milliseconds of a tranche that were at the buyer's disposal in an interval.

    `outages` are the intervals, disjoint, in which its provider was declared lost.
    """
    total = 0
    domains_left = tranche.domains
    for delivery in sorted((d for d in deliveries if d.tranche_id == tranche.id), key=_effective):
        domains = min(delivery.domains, domains_left)
        domains_left -= domains
        held = Interval(max(delivery.effective_ms, interval.start_ms), min(tranche.ends_ms, interval.end_ms))
        if held.end_ms <= held.start_ms:
            continue
        lost_ms = sum(held.overlap_ms(outage) for outage in outages)
        total += domains * chips_per_domain * (held.end_ms - held.start_ms - lost_ms)
    return total


def _effective(delivery: Delivery) -> tuple[int, str]:
    return delivery.effective_ms, delivery.id
