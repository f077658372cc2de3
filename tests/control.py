"""A controller with nothing around it: decides, folds, and keeps what it folded so that it can be folded again."""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from multihome.controller.apply import apply, keep_answer, touch
from multihome.controller.decide import decide, effects_of
from multihome.controller.decision import Decision
from multihome.controller.reconcile import token_of
from multihome.controller.state import RunState, State, WorkloadState
from multihome.domain.commands import (
    Accepted,
    Apply,
    Command,
    Document,
    EngineAnswered,
    Input,
    Install,
    LaunchAnswered,
    PlaceDue,
    Request,
    Submit,
    Tick,
)
from multihome.domain.effects import Effect
from multihome.domain.events import Event
from multihome.domain.ids import Generation, ProviderId, RunId, WorkloadId
from multihome.domain.refusals import Refusal
from multihome.domain.runs import Inventory, Progress, ReportState, RunReport
from multihome.domain.workloads import WorkloadSpec
from multihome.units.time import Now
from tests.builders import ALPHA, START_MS, world

E = TypeVar("E", bound=Event)


class Step(msgspec.Struct, frozen=True):
    """One folded step: what a journal would keep of it."""

    at: Now
    events: tuple[Event, ...]
    request: Request | None
    answer: Accepted | Refusal | None


class Control:
    """The state with a clock that a test moves; contract time is the scenario's where one was declared."""

    def __init__(self, at_ms: int = START_MS) -> None:
        self.state = State()
        self.process_ms = at_ms
        self.steps: list[Step] = []
        self.effects: list[Effect] = []
        self._keys = 0

    @property
    def now(self) -> Now:
        scenario_ms = self.state.scenario_ms
        return Now(self.process_ms if scenario_ms is None else scenario_ms, self.process_ms)

    def tell(self, message: Input) -> Decision:
        """Decide one input, fold its events, and collect the effects that the edges would perform."""
        now = self.now
        before = msgspec.json.encode(self.state)
        decision = decide(self.state, message, now)
        assert msgspec.json.encode(self.state) == before, "decide changed the state"
        for event in decision.events:
            apply(self.state, event, now)
            self.effects.extend(effects_of(self.state, event))
        self.effects.extend(decision.effects)
        request = message if isinstance(message, Request) else None
        step = Step(now, decision.events, request, decision.answer)
        _close(self.state, step)
        self.steps.append(step)
        return decision

    def ask(self, command: Command, key: str = "") -> Accepted | Refusal:
        """Send a command under its own key, or under the given one."""
        self._keys += 1
        request = Request(
            key=key or f"key-{self._keys}",
            body_sha256=msgspec.json.encode(command).hex(),
            minted_id=f"m{self._keys}",
            actor="tester",
            command=command,
        )
        answer = self.tell(request).answer
        assert answer is not None, "a command is always answered"
        return answer

    def do(self, command: Command) -> Accepted:
        """Send a command that must be accepted."""
        answer = self.ask(command)
        assert isinstance(answer, Accepted), answer
        return answer

    def refused(self, command: Command) -> Refusal:
        """Send a command that must be refused, and see that it changed nothing but the memory of its answer."""
        before = _without_answers(self.state)
        answer = self.ask(command)
        assert isinstance(answer, Refusal), answer
        assert _without_answers(self.state) == before
        return answer

    def submit(self, spec: WorkloadSpec) -> WorkloadId:
        """Submit a workload that must be accepted."""
        return self.do(Submit(spec=spec)).workload_ids[0]

    def place(self) -> Decision:
        """A placement round."""
        return self.tell(PlaceDue())

    def tick(self) -> Decision:
        """Time has passed."""
        return self.tell(Tick())

    def wait(self, duration_ms: int) -> None:
        """Let the process clock run."""
        self.process_ms += duration_ms

    def started(self, run_id: RunId) -> RunId:
        """The engine confirms a launch."""
        self.tell(LaunchAnswered(run_id=run_id))
        return run_id

    def running(self, spec: WorkloadSpec) -> RunId:
        """Submit, place and start a workload of one unit; its run."""
        workload_id = self.submit(spec)
        self.place()
        return self.started(self.run_of(workload_id).id)

    def workload(self, workload_id: WorkloadId) -> WorkloadState:
        return self.state.workloads[workload_id]

    def run_of(self, workload_id: WorkloadId, unit: int = 0) -> RunState:
        """The live run of a unit."""
        run_id = self.state.workloads[workload_id].units[unit].run_id
        assert run_id is not None, f"unit {unit} of {workload_id} has no run: {self.state.class_blockers}"
        return self.state.runs[run_id]

    def report(self, run_id: RunId, state: ReportState = ReportState.RUNNING, **more: Any) -> RunReport:
        """What an engine says of a run of ours."""
        facts: dict[str, Any] = {
            "run_id": run_id,
            "generation": Generation(int(run_id.rpartition(".")[2])),
            "token": token_of(self.state.installation_id, run_id),
            "state": state,
        }
        return RunReport(**(facts | more))

    def hear(self, *reports: RunReport, provider_id: ProviderId = ALPHA, foreign: tuple[str, ...] = ()) -> Decision:
        """An engine reports exactly these runs."""
        return self.tell(EngineAnswered(inventory=Inventory(provider_id=provider_id, reports=reports, foreign=foreign)))

    def hear_ended(self, run_id: RunId, exit_code: int, progress: Progress | None = None) -> Decision:
        """The engine of a live run reports its end, and whatever else was running there as running still."""
        provider_id = self.state.runs[run_id].allocation.provider_id
        others = [
            self.report(run.id)
            for run in self.state.runs.values()
            if run.id != run_id and run.allocation.provider_id == provider_id
        ]
        ended = self.report(run_id, ReportState.ENDED, exit_code=exit_code, progress=progress)
        return self.hear(ended, *others, provider_id=provider_id)

    def events(self, kind: type[E]) -> list[E]:
        """All events of one kind so far."""
        return [event for step in self.steps for event in step.events if isinstance(event, kind)]


def installed(*more: Document, documents: Iterable[Document] | None = None) -> Control:
    """A controller that knows the default world, and what else is given."""
    control = Control()
    control.do(Install(installation_id="test"))
    facts = world() if documents is None else tuple(documents)
    control.do(Apply(documents=(*facts, *more), workloads=()))
    return control


def of_kind(decision: Decision, kind: type[E]) -> list[E]:
    """The events of one kind in a decision."""
    return [event for event in decision.events if isinstance(event, kind)]


def replayed(control: Control) -> State:
    """The state that the events alone add up to."""
    state = State()
    for step in control.steps:
        for event in step.events:
            apply(state, event, step.at)
        _close(state, step)
    return state


def _close(state: State, step: Step) -> None:
    if step.events or step.request is not None:
        touch(state, step.at)
    if step.request is not None and step.answer is not None and step.request.key not in state.answers:
        keep_answer(state, step.request.key, step.request.body_sha256, step.answer)


def _without_answers(state: State) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(state, answers={}, last=Now(0, 0)))
