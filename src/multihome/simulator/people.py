"""Clients and operators: what they send, how they repeat what was not answered, and what they were promised.

They know only answers and what anyone can see of a provider. Every promise they were given is kept here, to be held
against the state after each restart.
"""

import hashlib
import heapq

import msgspec

from multihome.controller.state import Openness, State
from multihome.domain import commands as cmd
from multihome.domain.commands import Accepted, Command, Request
from multihome.domain.ids import ProviderId, WorkloadId
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.simulator import scenario
from multihome.simulator.buyers import Buyers
from multihome.simulator.clock import SimMint
from multihome.simulator.dice import Dice
from multihome.simulator.suppliers import Suppliers
from multihome.simulator.world import World
from multihome.units.time import MS_PER_HOUR, MS_PER_MINUTE

INSTALLATION = "simulated"
_ENCODER = msgspec.json.Encoder(order="deterministic")
_PATIENCE_MS = 2 * MS_PER_HOUR
"""How long a provider is silent before an operator thinks of declaring it lost."""


class Promise(msgspec.Struct, frozen=True):
    """A command that was answered, and the answer."""

    request: Request
    answer: Accepted | Refusal


class People:
    """Everyone who sends commands. `promises` are by idempotency key."""

    def __init__(
        self, dice: Dice, world: World, start_ms: int, end_ms: int, workloads: int, given: scenario.Given | None
    ) -> None:
        """Plan what is sent when, between two instants of true time."""
        self._dice = dice
        self._world = world
        self._mint = SimMint(dice)
        self._pending: dict[str, Request] = {}
        self.promises: dict[str, Promise] = {}
        self.broken: list[str] = []
        """Answers that differ from what was promised, in words."""
        self._agenda: list[tuple[int, int, Command]] = []
        self._has_clock = dice.chance(500)
        self._buyers = Buyers(dice)
        self._suppliers = Suppliers(dice)
        self._silent_since: dict[ProviderId, int] = {}
        self._clock_due_ms = start_ms
        self._begin(start_ms)
        if given is None:
            self._plan(start_ms, end_ms, workloads)
        else:
            self._follow(given, start_ms, end_ms)

    def _begin(self, start_ms: int) -> None:
        self._at(start_ms, cmd.Install(installation_id=INSTALLATION))
        if self._has_clock:
            self._at(start_ms, cmd.DeclareClock(start_ms=start_ms))

    def _follow(self, given: scenario.Given, start_ms: int, end_ms: int) -> None:
        """Apply a scenario from elsewhere, and its later documents one at a time."""
        self._at(start_ms, cmd.Apply(documents=given.documents, workloads=given.workloads))
        for document in given.later:
            self._at(self._dice.between(start_ms, end_ms), cmd.Apply(documents=(document,), workloads=()))

    def _plan(self, start_ms: int, end_ms: int, workloads: int) -> None:
        self._at(start_ms, cmd.Apply(documents=scenario.documents(self._dice), workloads=()))
        last_ms = start_ms + (end_ms - start_ms) * 9 // 10
        for ordinal in range(workloads):
            spec = scenario.workload(self._dice, ordinal)
            command = cmd.Submit(spec=spec) if self._dice.chance(800) else cmd.Apply(documents=(), workloads=(spec,))
            self._at(self._dice.between(start_ms + MS_PER_MINUTE, last_ms), command)
        for at_ms, delivery in scenario.late_deliveries(self._dice, start_ms, last_ms):
            self._at(at_ms, cmd.Apply(documents=(delivery,), workloads=()))

    def _at(self, at_ms: int, command: Command) -> None:
        heapq.heappush(self._agenda, (at_ms, len(self._agenda), command))

    def due(self, state: State, now_ms: int) -> list[Request]:
        """What arrives now: what is due, what somebody thinks of, and what was never answered."""
        while self._agenda and self._agenda[0][0] <= now_ms:
            self._send(heapq.heappop(self._agenda)[2])
        if state.installation_id and state.tenants:
            self._watch_providers(state, now_ms)
            self._follow_clock(state, now_ms)
            if not self._world.quiet and self._dice.chance(40):
                self._think(state)
            if not self._world.quiet and self._dice.chance(100):
                self._procure(state, now_ms)
            if not self._world.quiet and self._dice.chance(150):
                self._deliver(state, now_ms)
        sent = list(self._pending.values())
        if self.promises and not self._world.quiet and self._dice.chance(30):
            sent.append(self._repeat())
        return sent

    def answered(self, request: Request, answer: Accepted | Refusal | None) -> None:
        """Take an answer that is durable, and hold it against what was promised before."""
        self._pending.pop(request.key, None)
        if answer is None:
            self.broken.append(f"command {request.key} got no answer")
            return
        before = self.promises.get(request.key)
        if before is None:
            self.promises[request.key] = Promise(request, answer)
        elif before.request.body_sha256 != request.body_sha256:
            if not isinstance(answer, Refusal) or answer.code is not RefusalCode.KEY_REUSED:
                self.broken.append(f"key {request.key} was taken for two commands")
        elif before.answer != answer:
            self.broken.append(f"a repeat of {request.key} was answered differently")

    def settle(self, state: State) -> None:
        """Before the quiet phase: everything that was closed is opened again."""
        for target in state.drains:
            self._send(cmd.Undrain(target=target, actor="operator", why="quiet"))
        for provider_id in state.providers:
            if state.provider_state(provider_id).openness is Openness.LOST:
                self._send(cmd.Restore(provider_id=provider_id, actor="operator", why="quiet"))

    def _send(self, command: Command) -> None:
        request = self._request(self._mint.mint(), command)
        self._pending[request.key] = request

    def _request(self, key: str, command: Command) -> Request:
        digest = hashlib.sha256(_ENCODER.encode(command)).hexdigest()
        return Request(key=key, body_sha256=digest, minted_id=self._mint.mint(), actor="someone", command=command)

    def _repeat(self) -> Request:
        """A command that was answered already comes again, or another one under its key."""
        promise = self._dice.pick(list(self.promises.values())[-20:])
        if self._dice.chance(700):
            self._world.faults["command repeated"] += 1
            return self._request(promise.request.key, promise.request.command)
        self._world.faults["key used for another command"] += 1
        return self._request(promise.request.key, cmd.Cancel(workload="other", actor="someone", why="mistake"))

    def _follow_clock(self, state: State, now_ms: int) -> None:
        if state.scenario_ms is None or now_ms < self._clock_due_ms:
            return
        self._clock_due_ms = now_ms + self._dice.between(10, 90) * MS_PER_MINUTE
        self._send(cmd.AdvanceClock(to_ms=now_ms))

    def _think(self, state: State) -> None:
        """Somebody does something unplanned."""
        what = self._dice.pick(("cancel", "cancel", "override", "close or open"))
        workload_ids = list(state.workloads)
        if what == "cancel" and workload_ids:
            self._send(cmd.Cancel(workload=self._dice.pick(workload_ids), actor="someone", why="enough"))
        elif what == "override" and workload_ids:
            rule = self._dice.pick(tuple(cmd.OverrideRule))
            name = self._dice.pick(workload_ids)
            priority = self._dice.between(0, 9) * 10
            self._send(cmd.Override(workload=name, rule=rule, priority=priority, actor="head", why="urgent"))
        elif state.drains and self._dice.chance(800):
            self._send(cmd.Undrain(target=self._dice.pick(list(state.drains)), actor="operator", why="done"))
        elif state.pools:
            target = self._dice.pick([*state.providers, *state.pools])
            self._send(cmd.Drain(target=target, actor="operator", why="works"))

    def _procure(self, state: State, now_ms: int) -> None:
        """Buyers serve, holders answer or stay silent, awards are tried whether or not they may be, orders follow."""
        command = self._buyers.next(state, now_ms)
        if command is not None:
            self._send(command)

    def _deliver(self, state: State, now_ms: int) -> None:
        """Tranches take steps, credits are claimed, breaches are told and cured, and some contracts are ended."""
        command = self._suppliers.next(state, now_ms)
        if command is not None:
            self._send(command)

    def _watch_providers(self, state: State, now_ms: int) -> None:
        """Operators see who is silent; they may be wrong about whether anything still runs there."""
        for provider_id in state.providers:
            is_lost = state.provider_state(provider_id).openness is Openness.LOST
            if self._world.is_silent(provider_id):
                since_ms = self._silent_since.setdefault(provider_id, now_ms)
                if not is_lost and now_ms - since_ms > _PATIENCE_MS and self._dice.chance(150):
                    self._send(cmd.DeclareLost(provider_id=provider_id, actor="operator", why="silent for long"))
                continue
            self._silent_since.pop(provider_id, None)
            if is_lost and self._dice.chance(60):
                self._send(cmd.Restore(provider_id=provider_id, actor="operator", why="it answers"))


def promised_workloads(promise: Promise) -> tuple[WorkloadId, ...]:
    """The workloads that an answer said exist."""
    return promise.answer.workload_ids if isinstance(promise.answer, Accepted) else ()
