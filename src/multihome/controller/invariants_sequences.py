"""I11 of deliveries: capacity and the steps that brought it are one story, and no tranche has more than it has.

By another road than `deliveries` and `clauses.standing`, which decided: counts and ends are worked out here from the
facts. Shares no function with them. Changes nothing.
"""

from collections import Counter
from collections.abc import Iterator

from multihome.controller.state import State
from multihome.domain.ids import TrancheId
from multihome.domain.procurement import TrancheStep


def delivery_breaches(state: State) -> Iterator[tuple[str, str]]:
    """Acceptances without their delivery, deliveries without their acceptance, and what is more than was ordered."""
    accepted: Counter[tuple[TrancheId, int, int]] = Counter()
    for tranche_id, moves in state.tranche_moves.items():
        accepted.update(
            (tranche_id, move.effective_ms, move.domains) for move in moves if move.step is TrancheStep.ACCEPTED
        )
    delivered = Counter(
        (one.tranche_id, one.effective_ms, one.domains)
        for one in state.deliveries.values()
        if one.id not in state.deliveries_ahead
    )
    for (tranche_id, _, domains), count in (accepted - delivered).items():
        yield tranche_id, f"{count} acceptances of {domains} domains have no delivery"
    for (tranche_id, _, domains), count in (delivered - accepted).items():
        yield tranche_id, f"{count} deliveries of {domains} domains have no acceptance"
    came: Counter[TrancheId] = Counter()
    for one in state.deliveries.values():
        came[one.tranche_id] += one.domains
    for contract in state.contract_documents.values():
        for tranche in contract.tranches:
            if came[tranche.id] > tranche.domains:
                yield tranche.id, f"{came[tranche.id]} domains were delivered, and {tranche.domains} were ordered"


def ended_ms(state: State, tranche_id: TrancheId) -> int | None:
    """When a step or a notice has ended a tranche, whatever its document says; None where none has.

    A tranche of which a part had come keeps that part when the rest is given up.
    """
    steps = state.tranche_moves.get(tranche_id, ())
    has_part = any(move.step is TrancheStep.ACCEPTED for move in steps)
    ending = {TrancheStep.ORDER_ENDED} if has_part else {TrancheStep.TRANCHE_ENDED, TrancheStep.ORDER_ENDED}
    ends = [move.effective_ms for move in steps if move.step in ending]
    ends += [
        given.effective_ms for given in state.terminations.values() if tranche_id.startswith(f"{given.contract_id}/")
    ]
    return min(ends, default=None)
