"""Workloads, throughputs and valuations of all kinds, as Hypothesis draws them."""

from operator import attrgetter
from typing import Any

from hypothesis import strategies as st

from multihome.domain.throughputs import Measurement, ThroughputTable
from multihome.domain.valuation import Valuation
from multihome.domain.workloads import (
    AcceleratorChoice,
    Checkpointing,
    Infra,
    NodeScaling,
    Precision,
    RestartPolicy,
    Service,
    WorkloadKind,
    WorkloadSpec,
)
from multihome.wire.documents_resources import CPUS_MAX, MEMORY_BYTES_MAX
from multihome.wire.fields import FACTOR_BPS_MAX, WHOLE_MAX
from tests.property.facts_of_clauses import (
    NAMES,
    accelerators,
    counts,
    durations,
    factors,
    filled,
    instants,
    money,
    names,
    shares,
    some,
    tenants,
    texts,
)

whole = st.integers(1, WHOLE_MAX)
measurements = st.builds(
    Measurement,
    accelerator=st.sampled_from(NAMES),
    chips=counts,
    steps_per_hour_milli=whole,
    spread_bps=st.integers(1, 10_000),
    by=filled,
    measured_ms=instants,
)
throughput_tables = st.builds(
    ThroughputTable,
    id=names,
    tenant_id=tenants,
    model=names,
    measurements=st.lists(measurements, min_size=1, max_size=3, unique_by=attrgetter("accelerator", "chips")).map(
        tuple
    ),
    source=texts,
)
spreads = st.integers(10_001, FACTOR_BPS_MAX)
longer = durations.filter(bool)
valuations = st.builds(
    Valuation,
    value_markup_bps=spreads,
    value_per_priority_bps=shares,
    ageing_bps_per_hour=shares,
    ageing_bps_max=factors,
    deadline_bps_max=factors,
    switching_horizon_ms=longer,
    restart_ms=durations,
    look_ms=longer,
    egress_micro_usd_per_gb=money,
    transfer_bytes_per_s=whole,
    accelerator_spread_bps=spreads,
    count_spread_bps=spreads,
    stated_spread_bps=spreads,
    caution_milli=st.integers(0, 1_000_000),
    options_max=st.integers(2, 64),
)


@st.composite
def sizes(draw: st.DrawFn) -> dict[str, Any]:
    """A fixed gang, or an elastic one with what was measured on fewer nodes."""
    most = draw(st.integers(1, 4_096))
    least = draw(st.integers(1, most))
    if least == most:
        return {"num_nodes": most}
    point = st.builds(NodeScaling, nodes=st.integers(least, most - 1), throughput_bps=st.integers(1, 10_000))
    scaling = tuple(draw(st.lists(point, max_size=3, unique_by=attrgetter("nodes"))))
    return {"num_nodes": most, "nodes_min": least, "scaling": scaling}


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
    of_training: dict[str, Any] = {"num_nodes": draw(st.integers(1, 4_096)), "steps": draw(st.integers(0, 10**12))}
    if service is None:
        of_training |= draw(sizes())
        of_training["deadline_ms"] = draw(st.none() | instants) if of_training["steps"] else None
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
        model=draw(names | st.just("")),
        precision=draw(st.sampled_from(Precision)),
        data_sets=tuple(draw(st.lists(names, unique=True, max_size=3))),
        **of_training,
    )
