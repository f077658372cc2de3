"""All kinds of clause as a contract's file has them: which shape reads each, and the way back.

What a clause means stands in `clauses`. A kind without a shape here cannot get into a contract.
"""

from collections.abc import Callable
from typing import Annotated, Any, get_args

from pydantic import Field

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
from multihome.units.time import Interval
from multihome.wire import documents_clauses_money as money
from multihome.wire import documents_clauses_rights as rights
from multihome.wire.fields import instant_text, without_empty

ClauseIn = Annotated[
    rights.ExclusivityIn
    | rights.FirstRefusalIn
    | money.TakeOrPayIn
    | money.MinimumCommitmentIn
    | money.RampIn
    | money.PrepaymentIn
    | money.PriceTiersIn
    | money.DelayRemedyIn
    | money.TerminationIn
    | money.RenewalIn
    | rights.ConcentrationCapIn
    | rights.MostFavouredIn
    | rights.SubstitutionIn
    | money.EquityIn,
    Field(discriminator="kind"),
]

# The table's keys guarantee each function the type it takes; a checker cannot see that.
_DATA_OF: dict[type[ClauseTerms], Callable[[Any], dict[str, Any]]] = {
    Exclusivity: rights.exclusivity_data,
    FirstRefusal: rights.first_refusal_data,
    TakeOrPay: money.take_or_pay_data,
    DelayRemedy: money.delay_remedy_data,
    Renewal: money.renewal_data,
    ConcentrationCap: rights.concentration_cap_data,
    MostFavoured: rights.most_favoured_data,
    Substitution: rights.substitution_data,
    Equity: money.equity_data,
}
# Those with dates of their own, which are written in the contract's zone.
_DATED_DATA_OF: dict[type[ClauseTerms], Callable[[Any, str], dict[str, Any]]] = {
    MinimumCommitment: money.minimum_commitment_data,
    Ramp: money.ramp_data,
    Prepayment: money.prepayment_data,
    PriceTiers: money.price_tiers_data,
    Termination: money.termination_data,
}


def clause_kind(terms: type[ClauseTerms] | ClauseTerms) -> str:
    """What a kind of clause is called in a file."""
    tag = terms.__struct_config__.tag
    assert isinstance(tag, str), "every kind of clause is tagged with its name"
    return tag


CLAUSE_KINDS = tuple(clause_kind(terms) for terms in get_args(ClauseTerms))
"""What the kinds of clause are called in files."""


def clause_data(terms: ClauseTerms, contract: Interval, zone: str) -> dict[str, Any]:
    """A clause of a contract as a document has it, with dates in the contract's zone."""
    # An open end is left out, and what is left out is the contract's: so an open clause in a closed contract cannot be
    # written down, and its end is spelt out instead.
    until = None if terms.interval.end_ms == contract.end_ms else instant_text(terms.interval.end_ms, zone)
    dates = without_empty({"from": instant_text(terms.interval.start_ms, zone), "until": until})
    kind = type(terms)
    particular = _DATED_DATA_OF[kind](terms, zone) if kind in _DATED_DATA_OF else _DATA_OF[kind](terms)
    return {"kind": clause_kind(terms), "name": terms.id, **dates, **particular, "source": terms.source}
