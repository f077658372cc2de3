"""Any history of commands, engine reports, silences and restarts: what holds after each step, and that a replay agrees.

The engines here are as bad as engines may be: they start late or not at all, forget to mention runs, and end them when
they like. What they never do is mention a run that they did not start.
"""

from collections import defaultdict
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from multihome.controller.invariants import check
from multihome.controller.occupancy import occupancy, recounted
from multihome.controller.state import State
from multihome.domain.commands import (
    AdvanceClock,
    Apply,
    Cancel,
    DeclareClock,
    DeclareLost,
    Drain,
    EngineAnswered,
    EngineSilent,
    EngineTold,
    Install,
    LaunchAnswered,
    LaunchRefused,
    LaunchUnclear,
    Override,
    OverrideRule,
    Recovered,
    Restore,
    SetPolicy,
    Submit,
    Undrain,
)
from multihome.domain.effects import ForgetRun, StartRun, StopRun
from multihome.domain.events import ChipTimeMetered, RunEnded, RunIntended, WorkloadEnded, WorkloadSubmitted
from multihome.domain.ids import ProviderId, RunId
from multihome.domain.policy import Knowledge, Objective, Order, PlacementPolicy, Preemption
from multihome.domain.runs import Inventory, Progress, ReportState
from multihome.domain.workloads import WorkloadSpec
from multihome.ledger.charges import charge_lines, imbalance, postings
from tests.builders import (
    ALPHA,
    BETA,
    BLUE,
    RED,
    choice,
    contract,
    day,
    delivery,
    quota,
    service,
    take_or_pay,
    tenant,
    training,
    world,
)
from tests.control import Control, replayed

PROVIDERS = st.sampled_from([ALPHA, BETA])
TARGETS = st.sampled_from(["alpha", "beta", "alpha/main", "beta/main", "ghost"])
PICKS = st.integers(0, 1_000)
SPECS = st.one_of(
    st.builds(
        lambda name, team, nodes, chips, stall_ms: training(
            name, tenant_id=team, num_nodes=nodes, choices=(choice(chips_per_node=chips),), stall_ms=stall_ms
        ),
        st.sampled_from("abc"),
        st.sampled_from([RED, BLUE]),
        st.integers(1, 3),
        st.sampled_from([2, 8]),
        st.sampled_from([0, 60_000]),
    ),
    st.builds(
        lambda name, team, count: service(name, count, tenant_id=team),
        st.sampled_from("xy"),
        st.sampled_from([RED, BLUE]),
        st.integers(1, 3),
    ),
)
DISTURBANCES = ("drain", "undrain", "lose", "restore", "restore", "cancel", "override", "silent", "rewrite", "policy")
POLICIES = (
    PlacementPolicy(),
    PlacementPolicy(order=Order.FIFO, preemption=Preemption.NEVER, round_ms=15_000),
    PlacementPolicy(objective=Objective.COMPLETION, preemption=Preemption.ROUNDS, round_ms=15_000),
    PlacementPolicy(order=Order.MAX_MIN, preemption=Preemption.ROUNDS, knowledge=Knowledge.KNOWN),
    PlacementPolicy(order=Order.CHEAPEST, preemption=Preemption.NEVER),
    PlacementPolicy(order=Order.PRIORITY, preemption=Preemption.NEVER, round_ms=1_000),
)
PERSON: dict[str, Any] = {"actor": "ada", "why": "a test"}


class History(RuleBasedStateMachine):
    """One installation and the two engines behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.control = Control()
        self.done = 0
        self.starts: list[StartRun] = []
        self.alive: dict[ProviderId, dict[RunId, Progress | None]] = {ALPHA: {}, BETA: {}}
        self.ended: dict[ProviderId, dict[RunId, int]] = {ALPHA: {}, BETA: {}}

    @initialize(scenario=st.booleans())
    def install(self, scenario: bool) -> None:  # noqa: FBT001
        self.control.do(Install(installation_id="test"))
        if scenario:
            self.control.do(DeclareClock(start_ms=day(25)))
        self.control.do(
            Apply(
                documents=(
                    *world(),
                    contract(clauses=[take_or_pay()]),
                    tenant("lab/red", quota(24, lend_chips=24, reclaim_after_ms=1_000)),
                    tenant("lab/blue", quota(8, borrow_chips=40, lend_chips=8)),
                ),
                workloads=(),
            )
        )

    @rule(spec=SPECS, applied=st.booleans())
    def submit(self, spec: WorkloadSpec, applied: bool) -> None:  # noqa: FBT001
        self.control.ask(Apply(documents=(), workloads=(spec,)) if applied else Submit(spec=spec))

    @rule(what=st.sampled_from(DISTURBANCES), where=TARGETS, pick=PICKS)
    def disturb(self, what: str, where: str, pick: int) -> None:  # noqa: C901 -- one line a disturbance
        """People and machines that come in between; one rule, so that most of a history is work."""
        provider_id = ProviderId(where.partition("/")[0])
        names = [*self.control.state.workloads, "a", "ghost"]
        name = names[pick % len(names)]
        match what:
            case "drain":
                self.control.ask(Drain(target=where, **PERSON))
            case "undrain":
                for target in list(self.control.state.drains):
                    self.control.do(Undrain(target=target, **PERSON))
            case "lose":
                self.control.ask(DeclareLost(provider_id=provider_id, **PERSON))
            case "restore":
                for lost in (ALPHA, BETA):
                    self.control.ask(Restore(provider_id=lost, **PERSON))
            case "cancel":
                self.control.ask(Cancel(workload=name, **PERSON))
            case "override":
                rule_set_aside = list(OverrideRule)[pick % 2]
                self.control.ask(Override(workload=name, rule=rule_set_aside, priority=pick % 5 - 2, **PERSON))
            case "policy":
                self.control.ask(SetPolicy(policy=POLICIES[pick % len(POLICIES)], **PERSON))
            case "rewrite":
                self.control.ask(Apply(documents=(delivery(domains=1 + pick % 2),), workloads=()))
            case _:
                self.control.tell(EngineSilent(provider_id=provider_id, error="no answer"))

    @rule(sure=st.sampled_from([False, False, False, True]))
    def restart(self, sure: bool) -> None:  # noqa: FBT001
        if sure:
            self.control.tell(Recovered())
            self.starts.clear()

    @rule(provider_id=PROVIDERS, pick=PICKS)
    def tell(self, provider_id: ProviderId, pick: int) -> None:
        """An engine tells of some runs unasked, and of the others nothing."""
        ended = list(self.ended[provider_id].items())
        reports = [self.control.report(run_id, ReportState.ENDED, exit_code=code) for run_id, code in ended[pick % 3 :]]
        reports += [self.control.report(run_id, progress=one) for run_id, one in self.alive[provider_id].items()]
        self.control.tell(EngineTold(provider_id=provider_id, reports=tuple(reports[: pick % 5])))

    @rule()
    def go_on(self) -> None:
        """An undisturbed moment: everything is placed, started and seen."""
        self.control.place()
        self.effects_reach_the_engines()
        while self.starts:
            self.launch(0, "answered")
        self.wait(1_000)
        for provider_id in (ALPHA, BETA):
            self.observe(provider_id, set(), ReportState.RUNNING)
        self.control.tick()

    @rule(duration_ms=st.sampled_from([100, 1_000, 15_000, 120_000, 40 * 86_400_000]))
    def wait(self, duration_ms: int) -> None:
        self.control.wait(duration_ms)
        if self.control.state.scenario_ms is not None:
            self.control.do(AdvanceClock(to_ms=self.control.state.scenario_ms + duration_ms))

    @rule()
    def tick(self) -> None:
        self.control.tick()

    @rule()
    def place(self) -> None:
        self.control.place()

    @precondition(lambda self: bool(self.starts))
    @rule(pick=PICKS, outcome=st.sampled_from(["answered", "answered", "refused", "unclear", "late"]))
    def launch(self, pick: int, outcome: str) -> None:
        intent = self.starts.pop(pick % len(self.starts)).intent
        if outcome in {"answered", "late"}:
            self.alive[intent.provider_id][intent.run_id] = None
        answers = {
            "answered": LaunchAnswered(run_id=intent.run_id),
            "refused": LaunchRefused(run_id=intent.run_id, error="no"),
            "unclear": LaunchUnclear(run_id=intent.run_id, error="timeout"),
            "late": LaunchUnclear(run_id=intent.run_id, error="timeout"),
        }
        self.control.tell(answers[outcome])

    @rule(provider_id=PROVIDERS, hidden=st.sets(st.integers(0, 5), max_size=2), state=st.sampled_from(ReportState))
    def observe(self, provider_id: ProviderId, hidden: set[int], state: ReportState) -> None:
        alive = self.alive[provider_id]
        state = ReportState.RUNNING if state is ReportState.ENDED else state
        reports = [self.control.report(run_id, state, progress=progress) for run_id, progress in alive.items()]
        reports += [
            self.control.report(run_id, ReportState.ENDED, exit_code=code)
            for run_id, code in self.ended[provider_id].items()
        ]
        shown = tuple(report for number, report in enumerate(reports) if number not in hidden)
        self.control.tell(EngineAnswered(inventory=Inventory(provider_id=provider_id, reports=shown)))

    @rule(provider_id=PROVIDERS, pick=PICKS, code=st.sampled_from([0, 1, 137]))
    def end(self, provider_id: ProviderId, pick: int, code: int) -> None:
        alive = self.alive[provider_id]
        if alive:
            run_id = list(alive)[pick % len(alive)]
            del alive[run_id]
            self.ended[provider_id][run_id] = code

    @rule(provider_id=PROVIDERS, pick=PICKS, step=st.integers(1, 100))
    def progress(self, provider_id: ProviderId, pick: int, step: int) -> None:
        alive = self.alive[provider_id]
        if alive:
            alive[list(alive)[pick % len(alive)]] = Progress(step=step, checkpoint_step=step // 10 * 10)

    @invariant()
    def effects_reach_the_engines(self) -> None:
        for effect in self.control.effects[self.done :]:
            match effect:
                case StartRun():
                    self.starts.append(effect)
                case StopRun():
                    if effect.run_id in self.alive[effect.provider_id]:
                        del self.alive[effect.provider_id][effect.run_id]
                        self.ended[effect.provider_id][effect.run_id] = 143
                case ForgetRun():
                    self.ended[effect.provider_id].pop(effect.run_id, None)
                case _:
                    pass
        self.done = len(self.control.effects)

    @invariant()
    def nothing_is_wrong_with_the_state(self) -> None:
        assert check(self.control.state, self.control.now) == ()

    @invariant()
    def what_is_kept_up_to_date_is_what_walking_finds(self) -> None:
        assert occupancy(self.control.state) == recounted(self.control.state)

    @invariant()
    def no_chip_is_used_twice(self) -> None:
        used: dict[tuple[str, int], int] = defaultdict(int)
        for run in self.control.state.runs.values():
            for share in run.allocation.nodes:
                used[run.allocation.domain_id, share.node] += share.chips
        assert all(chips <= 8 for chips in used.values())

    @invariant()
    def one_unit_has_one_run(self) -> None:
        units = [(run.workload_id, run.unit) for run in self.control.state.runs.values() if not run.replaced]
        assert len(units) == len(set(units))

    @invariant()
    def a_snapshot_is_the_state(self) -> None:
        state = self.control.state
        assert msgspec.json.decode(msgspec.json.encode(state), type=State) == state

    def teardown(self) -> None:
        control = self.control
        again = replayed(control)
        assert again == control.state
        assert msgspec.json.encode(again) == msgspec.json.encode(control.state)
        intended = [event.run_id for event in control.events(RunIntended)]
        ended = [event.run_id for event in control.events(RunEnded)]
        assert len(intended) == len(set(intended))
        assert len(ended) == len(set(ended))
        assert set(intended) == {*ended, *control.state.runs}
        submitted = {event.workload_id for event in control.events(WorkloadSubmitted)}
        over = [event.workload_id for event in control.events(WorkloadEnded)]
        assert submitted == {*over, *control.state.workloads}
        assert len(over) == len(set(over))
        records = control.events(ChipTimeMetered)
        assert imbalance(postings(charge_lines(records))) == {}
        taken = sum(control.state.taken_chip_ms.values())
        assert taken == sum(record.chip_ms for record in records)
        by_run: dict[str, int] = {}
        for record in records:
            assert by_run.get(record.run_id, record.interval.start_ms) == record.interval.start_ms
            by_run[record.run_id] = record.interval.end_ms


TestHistory = History.TestCase
TestHistory.settings = settings(
    max_examples=60, stateful_step_count=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
