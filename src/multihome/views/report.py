"""Who ran where, when and why; what it cost; what every clause made of it. All figures are sums of journalled facts."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from multihome.clauses.delivery import delivered_domains
from multihome.clauses.periods import counted_parts
from multihome.clauses.take_or_pay import NOTHING_CARRIED, settle
from multihome.controller.commitments import balance_before, counted_from_ms, settled_until, taken_in, use_in
from multihome.controller.endings import meter_run
from multihome.controller.state import State
from multihome.domain import events as ev
from multihome.domain.clause_terms import ClauseRef, TakeOrPay
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.ids import ContractId, PoolId, ProviderId, RunId, TenantId, TrancheId, WorkloadId
from multihome.domain.placements import Evidence
from multihome.domain.workloads import WorkloadSpec
from multihome.ledger.charges import ChargeLine, LineKey, charge_lines, imbalance, postings
from multihome.ledger.concentration import Concentration, concentration
from multihome.units.calendar import period_name
from multihome.units.time import Interval, Now
from multihome.views.commitments import AccountLine, CreditLine, PrepaidLine, SettledLine, commitments
from multihome.views.history import HistoryEntry
from multihome.views.recount import Cost, Costs, Dimension
from multihome.views.words import clause_text, evidence_text, reason_sentences


class RunLine(msgspec.Struct, frozen=True):
    """One attempt. Times are None while it has not started or not ended."""

    run_id: RunId
    workload_id: WorkloadId
    name: str
    tenant_id: TenantId
    unit: int
    provider_id: ProviderId
    pool_id: PoolId
    chips: int
    basis: str
    started_contract_ms: int | None
    started_process_ms: int | None
    ended_contract_ms: int | None
    ended_process_ms: int | None
    outcome: str
    sentences: tuple[str, ...]


class TotalLine(msgspec.Struct, frozen=True):
    """Chip time and cost of one provider, contract, tenant or workload."""

    name: str
    chip_ms: int
    amount_micro_usd: int


class BurnDownLine(msgspec.Struct, frozen=True):
    """A take-or-pay commitment in a part of a period that is not settled yet: what is owed, taken and lacking so far.

    `period` is `2025-06`, `2025-Q2` or `2025`, of the contract's zone.
    """

    contract_id: ContractId
    tranche_id: TrancheId
    period: str
    counted: Interval
    share_bps: int
    contracted_chip_ms: int
    under_delivered_chip_ms: int
    force_majeure_chip_ms: int
    owed_chip_ms: int
    taken_chip_ms: int
    deficiency_chip_ms: int
    deficiency_micro_usd: int


class EvidenceLine(msgspec.Struct, frozen=True):
    """Why a placement's capacity was permitted; `in_scope` is whether a first refusal bound its award."""

    run_id: RunId
    name: str
    tranche_id: TrancheId
    in_scope: bool
    evidence: Evidence
    text: str


class LostWorkLine(msgspec.Struct, frozen=True):
    """Steps done again after an attempt was lost, against the checkpoint interval."""

    run_id: RunId
    name: str
    steps: int
    resumed_from_step: int
    checkpoint_interval_steps: int


class ConsequenceLine(msgspec.Struct, frozen=True):
    """What a clause made of something that happened."""

    contract_ms: int
    clause: str
    code: str
    text: str


class DeliveryLine(msgspec.Struct, frozen=True):
    """A tranche: promised, accepted (None where it is outstanding), and first billed."""

    tranche_id: TrancheId
    promised_ms: int
    accepted_ms: int | None
    first_billed_ms: int | None
    domains: int
    domains_accepted: int


class ConcentrationLine(msgspec.Struct, frozen=True):
    """How chips in use were spread over providers at one instant."""

    when: str
    contract_ms: int
    chips: dict[ProviderId, int]
    concentration: Concentration


class Report(msgspec.Struct, frozen=True):
    """Everything that can be said of the time since the journal began."""

    contract_ms: int
    process_ms: int
    from_contract_ms: int
    from_process_ms: int
    runs: tuple[RunLine, ...]
    by_provider: tuple[TotalLine, ...]
    by_contract: tuple[TotalLine, ...]
    by_tenant: tuple[TotalLine, ...]
    by_workload: tuple[TotalLine, ...]
    total: TotalLine
    imbalance_micro: dict[str, int]
    burn_down: tuple[BurnDownLine, ...]
    settled: tuple[SettledLine, ...]
    credits: tuple[CreditLine, ...]
    prepaid: tuple[PrepaidLine, ...]
    accounts: tuple[AccountLine, ...]
    concentration: tuple[ConcentrationLine, ...]
    evidence: tuple[EvidenceLine, ...]
    lost_work: tuple[LostWorkLine, ...]
    consequences: tuple[ConsequenceLine, ...]
    deliveries: tuple[DeliveryLine, ...]


def report(state: State, entries: Sequence[HistoryEntry], now: Now) -> Report:
    """The report from the state and the whole history, in the order in which it happened."""
    specs = {e.event.workload_id: e.event.spec for e in entries if isinstance(e.event, ev.WorkloadSubmitted)}
    names = {workload_id: spec.name for workload_id, spec in specs.items()}
    usage = [entry.event for entry in entries if isinstance(entry.event, ev.ChipTimeMetered)]
    for run in state.runs.values():
        usage.extend(meter_run(state, run, now.contract_ms))
    lines = charge_lines(usage)
    due = commitments(state, entries, lines, now.contract_ms)
    start = _scenario_start(entries, now)
    return Report(
        contract_ms=now.contract_ms,
        process_ms=now.process_ms,
        from_contract_ms=start.contract_ms,
        from_process_ms=start.process_ms,
        runs=tuple(_run_lines(entries, names, {wid: spec.tenant_id for wid, spec in specs.items()})),
        by_provider=_totals(lines, lambda key: key.provider_id),
        by_contract=_totals(lines, lambda key: key.contract_id),
        by_tenant=_totals(lines, lambda key: key.tenant_id),
        by_workload=_totals(lines, lambda key: f"{names.get(key.workload_id, '?')} ({key.workload_id})"),
        total=_totals(lines, lambda _: "total")[0] if lines else TotalLine("total", 0, 0),
        imbalance_micro=imbalance([*postings(lines), *due.postings]),
        burn_down=tuple(_burn_down(state, now)),
        settled=due.settled,
        credits=due.credits,
        prepaid=due.prepaid,
        accounts=due.accounts,
        concentration=tuple(_concentrations(entries, now)),
        evidence=tuple(_evidence(entries, names)),
        lost_work=tuple(_lost_work(entries, specs)),
        consequences=tuple(
            ConsequenceLine(e.at.contract_ms, clause_text(e.event.clause), e.event.code, e.event.text)
            for e in entries
            if isinstance(e.event, ev.ClauseConsequence)
        ),
        deliveries=tuple(_deliveries(state, usage, now)),
    )


def costs_of(view: Report) -> Costs:
    """What a report says that everything cost, as a recount says it."""
    parts = {
        Dimension.PROVIDER: view.by_provider,
        Dimension.CONTRACT: view.by_contract,
        Dimension.TENANT: view.by_tenant,
        Dimension.WORKLOAD: view.by_workload,
        Dimension.TOTAL: (view.total,) if view.total.chip_ms else (),
    }
    return {
        dimension: {line.name: Cost(line.chip_ms, line.amount_micro_usd) for line in lines}
        for dimension, lines in parts.items()
    }


def _lost_work(entries: Sequence[HistoryEntry], specs: dict[WorkloadId, WorkloadSpec]) -> Iterator[LostWorkLine]:
    """Work done again, by run; the newest figure of a run is what is known of it."""
    newest = {entry.event.run_id: entry.event for entry in entries if isinstance(entry.event, ev.WorkLost)}
    for event in newest.values():
        spec = specs[event.workload_id]
        yield LostWorkLine(
            run_id=event.run_id,
            name=spec.name,
            steps=event.steps,
            resumed_from_step=event.resumed_from_step,
            checkpoint_interval_steps=spec.checkpointing.interval_steps if spec.checkpointing else 0,
        )


def _scenario_start(entries: Sequence[HistoryEntry], now: Now) -> Now:
    """When the story begins: where a scenario clock was declared, contract time begins there."""
    first = entries[0].at if entries else now
    declared = (entry.event.start_ms for entry in entries if isinstance(entry.event, ev.ClockDeclared))
    return Now(next(declared, first.contract_ms), first.process_ms)


def _totals(lines: Iterable[ChargeLine], name_of: Callable[[LineKey], str]) -> tuple[TotalLine, ...]:
    chip_ms: dict[str, int] = {}
    amount: dict[str, int] = {}
    for line in lines:
        name = name_of(line.key)
        chip_ms[name] = chip_ms.get(name, 0) + line.chip_ms
        amount[name] = amount.get(name, 0) + line.amount_micro_usd
    return tuple(TotalLine(name, chip_ms[name], amount[name]) for name in sorted(chip_ms))


def _run_lines(
    entries: Sequence[HistoryEntry], names: dict[WorkloadId, str], tenants: dict[WorkloadId, TenantId]
) -> Iterator[RunLine]:
    """Every attempt, in the order in which they were placed."""
    started: dict[RunId, Now] = {}
    ended: dict[RunId, tuple[Now, str]] = {}
    for entry in entries:
        match entry.event:
            case ev.RunStarted(run_id=run_id):
                started.setdefault(run_id, entry.at)
            case ev.RunFenced(run_id=run_id):
                ended.setdefault(run_id, (entry.at, "fenced"))
            case ev.RunEnded(run_id=run_id, outcome=outcome):
                ended.setdefault(run_id, (entry.at, outcome.value))
            case _:
                continue
    for entry in entries:
        event = entry.event
        if not isinstance(event, ev.RunIntended):
            continue
        start = started.get(event.run_id)
        end, outcome = ended.get(event.run_id, (None, "live"))
        yield RunLine(
            run_id=event.run_id,
            workload_id=event.workload_id,
            name=names.get(event.workload_id, "?"),
            tenant_id=tenants.get(event.workload_id, TenantId("?")),
            unit=event.unit,
            provider_id=event.allocation.provider_id,
            pool_id=event.allocation.pool_id,
            chips=event.allocation.chips,
            basis=event.reason.basis.value,
            started_contract_ms=start.contract_ms if start else None,
            started_process_ms=start.process_ms if start else None,
            ended_contract_ms=end.contract_ms if end else None,
            ended_process_ms=end.process_ms if end else None,
            outcome=outcome,
            sentences=reason_sentences(event.reason),
        )


def _burn_down(state: State, now: Now) -> Iterator[BurnDownLine]:
    """Each take-or-pay of each tranche, part by part since the last that was settled, up to now."""
    for contract in state.contracts.values():
        versions: dict[str, list[TakeOrPay]] = {}
        for terms in contract.clauses:
            if isinstance(terms, TakeOrPay):
                versions.setdefault(terms.id, []).append(terms)
        for tranche in contract.tranches:
            for clauses in versions.values():
                yield from _burnt(state, contract, tranche, clauses, now)


def _burnt(
    state: State, contract: Contract, tranche: Tranche, versions: Sequence[TakeOrPay], now: Now
) -> Iterator[BurnDownLine]:
    clause = ClauseRef(contract.id, versions[0].id)
    begins_ms = settled_until(state, clause, tranche.id) or counted_from_ms(state, tranche)
    if begins_ms is None:
        return
    runs = [run for run in state.runs.values() if run.allocation.tranche_id == tranche.id and not run.replaced]
    balance, ended_ms = balance_before(state, clause, tranche.id, begins_ms), begins_ms
    for terms, counted in counted_parts(contract, versions, begins_ms):
        if counted.start_ms > now.contract_ms or counted.start_ms >= tranche.ends_ms:
            return
        so_far = Interval(counted.start_ms, min(counted.end_ms, now.contract_ms))
        use = use_in(state, contract, tranche, so_far, taken_in(state, contract, tranche, runs, counted, now))
        before = balance if counted.start_ms == ended_ms else NOTHING_CARRIED
        sums = settle(terms, use, before, tranche.rate_micro_usd_per_chip_hour)
        balance, ended_ms = sums.balance, counted.end_ms
        yield BurnDownLine(
            contract_id=contract.id,
            tranche_id=tranche.id,
            period=period_name(counted.start_ms, terms.period, contract.calendar.zone),
            counted=counted,
            share_bps=terms.share_bps,
            contracted_chip_ms=use.contracted_chip_ms,
            under_delivered_chip_ms=use.under_delivered_chip_ms,
            force_majeure_chip_ms=use.force_majeure_chip_ms,
            owed_chip_ms=sums.owed_chip_ms,
            taken_chip_ms=sums.taken_chip_ms,
            deficiency_chip_ms=sums.deficiency_chip_ms,
            deficiency_micro_usd=sums.deficiency_micro_usd,
        )


def _concentrations(entries: Sequence[HistoryEntry], now: Now) -> Iterator[ConcentrationLine]:
    """Chips in use by provider just before each declared loss and each return, and now."""
    chips_of: dict[RunId, tuple[ProviderId, int]] = {}
    chips: dict[ProviderId, int] = {}
    live: set[RunId] = set()
    for entry in entries:
        event = entry.event
        if isinstance(event, ev.RunIntended):
            chips_of[event.run_id] = (event.allocation.provider_id, event.allocation.chips)
        elif isinstance(event, ev.RunStarted) and event.run_id not in live:
            live.add(event.run_id)
            _add(chips, chips_of[event.run_id], 1)
        elif isinstance(event, ev.RunEnded | ev.RunFenced) and event.run_id in live:
            live.discard(event.run_id)
            _add(chips, chips_of[event.run_id], -1)
        elif isinstance(event, ev.ProviderLost):
            yield _concentration_line(f"before the loss of {event.provider_id}", entry.at.contract_ms, chips)
        elif isinstance(event, ev.ProviderRestored):
            yield _concentration_line(f"before {event.provider_id} came back", entry.at.contract_ms, chips)
    yield _concentration_line("now", now.contract_ms, chips)


def _add(chips: dict[ProviderId, int], run: tuple[ProviderId, int], sign: int) -> None:
    provider_id, count = run
    chips[provider_id] = chips.get(provider_id, 0) + sign * count


def _concentration_line(when: str, at_ms: int, chips: dict[ProviderId, int]) -> ConcentrationLine:
    in_use = {provider_id: count for provider_id, count in sorted(chips.items()) if count}
    return ConcentrationLine(when, at_ms, in_use, concentration(in_use))


def _evidence(entries: Sequence[HistoryEntry], names: dict[WorkloadId, str]) -> Iterator[EvidenceLine]:
    for entry in entries:
        event = entry.event
        if isinstance(event, ev.RunIntended):
            evidence = event.reason.evidence
            yield EvidenceLine(
                run_id=event.run_id,
                name=names.get(event.workload_id, "?"),
                tranche_id=event.allocation.tranche_id,
                in_scope=evidence.clause is not None,
                evidence=evidence,
                text=evidence_text(evidence),
            )


def _deliveries(state: State, usage: Sequence[ev.ChipTimeMetered], now: Now) -> Iterator[DeliveryLine]:
    for contract in state.contracts.values():
        for tranche in contract.tranches:
            accepted = [d.effective_ms for d in state.deliveries.values() if d.tranche_id == tranche.id]
            billed = [record.interval.start_ms for record in usage if record.tranche_id == tranche.id]
            yield DeliveryLine(
                tranche_id=tranche.id,
                promised_ms=tranche.promised_ms,
                accepted_ms=min(accepted, default=None),
                first_billed_ms=min(billed, default=None),
                domains=tranche.domains,
                domains_accepted=delivered_domains(state.deliveries.values(), tranche, now.contract_ms),
            )
