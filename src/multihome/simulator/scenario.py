"""A compact market of its own: three providers, first refusals, a cap, an exclusivity, commitments, odd workloads.

Figures are invented and round; what matters is that every rule binds somewhere.
"""

import msgspec

from multihome.domain.accelerators import AcceleratorKind, AcceleratorType
from multihome.domain.clause_terms import (
    AmountStep,
    ChipStep,
    ConcentrationCap,
    DelayRemedy,
    Dimension,
    Exclusivity,
    Exemption,
    ExemptionGround,
    Favoured,
    FavouredRemedy,
    FeeStep,
    FirstRefusal,
    FirstRefusalMode,
    IndexStep,
    MatchTest,
    MaterialChange,
    Measure,
    MinimumCommitment,
    MostFavoured,
    Prepayment,
    PriceTiers,
    Ramp,
    Scope,
    TakeOrPay,
    Termination,
    Tier,
    TierMode,
    Use,
    Window,
)
from multihome.domain.commands import Document
from multihome.domain.contracts import Award, Contract, Tranche, Waiver, WaiverAnswer
from multihome.domain.ids import AcceleratorName, ContractId, OfferId, PoolId, ProviderId, TenantId, TrancheId, WaiverId
from multihome.domain.notifications import Webhook
from multihome.domain.procurement import AwardRecord, Firmness, Offer
from multihome.domain.supply import Delivery, Pool, Provider, ProviderKind
from multihome.domain.tenants import Quota, Tenant
from multihome.domain.workloads import (
    AcceleratorChoice,
    Checkpointing,
    Infra,
    RestartPolicy,
    Service,
    WorkloadKind,
    WorkloadSpec,
)
from multihome.simulator.dice import Dice
from multihome.simulator.suppliers import CAUSE
from multihome.simulator.world import ABSENCE_DELAY_MS, WORK_MINUTES
from multihome.units.calendar import Period
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, Interval, parse_instant

START_MS = parse_instant("2025-06-29")
"""Two days before a month ends, so that every run of three days is metered across it."""
HOLDER = ProviderId("alto")
NEO = ProviderId("brisk")
TENSOR = ProviderId("cirrus")
_GPU = AcceleratorName("H100-SXM-80GB")
_TPU = AcceleratorName("TPU-v5p")
_NODE_CHIPS = 8
_TERM = Interval(parse_instant("2025-01-01"), parse_instant("2026-01-01"))
_SOURCE = "invented for simulation"
_TENANTS = (TenantId("lab/research/a"), TenantId("lab/research/b"), TenantId("lab/product"), TenantId("lab/guest"))


class Given(msgspec.Struct, frozen=True):
    """A scenario from elsewhere, such as files: its facts, what is asked for at the start, and what is learnt later."""

    documents: tuple[Document, ...]
    workloads: tuple[WorkloadSpec, ...]
    later: tuple[Document, ...]


def documents(dice: Dice) -> tuple[Document, ...]:
    """Everything that is known before the first workload."""
    return (
        _accelerator(_GPU, AcceleratorKind.GPU, "NVIDIA"),
        _accelerator(_TPU, AcceleratorKind.TPU, "Google"),
        *(_provider(provider_id) for provider_id in (HOLDER, NEO, TENSOR)),
        _pool(HOLDER, "east", _GPU, 8),
        _pool(NEO, "north", _GPU, 8),
        _pool(TENSOR, "west", _TPU, 4),
        _holders_contract(dice),
        _waiver("w-17", "first-refusal", _GPU, _day(28)),
        _waiver("w-18", "tensor-chips", _TPU, _day(3)),
        *_offers(dice),
        _neocloud_contract(dice),
        _tensor_contract(dice),
        Delivery(id="alto-1", tranche_id=TrancheId("alto-2025/t1"), domains=2, effective_ms=_day(5), source=_SOURCE),
        Delivery(id="brisk-1", tranche_id=TrancheId("brisk-2025/t1"), domains=1, effective_ms=_day(9), source=_SOURCE),
        Delivery(id="brisk-x", tranche_id=TrancheId("brisk-2025/bad"), domains=2, effective_ms=_day(9), source=_SOURCE),
        Delivery(
            id="cirrus-1", tranche_id=TrancheId("cirrus-2025/t1"), domains=1, effective_ms=_day(9), source=_SOURCE
        ),
        Webhook(id="desk", url="https://desk.example/hook", secret="desk-key"),  # noqa: S106 -- the name of a key
        *_tenants(dice),
    )


def late_deliveries(dice: Dice, from_ms: int, to_ms: int) -> list[tuple[int, Delivery]]:
    """Capacity that is accepted while the simulation runs: when it is recorded, and the record."""
    found: list[tuple[int, Delivery]] = []
    for tranche_id in (TrancheId("brisk-2025/t1"), TrancheId("cirrus-2025/t1")):
        at_ms = dice.between(from_ms, to_ms)
        effective_ms = at_ms + dice.between(-6, 6) * MS_PER_HOUR
        delivery = Delivery(
            id=f"{tranche_id}-late", tranche_id=tranche_id, domains=1, effective_ms=effective_ms, source=_SOURCE
        )
        found.append((at_ms, delivery))
    return found


def workload(dice: Dice, ordinal: int) -> WorkloadSpec:
    """One thing that somebody asks for: mostly training, some services, a few that can never run."""
    tenant_id = dice.pick(_TENANTS)
    is_service = dice.chance(250)
    hours = dice.pick((1, 2, 4, 8, 20))
    product = dice.pick(("api", "chat")) if is_service else dice.pick(("pretraining", "research"))
    gpu_chips = dice.pick((1, 2, 4, _NODE_CHIPS, _NODE_CHIPS))
    choices = (
        AcceleratorChoice(accelerator=_GPU, chips_per_node=gpu_chips, throughput_milli=dice.pick((0, 1_000))),
        AcceleratorChoice(
            accelerator=_TPU,
            chips_per_node=min(4, gpu_chips),
            throughput_milli=dice.pick((0, 700)),
            qualified_ms=dice.pick((None, _TERM.start_ms, START_MS + MS_PER_DAY)),
        ),
    )
    return WorkloadSpec(
        name=f"job-{ordinal}",
        tenant_id=tenant_id,
        kind=WorkloadKind.INFERENCE if is_service else WorkloadKind.TRAINING,
        product=product,
        choices=choices if dice.chance(600) else choices[:1],
        num_nodes=1 if is_service else dice.pick((1, 1, 2, 4)),
        infra=Infra(provider=dice.pick(("", "", "", "", NEO)) if gpu_chips < _NODE_CHIPS else ""),
        jurisdictions=dice.pick(((), (), ("us",), ("eu", "us"))),
        priority=dice.between(0, 3) * 10,
        value_micro_usd_per_hour=0,
        setup="",
        run="work",
        envs={WORK_MINUTES: str(hours * 60 + dice.between(0, 59))},
        restart=RestartPolicy(
            restarts_max=dice.between(0, 6),
            backoff_ms=MS_PER_MINUTE,
            backoff_ms_max=30 * MS_PER_MINUTE,
            exit_codes=dice.pick(((), (), (1, 137, 143))),
        ),
        run_ms_max=dice.pick((0, 0, 0, 12 * MS_PER_HOUR)),
        stall_ms=0 if is_service else dice.pick((0, MS_PER_HOUR, 3 * MS_PER_HOUR)),
        checkpointing=None if is_service else Checkpointing(interval_steps=dice.pick((5, 20, 60))),
        service=Service(replicas=dice.between(1, 4), readiness_path="/health") if is_service else None,
    )


def _day(day: int) -> int:
    return parse_instant("2025-06-01") + (day - 1) * MS_PER_DAY


def _accelerator(name: AcceleratorName, kind: AcceleratorKind, vendor: str) -> AcceleratorType:
    return AcceleratorType(
        name=name,
        vendor=vendor,
        generation=name,
        kind=kind,
        released="2023",
        bf16_flops=10**15,
        hbm_bytes=80 * 10**9,
        hbm_bytes_per_s=3 * 10**12,
        watts=700,
        scale_up_chips=8,
        source=_SOURCE,
        as_of="2025-06-01",
    )


def _provider(provider_id: ProviderId) -> Provider:
    return Provider(
        id=provider_id,
        title=provider_id.title(),
        kind=ProviderKind.NEOCLOUD if provider_id == NEO else ProviderKind.HYPERSCALER,
        jurisdiction="eu" if provider_id == NEO else "us",
        engine="simulated",
        absence_delay_ms=ABSENCE_DELAY_MS,
    )


def _pool(provider_id: ProviderId, region: str, accelerator: AcceleratorName, chips_per_node: int) -> Pool:
    return Pool(
        id=PoolId(f"{provider_id}/{region}"),
        provider_id=provider_id,
        region=region,
        accelerator=accelerator,
        chips_per_node=chips_per_node,
        watts_per_chip=1_000,
    )


def _tranche(name: str, pool: str, domains: int, rate_micro_usd: int, award: Award, ends_ms: int) -> Tranche:
    return Tranche(
        id=TrancheId(name),
        pool_id=PoolId(pool),
        domains=domains,
        nodes_per_domain=4,
        new_capacity=True,
        promised_ms=_day(3),
        ends_ms=ends_ms,
        rate_micro_usd_per_chip_hour=rate_micro_usd,
        rate_source=_SOURCE,
        award=award,
    )


def _holders_contract(dice: Dice) -> Contract:
    """The holder's: first refusal on new GPUs, exclusivity for the api while it lasts, take-or-pay."""
    until_ms = dice.pick((_TERM.end_ms, START_MS + 30 * MS_PER_HOUR))
    clauses = (
        FirstRefusal(
            id="first-refusal",
            interval=_TERM,
            scope=Scope(new_capacity_only=True, accelerators=(_GPU,)),
            mode=FirstRefusalMode.MATCH_OFFER,
            notice=Window(days=10),
            waiver_days=90,
            incumbent_first=dice.chance(500),
            source=_SOURCE,
        ),
        FirstRefusal(
            id="tensor-chips",
            interval=_TERM,
            scope=Scope(new_capacity_only=True, accelerators=(_TPU,), workload_kinds=(WorkloadKind.TRAINING,)),
            mode=dice.pick(tuple(FirstRefusalMode)),
            notice=Window(days=1, closes_minute=dice.pick((720, 1_440))),
            waiver_days=dice.pick((1, 3)),
            incumbent_first=False,
            match=MatchTest(start_tolerance_days=1),
            material_change=MaterialChange(rate_bps=500, start_days=2, term_days=2),
            exemptions=(Exemption(ground=ExemptionGround.PROVIDER_LOSS, days=2),),
            source=_SOURCE,
        ),
        Exclusivity(
            id="api-only-here",
            interval=Interval(_TERM.start_ms, until_ms),
            scope=Scope(workload_kinds=(WorkloadKind.INFERENCE,), products=("api",)),
            source=_SOURCE,
        ),
        *_take_or_pay(dice),
        Prepayment(
            id="ahead",
            interval=_TERM,
            amount_micro_usd=2_000_000_000,
            paid_ms=_TERM.start_ms,
            draw_bps=2_500,
            refund_bps=5_000,
            source=_SOURCE,
        ),
        ConcentrationCap(
            id="not-all-from-one",
            interval=_TERM,
            dimension=dice.pick(tuple(Dimension)),
            measure=dice.pick(tuple(Measure)),
            cap_bps=dice.pick((4_000, 6_000, 10_000)),
            window_days=dice.pick((20, 60)),
            source=_SOURCE,
        ),
    )
    return Contract(
        id=ContractId("alto-2025"),
        title="Alto",
        provider_id=HOLDER,
        interval=_TERM,
        clauses=clauses,
        tranches=(_tranche("alto-2025/t1", "alto/east", 2, 3_100_000, Award(awarded_ms=_day(1)), _TERM.end_ms),),
        source=_SOURCE,
    )


def _take_or_pay(dice: Dice) -> tuple[TakeOrPay, ...]:
    """One clause in two versions, of which the second begins within a month: each part is settled by its terms."""
    change_ms = START_MS + dice.between(6, 30) * MS_PER_HOUR
    return tuple(
        TakeOrPay(
            id="take-or-pay",
            interval=interval,
            share_bps=dice.pick((1_000, 3_000, 9_000)),
            make_up_periods=2,
            carry_forward_bps=2_000,
            source=_SOURCE,
        )
        for interval in (Interval(_TERM.start_ms, change_ms), Interval(change_ms, _TERM.end_ms))
    )


def _offers(dice: Dice) -> tuple[Offer, ...]:
    """What the neocloud and the maker of tensor chips would sell on: some of it for training only, some dear."""
    made: list[Offer] = []
    for ordinal in range(6):
        provider_id, place = ((NEO, "brisk/north"), (TENSOR, "cirrus/west"))[ordinal % 2]
        offer = Offer(
            id=OfferId(f"O-{ordinal}"),
            provider_id=provider_id,
            pool_id=PoolId(place),
            chips_min=16,
            chips_max=64,
            chips_step=16,
            start_from_ms=START_MS,
            start_until_ms=START_MS + 30 * MS_PER_DAY,
            term_days_min=10,
            term_days_max=120,
            lead_days=0,
            rate_micro_usd_per_chip_hour=dice.pick((2_000_000, 2_400_000, 2_600_000)),
            firmness=Firmness.FIRM,
            use=dice.pick((Use(), Use(workload_kinds=(WorkloadKind.TRAINING,)))),
            expires_ms=START_MS + dice.between(2, 20) * MS_PER_DAY,
            source=_SOURCE,
        )
        made.append(offer)
    return tuple(made)


def order(contract: Contract, award: AwardRecord, nodes_per_domain: int, chips_per_node: int) -> Contract:
    """A contract with one more tranche: all that an award took, in one piece."""
    domains = award.terms.chips // (nodes_per_domain * chips_per_node)
    tranche = Tranche(
        id=TrancheId(f"{contract.id}/{award.id}"),
        pool_id=award.pool_id,
        domains=domains,
        nodes_per_domain=nodes_per_domain,
        new_capacity=award.new_capacity,
        use=award.use,
        promised_ms=award.terms.starts_ms,
        ends_ms=award.terms.ends_ms,
        rate_micro_usd_per_chip_hour=award.terms.rate_micro_usd_per_chip_hour,
        rate_source=_SOURCE,
        award=Award(awarded_ms=award.awarded_ms, award_id=award.id),
    )
    return msgspec.structs.replace(contract, tranches=(*contract.tranches, tranche))


def _waiver(name: str, clause: str, accelerator: AcceleratorName, expires_ms: int) -> Waiver:
    return Waiver(
        id=WaiverId(name),
        contract_id=ContractId("alto-2025"),
        clause_id=clause,
        served_ms=parse_instant("2025-03-01"),
        answered_ms=parse_instant("2025-03-09"),
        expires_ms=expires_ms,
        answer=WaiverAnswer.DECLINED,
        accelerators=(accelerator,),
        chips=64,
        rate_micro_usd_per_chip_hour=2_500_000,
        notice_sha256="0" * 64,
        source=_SOURCE,
    )


def _neocloud_contract(dice: Dice) -> Contract:
    """One tranche under the waiver, which may end soon, and a cheaper one without any permission, never to be used."""
    ends_ms = dice.pick((_TERM.end_ms, START_MS + 40 * MS_PER_HOUR))
    waived = Award(awarded_ms=_day(2), waiver_ids=(WaiverId("w-17"),))
    return Contract(
        id=ContractId("brisk-2025"),
        title="Brisk",
        provider_id=NEO,
        interval=_TERM,
        clauses=(
            DelayRemedy(
                id="late",
                interval=_TERM,
                grace_days=3,
                discount_bps_per_day=100,
                cap_bps=3_000,
                shifts_end=dice.chance(500),
                end_tranche_after_days=20,
                end_order_after_days=25,
                source=_SOURCE,
            ),
            _favouring(Favoured.BUYER, dice),
            _termination(),
        ),
        tranches=(
            _tranche("brisk-2025/t1", "brisk/north", 2, 2_200_000, waived, ends_ms),
            _tranche("brisk-2025/bad", "brisk/north", 2, 1_000_000, Award(awarded_ms=_day(2)), _TERM.end_ms),
        ),
        source=_SOURCE,
    )


def _tensor_contract(dice: Dice) -> Contract:
    award = Award(awarded_ms=_day(2), waiver_ids=(WaiverId("w-18"),))
    return Contract(
        id=ContractId("cirrus-2025"),
        title="Cirrus",
        provider_id=TENSOR,
        interval=_TERM,
        clauses=(
            TakeOrPay(id="take-or-pay", interval=_TERM, share_bps=5_000, source=_SOURCE),
            MinimumCommitment(
                id="spend",
                interval=_TERM,
                period=Period.MONTH,
                steps=(AmountStep(from_ms=_TERM.start_ms, amount_micro_usd=40_000_000_000),),
                source=_SOURCE,
            ),
            Ramp(
                id="ramp",
                interval=_TERM,
                tranche="t1",
                steps=(
                    ChipStep(from_ms=_TERM.start_ms, chips=8),
                    ChipStep(from_ms=START_MS + MS_PER_DAY, chips=32),
                ),
                source=_SOURCE,
            ),
            PriceTiers(
                id="tiers",
                interval=_TERM,
                period=Period.MONTH,
                mode=TierMode.GRADUATED,
                tiers=(
                    Tier(from_chip_hours=0, rate_micro_usd_per_chip_hour=1_700_000),
                    Tier(from_chip_hours=200, rate_micro_usd_per_chip_hour=1_500_000),
                ),
                index=(IndexStep(from_ms=START_MS + 36 * MS_PER_HOUR, factor_bps=10_700),),
                source=_SOURCE,
            ),
            _favouring(Favoured.PROVIDER, dice),
            _termination(),
        ),
        tranches=(
            _tranche("cirrus-2025/t1", "cirrus/west", 2, 1_900_000, award, _TERM.end_ms),
            # Nothing of it has come, and no document brings it: its steps do, or it never comes.
            _tranche("cirrus-2025/t2", "cirrus/west", 2, 1_800_000, award, _TERM.end_ms),
        ),
        source=_SOURCE,
    )


def _termination() -> Termination:
    """Notice and cure of a day each, so that three days see the whole of it."""
    return Termination(
        id="end",
        interval=_TERM,
        notice=Window(days=1),
        causes=(CAUSE,),
        cure_days=1,
        fees=(FeeStep(from_ms=START_MS, share_bps=2_000),),
        source=_SOURCE,
    )


def _favouring(favoured: Favoured, dice: Dice) -> MostFavoured:
    """Both sorts of chips are compared, and awards by the dozen are in the band."""
    return MostFavoured(
        id="as-well-as-others",
        interval=_TERM,
        favoured=favoured,
        accelerators=(_GPU, _TPU),
        chips_min=1,
        chips_max=1_000,
        look_back_days=30,
        remedy=dice.pick(tuple(FavouredRemedy)),
        source=_SOURCE,
    )


def _tenants(dice: Dice) -> tuple[Tenant, ...]:
    return (
        _tenant("lab", 400, 0, 0),
        _tenant("lab/research", dice.pick((40, 64)), 40, 32),
        _tenant("lab/research/a", 24, 24, 24),
        _tenant("lab/research/b", 24, 24, 24),
        _tenant("lab/product", dice.pick((32, 48)), 24, 32),
        _tenant("lab/guest", 8, 48, 0),
    )


def _tenant(tenant_id: str, nominal_chips: int, borrow_chips: int, lend_chips: int) -> Tenant:
    quota = Quota(
        id="all",
        nominal_chips=nominal_chips,
        borrow_chips=borrow_chips,
        lend_chips=lend_chips,
        reclaim_after_ms=20 * MS_PER_MINUTE,
        notice_ms=5 * MS_PER_MINUTE,
    )
    return Tenant(id=TenantId(tenant_id), title=tenant_id, approver="head", quotas=(quota,))
