"""Most favoured customer: terms for the like are compared with those of others, within a band and a look-back."""

from multihome.domain.clause_terms import MostFavoured


def on_loss(terms: MostFavoured) -> tuple[str, str]:
    """What the clause makes of its provider's loss."""
    return (
        "replacements_compare",
        f"awards that replace what is lost are compared as any other ({terms.look_back_days} days back)",
    )
