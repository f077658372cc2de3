"""Concentration cap: the largest share that one provider, region or chip vendor may have, tested before an award."""

from multihome.domain.clause_terms import ConcentrationCap


def on_loss(terms: ConcentrationCap) -> tuple[str, str]:
    """What the clause makes of its provider's loss."""
    cap = f"{terms.cap_bps / 100:g} % of {terms.measure.value} by {terms.dimension.value}"
    return "binds_awards_only", f"the cap of {cap} is tested at the next award; a loss moves shares and breaks nothing"
