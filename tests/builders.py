"""Facts with sensible defaults: a test names only what it is about.

The world they add up to: accelerators H100 and TPU-v5p; providers alpha and beta with a pool each; a tranche is two
domains of two nodes of eight chips, delivered on the first day of 2026; tenants lab, lab/red and lab/blue.
"""

from collections.abc import Iterable
from typing import Any

from multihome.clauses.book import Book, permission
from multihome.clauses.price_columns import Owed, Standing
from multihome.domain.accelerators import AcceleratorKind, AcceleratorType
from multihome.domain.clause_terms import (
    ClauseRef,
    ClauseTerms,
    DelayRemedy,
    Exclusivity,
    FirstRefusal,
    FirstRefusalMode,
    Scope,
    TakeOrPay,
    Window,
)
from multihome.domain.commands import Document
from multihome.domain.contracts import Award, Contract, Tranche, Waiver, WaiverAnswer
from multihome.domain.ids import (
    AcceleratorName,
    ClassId,
    ContractId,
    OfferId,
    PoolId,
    ProviderId,
    RunId,
    TenantId,
    TrancheId,
    WaiverId,
    WorkloadId,
    domain_id_of,
)
from multihome.domain.placements import Allocation, Basis, NodeShare
from multihome.domain.procurement import Firmness, Offer
from multihome.domain.supply import Delivery, Pool, Provider, ProviderKind
from multihome.domain.tenants import Quota, Tenant
from multihome.domain.workloads import (
    AcceleratorChoice,
    Infra,
    RestartPolicy,
    Service,
    WorkloadKind,
    WorkloadSpec,
)
from multihome.scheduling.snapshot import Ask, DomainRoom, Lot, Occupant, Snapshot
from multihome.units.time import FOREVER_MS, MS_PER_DAY, Interval, parse_instant

H100 = AcceleratorName("H100-SXM-80GB")
TPU = AcceleratorName("TPU-v5p")
KINDS = {H100: AcceleratorKind.GPU, TPU: AcceleratorKind.TPU}
ALPHA = ProviderId("alpha")
BETA = ProviderId("beta")
RED = TenantId("lab/red")
BLUE = TenantId("lab/blue")
YEAR = Interval(parse_instant("2026-01-01"), parse_instant("2027-01-01"))
"""The term of every contract here."""
START_MS = YEAR.start_ms
RATE = 2_500_000
"""Micro-USD per chip-hour."""


def day(number: int) -> int:
    """The first moment of the n-th day of 2026, counted from 0."""
    return START_MS + number * MS_PER_DAY


def accelerator(
    name: AcceleratorName = H100, kind: AcceleratorKind = AcceleratorKind.GPU, **more: Any
) -> AcceleratorType:
    facts: dict[str, Any] = {
        "name": name,
        "vendor": "vendor",
        "generation": "generation",
        "kind": kind,
        "released": "2023",
        "bf16_flops": 10**15,
        "hbm_bytes": 80 * 10**9,
        "hbm_bytes_per_s": 3 * 10**12,
        "watts": 700,
        "scale_up_chips": 8,
        "source": "test",
        "as_of": "2026-01-01",
    }
    return AcceleratorType(**(facts | more))


def provider(provider_id: str = "alpha", **more: Any) -> Provider:
    facts: dict[str, Any] = {
        "id": ProviderId(provider_id),
        "title": provider_id.title(),
        "kind": ProviderKind.NEOCLOUD,
        "jurisdiction": "US",
        "engine": "local",
        "absence_delay_ms": 10_000,
    }
    return Provider(**(facts | more))


def pool(provider_id: str = "alpha", name: str = "main", **more: Any) -> Pool:
    facts: dict[str, Any] = {
        "id": PoolId(f"{provider_id}/{name}"),
        "provider_id": ProviderId(provider_id),
        "region": "east",
        "zone": "a",
        "accelerator": H100,
        "chips_per_node": 8,
        "watts_per_chip": 700,
    }
    return Pool(**(facts | more))


def tranche(contract_id: str = "alpha-1", name: str = "t1", pool_id: str = "alpha/main", **more: Any) -> Tranche:
    facts: dict[str, Any] = {
        "id": TrancheId(f"{contract_id}/{name}"),
        "pool_id": PoolId(pool_id),
        "domains": 2,
        "nodes_per_domain": 2,
        "new_capacity": True,
        "promised_ms": YEAR.start_ms,
        "ends_ms": YEAR.end_ms,
        "rate_micro_usd_per_chip_hour": RATE,
        "rate_source": "test",
        "award": Award(awarded_ms=YEAR.start_ms),
    }
    return Tranche(**(facts | more))


def contract(
    provider_id: str = "alpha",
    clauses: Iterable[ClauseTerms] = (),
    tranches: Iterable[Tranche] | None = None,
    **more: Any,
) -> Contract:
    """The contract `<provider>-1`, with one default tranche unless others are given."""
    contract_id = f"{provider_id}-1"
    if tranches is None:
        tranches = (tranche(contract_id, pool_id=f"{provider_id}/main"),)
    facts: dict[str, Any] = {
        "id": ContractId(contract_id),
        "title": contract_id,
        "provider_id": ProviderId(provider_id),
        "interval": YEAR,
        "clauses": tuple(clauses),
        "tranches": tuple(tranches),
        "source": "test",
    }
    return Contract(**(facts | more))


def exclusivity(clause_id: str = "only", scope: Scope | None = None, **more: Any) -> Exclusivity:
    facts: dict[str, Any] = {"id": clause_id, "interval": YEAR, "scope": scope or Scope(), "source": "test"}
    return Exclusivity(**(facts | more))


def first_refusal(clause_id: str = "rofr", scope: Scope | None = None, **more: Any) -> FirstRefusal:
    facts: dict[str, Any] = {
        "id": clause_id,
        "interval": YEAR,
        "scope": scope or Scope(new_capacity_only=True),
        "mode": FirstRefusalMode.MATCH_OFFER,
        "notice": Window(days=10),
        "waiver_days": 60,
        "incumbent_first": False,
        "source": "test",
    }
    return FirstRefusal(**(facts | more))


def take_or_pay(clause_id: str = "top", share_bps: int = 8_000, **more: Any) -> TakeOrPay:
    facts: dict[str, Any] = {"id": clause_id, "interval": YEAR, "share_bps": share_bps, "source": "test"}
    return TakeOrPay(**(facts | more))


def delay_remedy(clause_id: str = "late", **more: Any) -> DelayRemedy:
    facts: dict[str, Any] = {
        "id": clause_id,
        "interval": YEAR,
        "grace_days": 5,
        "discount_bps_per_day": 50,
        "cap_bps": 1_000,
        "source": "test",
    }
    return DelayRemedy(**(facts | more))


def waiver(contract_id: str = "alpha-1", clause_id: str = "rofr", **more: Any) -> Waiver:
    """Served on day 10, declined on day 15, valid until day 75, for 32 H100 at the usual rate."""
    facts: dict[str, Any] = {
        "id": WaiverId("W-1"),
        "contract_id": ContractId(contract_id),
        "clause_id": clause_id,
        "served_ms": day(10),
        "answered_ms": day(15),
        "expires_ms": day(75),
        "answer": WaiverAnswer.DECLINED,
        "accelerators": (H100,),
        "chips": 32,
        "rate_micro_usd_per_chip_hour": RATE,
        "notice_sha256": "ab" * 32,
        "source": "test",
    }
    return Waiver(**(facts | more))


def offer(offer_id: str = "O-1", provider_id: str = "beta", **more: Any) -> Offer:
    """8 to 32 H100 in steps of 8 at the usual rate, from day 30 to 60 on, for 30 to 365 days; good until day 100."""
    facts: dict[str, Any] = {
        "id": OfferId(offer_id),
        "provider_id": ProviderId(provider_id),
        "pool_id": PoolId(f"{provider_id}/main"),
        "chips_min": 8,
        "chips_max": 32,
        "chips_step": 8,
        "start_from_ms": day(30),
        "start_until_ms": day(60),
        "term_days_min": 30,
        "term_days_max": 365,
        "lead_days": 0,
        "rate_micro_usd_per_chip_hour": RATE,
        "firmness": Firmness.FIRM,
        "expires_ms": day(100),
        "source": "test",
    }
    return Offer(**(facts | more))


def delivery(delivery_id: str = "D-1", tranche_id: str = "alpha-1/t1", **more: Any) -> Delivery:
    facts: dict[str, Any] = {
        "id": delivery_id,
        "tranche_id": TrancheId(tranche_id),
        "domains": 2,
        "effective_ms": YEAR.start_ms,
        "source": "test",
    }
    return Delivery(**(facts | more))


def quota(nominal_chips: int, borrow_chips: int = 0, lend_chips: int = 0, **more: Any) -> Quota:
    facts: dict[str, Any] = {
        "id": "q",
        "nominal_chips": nominal_chips,
        "borrow_chips": borrow_chips,
        "lend_chips": lend_chips,
        "reclaim_after_ms": 0,
        "notice_ms": 0,
    }
    return Quota(**(facts | more))


def tenant(tenant_id: str, *quotas: Quota) -> Tenant:
    return Tenant(id=TenantId(tenant_id), title=tenant_id, approver="someone", quotas=quotas)


def choice(name: AcceleratorName = H100, chips_per_node: int = 8, **more: Any) -> AcceleratorChoice:
    return AcceleratorChoice(accelerator=name, chips_per_node=chips_per_node, **more)


def training(name: str = "train", **more: Any) -> WorkloadSpec:
    """A gang of one node of eight H100, for lab/red, restarted twice after one second and then two."""
    facts: dict[str, Any] = {
        "name": name,
        "tenant_id": RED,
        "kind": WorkloadKind.TRAINING,
        "product": "",
        "choices": (choice(),),
        "num_nodes": 1,
        "infra": Infra(),
        "priority": 0,
        "value_micro_usd_per_hour": 0,
        "setup": "",
        "run": "true",
        "restart": RestartPolicy(restarts_max=2, backoff_ms=1_000, backoff_ms_max=60_000),
        "run_ms_max": 0,
        "stall_ms": 0,
    }
    return WorkloadSpec(**(facts | more))


def service(name: str = "serve", replicas: int = 2, **more: Any) -> WorkloadSpec:
    facts: dict[str, Any] = {
        "kind": WorkloadKind.INFERENCE,
        "service": Service(replicas=replicas, readiness_path="/health"),
    }
    return training(name, **(facts | more))


def book(*facts: Contract | Waiver | Pool) -> Book:
    """A book of these, with the pools of alpha and beta unless others of that name are given."""
    pools = {item.id: item for item in (pool(), pool("beta"), *(fact for fact in facts if isinstance(fact, Pool)))}
    return Book(
        contracts={fact.id: fact for fact in facts if isinstance(fact, Contract)},
        waivers={fact.id: fact for fact in facts if isinstance(fact, Waiver)},
        pools=pools,
    )


def world() -> tuple[Document, ...]:
    """Documents of a small installation: 32 H100 at alpha and 32 at beta, for two teams without quotas."""
    return (
        accelerator(),
        accelerator(TPU, AcceleratorKind.TPU),
        provider(),
        provider("beta"),
        pool(),
        pool("beta"),
        contract(),
        contract("beta"),
        delivery(),
        delivery("D-2", "beta-1/t1"),
        tenant("lab"),
        tenant("lab/red"),
        tenant("lab/blue"),
    )


def lot(of: Contract, part: Tranche, facts: Book, *, free: list[list[int]] | None = None, **more: Any) -> Lot:
    """A tranche with all its domains delivered and empty, or with `free` chips by domain and node."""
    place = facts.pools[part.pool_id]
    if free is None:
        free = [[place.chips_per_node] * part.nodes_per_domain for _ in range(part.domains)]
    fields: dict[str, Any] = {
        "contract": of,
        "tranche": part,
        "pool": place,
        "provider": provider(of.provider_id),
        "permission": permission(facts, of, part),
        "domains": tuple(
            DomainRoom(domain_id_of(part.id, ordinal), list(nodes), [0] * len(nodes))
            for ordinal, nodes in enumerate(free)
        ),
        "standing": Standing(lot=part.id, interval=Interval(0, FOREVER_MS), rate=part.rate_micro_usd_per_chip_hour),
        "closed": None,
        "ended_by": None,
    }
    return Lot(**(fields | more))


def owing(of: Contract, part: Tranche, left_chips: int, at_ms: int) -> Standing:
    """So many chips of a tranche are paid for from an instant of January 2026 until its end, whether used or not."""
    ends_ms = day(31)
    left_chip_ms = left_chips * (ends_ms - at_ms)
    return Standing(
        lot=part.id,
        interval=Interval(START_MS, ends_ms),
        rate=part.rate_micro_usd_per_chip_hour,
        owed=Owed(ClauseRef(of.id, "top"), ends_ms, left_chip_ms),
    )


def lots(facts: Book) -> tuple[Lot, ...]:
    """Every tranche of a book, delivered and empty."""
    return tuple(lot(of, part, facts) for of in facts.contracts.values() for part in of.tranches)


def ask(spec: WorkloadSpec, count: int = 1, class_id: str = "", **more: Any) -> Ask:
    """So many identical gangs that wait."""
    class_id = class_id or spec.name
    fields: dict[str, Any] = {
        "class_id": ClassId(class_id),
        "spec": spec,
        "priority": spec.priority,
        "quota_overridden_by": "",
        "since_process_ms": 0,
        "members": tuple((WorkloadId(f"{class_id}-{number}"), 0) for number in range(count)),
    }
    return Ask(**(fields | more))


def occupant(
    run_id: str, tenant_id: TenantId, where: Lot, nodes: dict[int, int], domain: int = 0, **more: Any
) -> Occupant:
    """A run on so many chips of each node of one domain of a lot, borrowed and reclaimable."""
    fields: dict[str, Any] = {
        "run_id": RunId(run_id),
        "tenant_id": tenant_id,
        "allocation": Allocation(
            provider_id=where.provider.id,
            pool_id=where.pool.id,
            contract_id=where.contract.id,
            tranche_id=where.tranche.id,
            domain_id=domain_id_of(where.tranche.id, domain),
            accelerator=where.pool.accelerator,
            nodes=tuple(NodeShare(node=node, chips=chips) for node, chips in nodes.items()),
        ),
        "basis": Basis.BORROWED,
        "started_process_ms": 0,
        "lost_steps": 0,
        "can_reclaim": True,
        "is_leaving": False,
    }
    return Occupant(**(fields | more))


def snapshot(
    facts: Book,
    asks: Iterable[Ask],
    *,
    at: Iterable[Lot] | None = None,
    occupants: Iterable[Occupant] = (),
    tenants: Iterable[Tenant] = (),
) -> Snapshot:
    """A round's view; chips in use follow from the occupants, and `at` is every tranche of the book unless given."""
    known = {item.id: item for item in (tenant("lab"), tenant("lab/red"), tenant("lab/blue"), *tenants)}
    return Snapshot(
        book=facts,
        lots=lots(facts) if at is None else tuple(at),
        asks=tuple(asks),
        occupants=tuple(occupants),
        tenants=known,
        used_chips=used_by(occupants),
    )


def used_by(occupants: Iterable[Occupant]) -> dict[TenantId, dict[AcceleratorName, int]]:
    """Chips in use by each tenant and all above it."""
    used: dict[TenantId, dict[AcceleratorName, int]] = {}
    for one in occupants:
        parts = one.tenant_id.split("/")
        for depth in range(1, len(parts) + 1):
            by_accelerator = used.setdefault(TenantId("/".join(parts[:depth])), {})
            name = one.allocation.accelerator
            by_accelerator[name] = by_accelerator.get(name, 0) + one.allocation.chips
    return used
