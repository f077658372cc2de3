"""Substitution: whether other chips may be delivered than were ordered, and whether that needs consent."""

from multihome.domain.clause_terms import Substitution


def on_loss(terms: Substitution) -> tuple[str, str]:
    """What the clause makes of its provider's loss."""
    consent = "with consent" if terms.needs_consent else "without consent"
    return (
        "substitution_as_agreed",
        f"what comes back may be other chips only as agreed: {terms.rule.value.replace('_', ' ')}, {consent}",
    )
