"""The decision that a gang runs in a pool, with its reasons, and every reason why it does not."""

from enum import StrEnum

from multihome.domain.clause_terms import ClauseRef, Use
from multihome.domain.fact import Fact
from multihome.domain.ids import (
    AcceleratorName,
    AwardId,
    ContractId,
    DomainId,
    NoticeId,
    PoolId,
    ProviderId,
    RunId,
    TenantId,
    TrancheId,
    WaiverId,
    WorkloadId,
)


class Basis(StrEnum):
    """Under whose quota a placement stands."""

    GUARANTEED = "guaranteed"
    BORROWED = "borrowed"


class NodeShare(Fact, frozen=True, kw_only=True):
    """Chips on one node of a domain; nodes are counted from 0."""

    node: int
    chips: int


class Allocation(Fact, frozen=True, kw_only=True):
    """Where a whole gang sits: one domain, so many chips on each of its nodes, paid for under one tranche."""

    provider_id: ProviderId
    pool_id: PoolId
    contract_id: ContractId
    tranche_id: TrancheId
    domain_id: DomainId
    accelerator: AcceleratorName
    nodes: tuple[NodeShare, ...]

    @property
    def chips(self) -> int:
        """Chips of the whole gang."""
        return sum(share.chips for share in self.nodes)


class PlannedStart(Fact, frozen=True, kw_only=True):
    """A gang that a round gave a domain of a tranche, where the chips are still being given back."""

    workload_id: WorkloadId
    unit: int
    tranche_id: TrancheId
    domain_id: DomainId


class Evidence(Fact, frozen=True, kw_only=True):
    """Why an award was permitted: `code` is not_new | holder | no_clause | exemption | waiver.

    A waiver is one on record from elsewhere (`waiver_id`), or follows from a notice served here (`notice_id`).
    `award_id` names the award where it is on record. `others` is evidence for further clauses that bound the award.
    """

    code: str
    clause: ClauseRef | None = None
    waiver_id: WaiverId | None = None
    notice_id: NoticeId | None = None
    award_id: AwardId | None = None
    notice_sha256: str = ""
    awarded_ms: int = 0
    text: str = ""
    others: tuple["Evidence", ...] = ()


class Price(Fact, frozen=True, kw_only=True):
    """What one more chip-hour costs, and the rule that set it: a clause, or the tranche's rate."""

    micro_usd_per_chip_hour: int
    rule: str
    clause: ClauseRef | None = None


# --- Why not: one record a reason, with the figures a person needs to act on it. ---


class GangLargerThanDomain(Fact, frozen=True, kw_only=True):
    """No domain of the pool could ever hold the gang."""

    pool_id: PoolId
    chips: int
    nodes: int
    largest_domain_chips: int


class BlockPart(Fact, frozen=True, kw_only=True):
    """So many nodes of a gang under one switch; the switches of a layer are counted from 0."""

    switch: int
    nodes: int


class Cut(Fact, frozen=True, kw_only=True):
    """Enough may be free in a domain, but no block of it holds the gang: it would have to be cut.

    Nodes are the gang's own, with `chips_per_node` chips each. A block is what is free for them under one switch of
    `layer`, which is `domain` for the whole domain. `parts` is the split over the fewest switches of that layer that
    would hold the gang; it is empty where the whole domain does not.
    """

    layer: str
    wanted_nodes: int
    chips_per_node: int
    largest_free_block_nodes: int
    parts: tuple[BlockPart, ...]


class NotEnoughChips(Fact, frozen=True, kw_only=True):
    """The gang fits a domain of the pool, but none has room now.

    `cut` is there where a domain has as many chips free as the gang needs, and they lie too far apart.
    """

    pool_id: PoolId
    chips: int
    largest_free_chips: int
    cut: Cut | None = None


class ServedLater(Fact, frozen=True, kw_only=True):
    """The policy in force gives what there is to others first; `order` and `objective` are the policy's."""

    order: str
    objective: str


class NotDelivered(Fact, frozen=True, kw_only=True):
    """The tranche that would hold it has not been accepted."""

    pool_id: PoolId
    tranche_id: TrancheId
    promised_ms: int


class EndedBy(Fact, frozen=True, kw_only=True):
    """What was done that ended capacity before its time, by whom, and why."""

    act: str
    actor: str
    why: str


class CapacityEnded(Fact, frozen=True, kw_only=True):
    """The tranche that held it has come to its end, or its contract has: then `clause` says by what.

    `by` is the act that ended it before its time, if one did.
    """

    pool_id: PoolId
    tranche_id: TrancheId
    ended_ms: int
    clause: ClauseRef | None = None
    by: EndedBy | None = None


class ForbiddenByClause(Fact, frozen=True, kw_only=True):
    """An exclusivity binds this workload to another provider."""

    pool_id: PoolId
    clause: ClauseRef
    holder_id: ProviderId
    until_ms: int


class AwardNotPermitted(Fact, frozen=True, kw_only=True):
    """The tranche stands without the first-refusal permission that its award needed.

    `earliest_ms` is when an award there could become permitted: when the notice that is open closes, or one that would
    be served now; None where no date can be named.
    """

    pool_id: PoolId
    tranche_id: TrancheId
    clause: ClauseRef
    missing: str
    earliest_ms: int | None = None


class OutsideUse(Fact, frozen=True, kw_only=True):
    """The tranche is meant for another use than the workload's."""

    pool_id: PoolId
    tranche_id: TrancheId
    use: Use


class NotQualified(Fact, frozen=True, kw_only=True):
    """The workload is not qualified on this accelerator, or only from a later day."""

    pool_id: PoolId
    accelerator: AcceleratorName
    qualified_ms: int | None = None


class OverQuota(Fact, frozen=True, kw_only=True):
    """A tenant's quota, and what it may borrow, do not cover the gang."""

    pool_id: PoolId
    tenant_id: TenantId
    quota_id: str
    nominal_chips: int
    used_chips: int
    asked_chips: int
    borrowable_chips: int


class ProviderClosed(Fact, frozen=True, kw_only=True):
    """No admission: `state` is silent | lost | drained, and who said so."""

    pool_id: PoolId
    provider_id: ProviderId
    state: str
    actor: str
    why: str


class OutsideJurisdiction(Fact, frozen=True, kw_only=True):
    """The workload's data may not go there."""

    pool_id: PoolId
    jurisdiction: str
    allowed: tuple[str, ...]


class ReclaimPending(Fact, frozen=True, kw_only=True):
    """Borrowed chips that cover the gang have been asked back and are given up by the deadline."""

    pool_id: PoolId
    chips: int
    run_ids: tuple[RunId, ...]


class NoPool(Fact, frozen=True, kw_only=True):
    """No pool has any of the accelerators asked for in the infrastructure asked for."""

    accelerators: tuple[AcceleratorName, ...]
    infra: str


Blocker = (
    GangLargerThanDomain
    | NotEnoughChips
    | ServedLater
    | NotDelivered
    | CapacityEnded
    | ForbiddenByClause
    | AwardNotPermitted
    | OutsideUse
    | NotQualified
    | OverQuota
    | ProviderClosed
    | OutsideJurisdiction
    | ReclaimPending
    | NoPool
)


class Alternative(Fact, frozen=True, kw_only=True):
    """Another pool that would have taken the gang, and what a chip-hour would have cost there."""

    pool_id: PoolId
    tranche_id: TrancheId
    price: Price


class PlacementReason(Fact, frozen=True, kw_only=True):
    """Why there: basis, price, preference, evidence of the award, what it beat, and what was ruled out."""

    basis: Basis
    lender_ids: tuple[TenantId, ...] = ()
    price: Price
    preferred_by: ClauseRef | None = None
    evidence: Evidence
    beaten: tuple[Alternative, ...] = ()
    ruled_out: tuple[Blocker, ...] = ()
    overridden_by: str = ""
