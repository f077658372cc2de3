"""Every kind of clause, in one table: what it is called in a file, and what it says when its provider is lost."""

from collections.abc import Callable
from typing import Any

from multihome.clauses import (
    concentration,
    delay_remedy,
    equity,
    exclusivity,
    first_refusal,
    minimum_commitment,
    most_favoured,
    prepayment,
    price_tiers,
    ramp,
    renewal,
    substitution,
    take_or_pay,
    termination,
)
from multihome.domain.clause_terms import (
    ClauseTerms,
    ConcentrationCap,
    DelayRemedy,
    Equity,
    Exclusivity,
    FirstRefusal,
    MinimumCommitment,
    MostFavoured,
    Prepayment,
    PriceTiers,
    Ramp,
    Renewal,
    Substitution,
    TakeOrPay,
    Termination,
)

CLAUSE_KINDS: dict[type[ClauseTerms], str] = {
    Exclusivity: "exclusivity",
    FirstRefusal: "right_of_first_refusal",
    TakeOrPay: "take_or_pay",
    MinimumCommitment: "minimum_commitment",
    Ramp: "ramp",
    Prepayment: "prepayment",
    PriceTiers: "price_tiers",
    DelayRemedy: "delay_remedy",
    Termination: "termination",
    Renewal: "renewal",
    ConcentrationCap: "concentration_cap",
    MostFavoured: "most_favoured_customer",
    Substitution: "substitution",
    Equity: "equity",
}

# The table's keys guarantee each function the type it takes; a checker cannot see that.
_ON_LOSS: dict[type[ClauseTerms], Callable[[Any], tuple[str, str]]] = {
    Exclusivity: exclusivity.on_loss,
    FirstRefusal: first_refusal.on_loss,
    TakeOrPay: take_or_pay.on_loss,
    MinimumCommitment: minimum_commitment.on_loss,
    Ramp: ramp.on_loss,
    Prepayment: prepayment.on_loss,
    PriceTiers: price_tiers.on_loss,
    DelayRemedy: delay_remedy.on_loss,
    Termination: termination.on_loss,
    Renewal: renewal.on_loss,
    ConcentrationCap: concentration.on_loss,
    MostFavoured: most_favoured.on_loss,
    Substitution: substitution.on_loss,
    Equity: equity.on_loss,
}


def on_provider_loss(terms: ClauseTerms) -> tuple[str, str]:
    """What a clause makes of the loss of its contract's provider: a code, and a sentence."""
    return _ON_LOSS[type(terms)](terms)
