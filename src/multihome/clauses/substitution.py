"""Substitution: whether other chips may be delivered than were ordered.

Like for like is by equivalence that the parties stated, never by a data sheet: chips delivered × throughput of the
substitute ≥ chips ordered.
"""

import msgspec

from multihome.domain.clause_terms import Substitution, SubstitutionRule
from multihome.domain.ids import AcceleratorName

_BPS = 10_000


class Verdict(msgspec.Struct, frozen=True):
    """Whether the chips may be delivered, and why or why not, in words."""

    permitted: bool
    text: str


def permits(
    terms: Substitution,
    ordered: AcceleratorName,
    ordered_chips: int,
    delivered: AcceleratorName,
    delivered_chips: int,
    consent: str,
) -> Verdict:
    """Whether `delivered_chips` of one accelerator may stand for `ordered_chips` of another; no consent is empty.

    The accelerator that was ordered is no substitute; fewer of it is a part delivery, which this clause is not about.
    """
    if delivered == ordered:
        return Verdict(permitted=True, text=f"{ordered} was ordered")
    refused = _rule_gap(terms, ordered, ordered_chips, delivered, delivered_chips)
    if not refused and terms.needs_consent and not consent:
        refused = f"clause {terms.id} wants consent to {delivered} in place of {ordered}, and none is recorded"
    if refused:
        return Verdict(permitted=False, text=refused)
    agreed = f", with the consent of {consent}" if consent else ""
    return Verdict(permitted=True, text=f"clause {terms.id} lets {delivered} stand for {ordered}{agreed}")


def on_loss(terms: Substitution) -> tuple[str, str]:
    """What the clause makes of a provider's loss."""
    words = {
        SubstitutionRule.NEVER: "no other chips may be delivered in place of what was lost",
        SubstitutionRule.LIKE_FOR_LIKE: "what was lost may be replaced by equivalents that were agreed",
        SubstitutionRule.ANY: "what was lost may be replaced by other chips",
    }[terms.rule]
    return "replacement_chips", words + (", with consent" if terms.needs_consent else "")


def _rule_gap(
    terms: Substitution, ordered: AcceleratorName, ordered_chips: int, delivered: AcceleratorName, delivered_chips: int
) -> str:
    if terms.rule is SubstitutionRule.ANY:
        return ""
    if terms.rule is SubstitutionRule.NEVER:
        return f"clause {terms.id} permits no substitute for {ordered}"
    stated = [one for one in terms.equivalents if (one.accelerator, one.stands_for) == (delivered, ordered)]
    if not stated:
        return f"clause {terms.id} states no equivalence of {delivered} to {ordered}"
    throughput_bps = max(one.throughput_bps for one in stated)
    if delivered_chips * throughput_bps >= ordered_chips * _BPS:
        return ""
    return (
        f"clause {terms.id} counts {delivered_chips} {delivered} for {delivered_chips * throughput_bps / _BPS:g} "
        f"{ordered}, and {ordered_chips} were ordered"
    )
