"""Every kind of clause, in one table: what it is called in a file, and what it says when its provider is lost."""

from collections.abc import Callable
from typing import Any

from multihome.clauses import delay_remedy, exclusivity, first_refusal, take_or_pay
from multihome.domain.clause_terms import ClauseTerms, DelayRemedy, Exclusivity, FirstRefusal, TakeOrPay
from multihome.units.calendar import Calendar

CLAUSE_KINDS: dict[type[ClauseTerms], str] = {
    Exclusivity: "exclusivity",
    FirstRefusal: "right_of_first_refusal",
    TakeOrPay: "take_or_pay",
    DelayRemedy: "delay_remedy",
}

# The table's keys guarantee each function the type it takes; a checker cannot see that.
_ON_LOSS: dict[type[ClauseTerms], Callable[[Any], tuple[str, str]]] = {
    Exclusivity: exclusivity.on_loss,
    TakeOrPay: take_or_pay.on_loss,
    DelayRemedy: delay_remedy.on_loss,
}


def on_provider_loss(terms: ClauseTerms, calendar: Calendar, lost_ms: int) -> tuple[str, str]:
    """What a clause makes of a provider's loss at an instant: a code, and a sentence. Days are its contract's."""
    if isinstance(terms, FirstRefusal):
        return first_refusal.on_loss(terms, calendar, lost_ms)
    return _ON_LOSS[type(terms)](terms)
