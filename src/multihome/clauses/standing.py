"""A contract as it stands: its document, with the dates that deliveries, reschedulings and ends have moved.

Everybody who places, meters or counts reads the contract in this form; only documents are compared with documents.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from multihome.clauses.delay_remedy import delay, shifted_end_ms
from multihome.domain.clause_terms import ClauseTerms, DelayRemedy
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.events import TrancheMoved
from multihome.domain.ids import TrancheId
from multihome.domain.procurement import TerminationRecord, TrancheStep
from multihome.domain.supply import Delivery
from multihome.units.time import FOREVER_MS, Interval

ENDS = frozenset({TrancheStep.TRANCHE_ENDED, TrancheStep.ORDER_ENDED})
"""Steps with which a tranche ends before its time."""


def as_it_stands(
    contract: Contract,
    deliveries: Iterable[Delivery],
    moves: Mapping[TrancheId, Sequence[TrancheMoved]],
    termination: TerminationRecord | None,
) -> Contract:
    """The contract after everything that happened to it; clauses that a termination leaves no time are gone."""
    ends_ms = termination.effective_ms if termination else FOREVER_MS
    accepted = [delivery for delivery in deliveries if delivery.tranche_id.rpartition("/")[0] == contract.id]
    return msgspec.structs.replace(
        contract,
        interval=Interval(contract.interval.start_ms, min(contract.interval.end_ms, ends_ms)),
        clauses=tuple(_until(terms, ends_ms) for terms in contract.clauses if terms.interval.start_ms < ends_ms),
        tranches=tuple(
            _tranche(contract, tranche, accepted, moves.get(tranche.id, ()), ends_ms) for tranche in contract.tranches
        ),
    )


def delay_remedy_of(contract: Contract, tranche: Tranche) -> DelayRemedy | None:
    """The delay remedy that was in force when a tranche was due, if any."""
    for terms in contract.clauses:
        if isinstance(terms, DelayRemedy) and terms.interval.contains(tranche.promised_ms):
            return terms
    return None


def _until(terms: ClauseTerms, ends_ms: int) -> ClauseTerms:
    if terms.interval.end_ms <= ends_ms:
        return terms
    return msgspec.structs.replace(terms, interval=Interval(terms.interval.start_ms, ends_ms))


def _tranche(
    contract: Contract, tranche: Tranche, accepted: Sequence[Delivery], moves: Sequence[TrancheMoved], ends_ms: int
) -> Tranche:
    promised_ms = next(
        (move.promised_ms for move in reversed(moves) if move.step is TrancheStep.RESCHEDULED), tranche.promised_ms
    )
    kept = sum(move.domains for move in moves)
    # Who ends a tranche that is late gives up what has not come; what was accepted of it stays until the order ends.
    is_cut = kept > 0 and any(move.step is TrancheStep.TRANCHE_ENDED for move in moves)
    ending = ENDS - {TrancheStep.TRANCHE_ENDED} if is_cut else ENDS
    ended_ms = min((move.effective_ms for move in moves if move.step in ending), default=FOREVER_MS)
    moved = msgspec.structs.replace(
        tranche, promised_ms=promised_ms, domains=min(kept, tranche.domains) if is_cut else tranche.domains
    )
    shifted_ms = _shifted_end_ms(contract, moved, accepted)
    return msgspec.structs.replace(moved, ends_ms=min(shifted_ms, ended_ms, ends_ms))


def _shifted_end_ms(contract: Contract, tranche: Tranche, accepted: Sequence[Delivery]) -> int:
    """The end after the shift that the delay remedy gives for the last acceptance, if it was late."""
    terms = delay_remedy_of(contract, tranche)
    last_ms = max((one.effective_ms for one in accepted if one.tranche_id == tranche.id), default=None)
    if terms is None or last_ms is None:
        return tranche.ends_ms
    late = delay(terms, tranche.promised_ms, last_ms, contract.calendar.zone)
    return shifted_end_ms(terms, late, tranche.ends_ms, contract.calendar)
