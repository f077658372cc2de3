"""A fact written as a document and read again is the same fact."""

from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from multihome.domain.accelerators import AcceleratorKind, AcceleratorType
from multihome.domain.clause_terms import (
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
from multihome.domain.ids import AcceleratorName, PoolId, TrancheId
from multihome.domain.supply import Delivery, Pool, Provider, ProviderKind
from multihome.domain.tenants import Quota, Tenant, lineage
from multihome.domain.workloads import (
    AcceleratorChoice,
    Checkpointing,
    Infra,
    RestartPolicy,
    Service,
    WorkloadKind,
    WorkloadSpec,
)
from multihome.files.loading import load
from multihome.files.references import KnownNames
from multihome.files.writing import dump
from multihome.units.time import FOREVER_MS, Interval
from multihome.wire.documents import Facts, document_data, read_document
from multihome.wire.documents_resources import CPUS_MAX, MEMORY_BYTES_MAX
from multihome.wire.fields import DURATION_MS_MAX, WHOLE_MAX

NAMES = tuple(map(AcceleratorName, ("H100-SXM-80GB", "A100-SXM-80GB", "TPU-v5p", "Own-Chip-1")))
KNOWN = frozenset(NAMES)

# Ids of every type are drawn from these.
names: st.SearchStrategy[Any] = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
scoped: st.SearchStrategy[Any] = st.builds("{}/{}".format, names, names)
tenants: st.SearchStrategy[Any] = st.lists(names, min_size=1, max_size=4).map("/".join)
# Every character that a YAML file can carry, line ends apart from the usual one.
texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"], include_characters="\n\t"), max_size=40)
filled = texts.filter(bool)
instants = st.integers(-2_208_988_800_000, FOREVER_MS)
durations = st.integers(0, DURATION_MS_MAX)
money = st.integers(0, 10**15)
counts = st.integers(1, 1_000_000)
shares = st.integers(0, 10_000)
days = st.integers(0, 3_660)
accelerators = st.lists(st.sampled_from(NAMES), unique=True, max_size=4).map(tuple)


def intervals() -> st.SearchStrategy[Interval]:
    pairs = st.tuples(instants, instants).filter(lambda pair: pair[0] != pair[1])
    return pairs.map(lambda pair: Interval(min(pair), max(pair)))


def some(strategy: st.SearchStrategy[object], most: int = 4) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(strategy, max_size=most).map(tuple)


scopes = st.builds(
    Scope,
    workload_kinds=st.lists(st.sampled_from(WorkloadKind), unique=True).map(tuple),
    products=some(names),
    new_capacity_only=st.booleans(),
    accelerators=accelerators,
)
clause = {"id": names, "interval": intervals(), "source": texts}
clauses = st.one_of(
    st.builds(Exclusivity, scope=scopes, **clause),
    st.builds(
        FirstRefusal,
        scope=scopes,
        mode=st.sampled_from(FirstRefusalMode),
        notice=st.builds(Window, days=days),
        waiver_days=days,
        incumbent_first=st.booleans(),
        **clause,
    ),
    st.builds(TakeOrPay, share_bps=shares, **clause),
    st.builds(DelayRemedy, grace_days=days, discount_bps_per_day=shares, cap_bps=shares, **clause),
)


@st.composite
def tranches(draw: st.DrawFn, contract: str, provider: str) -> Tranche:
    term = draw(intervals())
    return Tranche(
        id=TrancheId(f"{contract}/{draw(names)}"),
        pool_id=PoolId(f"{provider}/{draw(names)}"),
        domains=draw(counts),
        nodes_per_domain=draw(counts),
        new_capacity=draw(st.booleans()),
        promised_ms=term.start_ms,
        ends_ms=term.end_ms,
        rate_micro_usd_per_chip_hour=draw(money),
        rate_source=draw(texts),
        award=draw(
            st.builds(Award, awarded_ms=instants, waiver_ids=st.lists(names, max_size=1).map(tuple), exemption=texts)
        ),
    )


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    name, provider = draw(names), draw(names)
    return Contract(
        id=name,
        title=draw(filled),
        provider_id=provider,
        interval=draw(intervals()),
        clauses=tuple(draw(st.lists(clauses, max_size=4))),
        tranches=tuple(draw(st.lists(tranches(name, provider), max_size=3, unique_by=attrgetter("id")))),
        source=draw(texts),
    )


@st.composite
def waivers(draw: st.DrawFn) -> Waiver:
    served, answered, expires = sorted(draw(st.sets(instants, min_size=3, max_size=3)))
    return Waiver(
        id=draw(names),
        contract_id=draw(names),
        clause_id=draw(names),
        served_ms=served,
        answered_ms=answered,
        expires_ms=expires,
        answer=draw(st.sampled_from(WaiverAnswer)),
        accelerators=draw(accelerators.filter(bool)),
        chips=draw(counts),
        rate_micro_usd_per_chip_hour=draw(money),
        notice_sha256=draw(st.from_regex("[0-9a-f]{64}", fullmatch=True)),
        source=draw(texts),
    )


whole = st.integers(1, WHOLE_MAX)
accelerator_types = st.builds(
    AcceleratorType,
    name=names,
    vendor=filled,
    generation=filled,
    kind=st.sampled_from(AcceleratorKind),
    released=filled,
    bf16_flops=whole,
    fp8_flops=st.none() | whole,
    hbm_bytes=whole,
    hbm_bytes_per_s=whole,
    watts=counts,
    scale_up_chips=counts,
    frameworks=some(names),
    source=texts,
    as_of=filled,
    assumed=some(filled),
)
quotas = st.builds(
    Quota,
    id=names,
    accelerators=accelerators,
    nominal_chips=counts | st.just(0),
    borrow_chips=counts | st.just(0),
    lend_chips=counts | st.just(0),
    reclaim_after_ms=durations,
    notice_ms=durations,
)
deliveries = st.builds(Delivery, id=names, tranche_id=scoped, domains=counts, effective_ms=instants, source=texts)
tenant_facts = st.builds(
    Tenant,
    id=tenants,
    title=filled,
    approver=filled,
    quotas=st.lists(quotas, max_size=2, unique_by=attrgetter("id")).map(tuple),
)


@st.composite
def providers(draw: st.DrawFn) -> tuple[Provider | Pool, ...]:
    provider = Provider(
        id=draw(names),
        title=draw(filled),
        kind=draw(st.sampled_from(ProviderKind)),
        jurisdiction=draw(filled),
        engine=draw(names),
        absence_delay_ms=draw(durations),
        source=draw(texts),
    )
    pool_names = draw(st.lists(names, unique=True, max_size=3))
    pools = (
        Pool(
            id=PoolId(f"{provider.id}/{name}"),
            provider_id=provider.id,
            region=draw(names),
            zone=draw(names | st.just("")),
            accelerator=draw(st.sampled_from(NAMES)),
            chips_per_node=draw(counts),
            watts_per_chip=draw(counts),
        )
        for name in pool_names
    )
    return (provider, *pools)


@st.composite
def workloads(draw: st.DrawFn) -> WorkloadSpec:
    service = draw(
        st.none()
        | st.builds(
            Service,
            replicas=st.integers(1, 1_000),
            readiness_path=st.just("/health"),
            port=st.integers(0, 65_535),
        )
    )
    place = names | st.just("")
    choices = (
        AcceleratorChoice(
            accelerator=name,
            chips_per_node=draw(counts),
            throughput_milli=draw(st.integers(0, 10**15)),
            qualified_ms=draw(st.none() | instants),
        )
        for name in draw(accelerators.filter(bool))
    )
    variables = st.from_regex("[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True)
    return WorkloadSpec(
        name=draw(names),
        tenant_id=draw(tenants),
        kind=WorkloadKind.TRAINING if service is None else WorkloadKind.INFERENCE,
        product=draw(texts),
        choices=tuple(choices),
        num_nodes=draw(st.integers(1, 4_096)),
        infra=Infra(provider=draw(place), region=draw(place), zone=draw(place)),
        jurisdictions=tuple(draw(st.lists(filled, max_size=3))),
        priority=draw(st.integers(-1_000, 1_000)),
        value_micro_usd_per_hour=draw(money),
        setup=draw(texts),
        run=draw(texts),
        envs=draw(st.dictionaries(variables, texts, max_size=3)),
        secrets=tuple(draw(st.lists(variables, max_size=3))),
        workdir=draw(texts),
        restart=draw(
            st.builds(
                RestartPolicy,
                restarts_max=st.integers(0, 1_000),
                backoff_ms=durations,
                backoff_ms_max=durations,
                exit_codes=some(st.integers(1, 255)),
            )
        ),
        run_ms_max=draw(durations),
        stall_ms=draw(durations),
        checkpointing=draw(
            st.none() | st.builds(Checkpointing, interval_steps=counts, size_bytes=st.integers(0, WHOLE_MAX))
        ),
        service=service,
        model_from=draw(names | st.just("")),
        node_cpus_milli=draw(st.integers(0, CPUS_MAX * 1_000)),
        node_memory_bytes=draw(st.integers(0, MEMORY_BYTES_MAX)),
    )


facts = st.one_of(accelerator_types, contracts(), waivers(), deliveries, tenant_facts, workloads())


@given(facts)
def test_fact_to_document_to_fact(fact: Document | WorkloadSpec) -> None:
    read = read_document(document_data(fact), KNOWN)
    assert isinstance(read, Facts), read
    assert (*read.documents, *read.workloads) == (fact,)


@given(providers())
def test_provider_and_its_pools(provider_and_pools: tuple[Provider | Pool, ...]) -> None:
    provider, *pools = provider_and_pools
    assert isinstance(provider, Provider)
    read = read_document(document_data(provider, tuple(pool for pool in pools if isinstance(pool, Pool))), KNOWN)
    assert read == Facts(documents=provider_and_pools)


@given(facts)
def test_fact_to_file_to_fact(fact: Document | WorkloadSpec) -> None:
    if isinstance(fact, WorkloadSpec):
        fact = msgspec.structs.replace(fact, workdir="")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "fact.yaml"
        path.write_text(dump([fact]), encoding="utf-8")
        loaded = load([path], known=_referred(fact))
    assert loaded.problems == ()
    assert (*loaded.documents, *loaded.workloads) == (fact,)


def _referred(fact: Document | WorkloadSpec) -> KnownNames:
    """A world in which everything that the fact names is known."""
    names = KnownNames(accelerators=KNOWN)
    match fact:
        case Contract():
            waiver_ids = frozenset(name for tranche in fact.tranches for name in tranche.award.waiver_ids)
            pools = frozenset(tranche.pool_id for tranche in fact.tranches)
            names |= KnownNames(providers=frozenset({fact.provider_id}), pools=pools, waivers=waiver_ids)
        case Waiver():
            clause_name = f"{fact.contract_id}/{fact.clause_id}"
            names |= KnownNames(contracts=frozenset({fact.contract_id}), clauses=frozenset({clause_name}))
        case Delivery():
            names |= KnownNames(tranches=frozenset({fact.tranche_id}))
        case Tenant():
            names |= KnownNames(tenants=frozenset(lineage(fact.id)))
        case WorkloadSpec():
            providers = frozenset({fact.infra.provider})
            tenants = frozenset({fact.tenant_id})
            names |= KnownNames(tenants=tenants, providers=providers, workloads=frozenset({fact.model_from}))
    return names
