"""A fact written as a document and read again is the same fact."""

from datetime import date
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from multihome.domain.accelerators import AcceleratorKind, AcceleratorType
from multihome.domain.clause_terms import ClauseTerms, ConcentrationCap, ExemptionGround, PriceTiers, Ramp
from multihome.domain.commands import Document
from multihome.domain.contracts import Amendment, Award, Contract, Suspension, Tranche, Waiver, WaiverAnswer
from multihome.domain.ids import PoolId, TrancheId
from multihome.domain.procurement import Firmness, Need, Offer
from multihome.domain.supply import DOMAIN_LAYER, FLAT, Delivery, Pool, Provider, ProviderKind, SwitchLayer, Topology
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
from multihome.units.calendar import Calendar, zone_names
from multihome.units.time import FOREVER_MS
from multihome.wire.documents import Facts, document_data, read_document
from multihome.wire.documents_clauses import CLAUSE_KINDS, clause_kind
from multihome.wire.documents_resources import CPUS_MAX, MEMORY_BYTES_MAX
from multihome.wire.fields import WHOLE_MAX
from tests.property.facts_of_clauses import (
    CLAUSES,
    KNOWN,
    NAMES,
    accelerators,
    clauses,
    counts,
    days,
    durations,
    filled,
    instants,
    intervals,
    money,
    names,
    scoped,
    some,
    tenants,
    texts,
    uses,
)


@st.composite
def tranches(draw: st.DrawFn, contract: str, provider: str) -> Tranche:
    term = draw(intervals())
    return Tranche(
        id=TrancheId(f"{contract}/{draw(names)}"),
        order=draw(filled | st.just("")),
        pool_id=PoolId(f"{provider}/{draw(names)}"),
        domains=draw(counts),
        nodes_per_domain=draw(counts),
        new_capacity=draw(st.booleans()),
        use=draw(uses),
        promised_ms=term.start_ms,
        ends_ms=term.end_ms,
        rate_micro_usd_per_chip_hour=draw(money),
        rate_source=draw(texts),
        resale_rate_micro_usd_per_chip_hour=draw(money),
        award=draw(
            st.builds(
                Award,
                awarded_ms=instants,
                award_id=st.none() | names,
                waiver_ids=st.lists(names, max_size=3).map(tuple),
                consent=texts,
            )
            | st.builds(Award, awarded_ms=instants, exempt_by=st.just(ExemptionGround.OWN_SITE))
            | st.builds(Award, awarded_ms=instants, exempt_by=st.just(ExemptionGround.PROVIDER_LOSS), replaces=names)
        ),
    )


holidays = st.lists(st.dates().map(date.isoformat), max_size=4).map(tuple)
calendars = st.builds(Calendar, zone=st.sampled_from(zone_names()), holidays=holidays)
currencies = st.sampled_from(("USD", "EUR", "JPY"))


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    name, provider = draw(names), draw(names)
    interval = draw(intervals())
    agreed = tuple(draw(st.lists(clauses, max_size=2)))
    amendments = st.builds(
        Amendment,
        id=names,
        effective_ms=st.integers(interval.start_ms, interval.end_ms - 1),
        clauses=st.lists(st.sampled_from([terms.id for terms in agreed]), unique=True).map(tuple)
        if agreed
        else st.just(()),
        source=texts,
    )
    return Contract(
        id=name,
        title=draw(filled),
        provider_id=provider,
        interval=interval,
        calendar=draw(calendars),
        currency=draw(currencies),
        clauses=agreed,
        amendments=tuple(draw(st.lists(amendments, max_size=2, unique_by=attrgetter("id")))),
        tranches=tuple(draw(st.lists(tranches(name, provider), max_size=2, unique_by=attrgetter("id")))),
        source=draw(texts),
    )


needs = st.builds(
    Need,
    id=names,
    accelerators=accelerators.filter(bool),
    chips=counts,
    by_ms=st.integers(0, FOREVER_MS // 2),
    until_ms=st.integers(FOREVER_MS // 2 + 1, FOREVER_MS),
    use=uses,
    source=texts,
)
terms_of_days = st.integers(1, 3_660)


@st.composite
def offers(draw: st.DrawFn) -> Offer:
    provider = draw(names)
    return Offer(
        id=draw(names),
        provider_id=provider,
        pool_id=PoolId(f"{provider}/{draw(names)}"),
        chips_min=draw(counts),
        chips_max=draw(counts),
        chips_step=draw(counts),
        start_from_ms=draw(instants),
        start_until_ms=draw(instants),
        term_days_min=draw(terms_of_days),
        term_days_max=draw(terms_of_days),
        lead_days=draw(days),
        rate_micro_usd_per_chip_hour=draw(money),
        currency=draw(currencies),
        firmness=draw(st.sampled_from(Firmness)),
        new_capacity=draw(st.booleans()),
        use=draw(uses),
        cancellation=draw(texts),
        expires_ms=draw(instants),
        need_id=draw(st.none() | names),
        source=draw(texts),
    )


@st.composite
def suspensions(draw: st.DrawFn) -> Suspension:
    contract = draw(names)
    return Suspension(
        id=draw(names),
        contract_id=contract,
        interval=draw(intervals()),
        tranche_ids=tuple(TrancheId(f"{contract}/{name}") for name in draw(st.lists(names, max_size=3))),
        ground=draw(filled),
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
def topologies(draw: st.DrawFn) -> Topology:
    layer_names = draw(st.lists(names.filter(lambda name: name != DOMAIN_LAYER), unique=True, min_size=1, max_size=3))
    under = st.lists(counts, min_size=1, max_size=4).map(tuple)
    layers = tuple(SwitchLayer(name=name, nodes=draw(under)) for name in layer_names)
    return Topology(layers=layers, uncut=draw(st.sampled_from(("", *layer_names))))


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
        aliases=tuple(draw(st.lists(names, max_size=3))),
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
            topology=draw(st.just(FLAT) | topologies()),
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


facts = st.one_of(
    accelerator_types,
    contracts(),
    waivers(),
    suspensions(),
    needs,
    offers(),
    deliveries,
    tenant_facts,
    workloads(),
)


def test_every_kind_of_clause_is_drawn_and_has_a_shape() -> None:
    assert set(CLAUSES) == set(get_args(ClauseTerms))
    assert tuple(clause_kind(terms) for terms in CLAUSES) == CLAUSE_KINDS


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
            capped = {terms.of for terms in fact.clauses if isinstance(terms, ConcentrationCap)}
            named = {terms.tranche for terms in fact.clauses if isinstance(terms, Ramp)}
            named |= {name for terms in fact.clauses if isinstance(terms, PriceTiers) for name in terms.tranches}
            names |= KnownNames(
                providers=frozenset({fact.provider_id, *capped}),
                pools=pools,
                waivers=waiver_ids,
                tranches=frozenset(f"{fact.id}/{name}" for name in named),
            )
        case Offer():
            names |= KnownNames(
                providers=frozenset({fact.provider_id}),
                pools=frozenset({fact.pool_id}),
                needs=frozenset({fact.need_id or ""}),
            )
        case Suspension():
            names |= KnownNames(contracts=frozenset({fact.contract_id}), tranches=frozenset(fact.tranche_ids))
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
