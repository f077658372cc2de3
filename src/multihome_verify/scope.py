"""Which awards a clause binds, and which of them the clause itself exempts."""

from collections.abc import Sequence

from multihome_verify.calendar import same_time_later_ms
from multihome_verify.facts import EXCLUSIVITY, Clause, Use
from multihome_verify.history import Capacity, Loss


def binds(clause: Clause, capacity: Capacity) -> bool:
    """Say whether a clause binds an award of such capacity.

    Capacity without a declared use may be used for anything, and lies in every scope of kinds and products. A territory
    names a region or a jurisdiction. An exclusivity binds awards where it is one on new capacity.
    """
    scope = clause.scope
    return (
        capacity.provider.id != clause.holder
        and clause.starts_ms <= capacity.awarded_ms < clause.ends_ms
        and (scope.new_capacity_only or clause.kind != EXCLUSIVITY)
        and (capacity.new_capacity or not scope.new_capacity_only)
        and _meet(scope.use.kinds, capacity.use.kinds)
        and _meet(scope.use.products, capacity.use.products)
        and (not scope.accelerators or capacity.accelerator in scope.accelerators)
        and (not scope.territories or bool({capacity.region, capacity.provider.jurisdiction} & {*scope.territories}))
    )


def exempts(clause: Clause, capacity: Capacity, losses: Sequence[Loss], order: int, ground: str = "") -> bool:
    """Say whether an exemption of the clause covers an award that was made by the event `order`.

    Where the award names its ground, no exemption on another ground does.

    One for the organisation's own site covers what its own provider has. One for a provider's loss covers what stands
    in for a provider that is declared lost when the award is made, within so many days of the declaration; `losses` are
    that provider's. Uses that an exemption names must be all that the capacity is for.
    """
    for exemption in clause.exemptions:
        if ground and exemption.ground != ground:
            continue
        if not capacity.use.within(Use(exemption.kinds, ())):
            continue
        if exemption.ground == "own_site" and capacity.provider.kind == "own":
            return True
        if exemption.ground == "provider_loss" and any(
            loss.stood(capacity.awarded_ms, order)
            and capacity.awarded_ms < same_time_later_ms(loss.lost_ms, exemption.days, clause.zone)
            for loss in losses
        ):
            return True
    return False


def _meet(scope: tuple[str, ...], declared: tuple[str, ...]) -> bool:
    return not scope or not declared or bool({*scope} & {*declared})
