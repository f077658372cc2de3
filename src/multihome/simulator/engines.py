"""Simulated engines: the `Engine` port over the world's truth, with answers that fail, come late or never come."""

from collections.abc import Iterator

from multihome.domain.ids import Generation, ProviderId, RunId
from multihome.domain.runs import Inventory, LaunchIntent
from multihome.ports.engine import EngineClass, EngineUnavailableError, LaunchRefusedError
from multihome.simulator.world import LATE_MS_MAX, World
from multihome.units.time import MS_PER_MINUTE

# Per mille of calls. High enough that three days hold some of each, low enough that work gets done.
_REFUSED = 20
_TIMED_OUT = 80
_STOP_UNANSWERED = 60
_STOP_SWALLOWED = 60
_CALL_UNANSWERED = 30
_THROUGH_SILENCE = 200


class SimEngine:
    """One provider's engine."""

    def __init__(self, world: World, provider_id: ProviderId) -> None:
        """An engine over the world's truth at a provider."""
        self._world = world
        self._provider_id = provider_id

    @property
    def provider_id(self) -> ProviderId:
        """See `Engine.provider_id`."""
        return self._provider_id

    @property
    def engine_class(self) -> EngineClass:
        """See `Engine.engine_class`."""
        return EngineClass.BLIND

    def launch(self, intent: LaunchIntent) -> None:
        """See `Engine.launch`."""
        world = self._world
        if world.is_silent(self._provider_id):
            if world.fault("launch went through a silence", _THROUGH_SILENCE):
                world.spawn(intent)
            raise self._no_answer(intent.run_id)
        if world.fault("launch refused", _REFUSED):
            # A refusal is for good: an engine that refused a run does not start it later.
            world.site(self._provider_id).tombstones.add(intent.run_id)
            raise LaunchRefusedError(intent.run_id)
        if world.fault("launch timed out", _TIMED_OUT):
            self._time_out(intent)
        refusal = world.spawn(intent)
        if refusal:
            raise LaunchRefusedError(refusal)

    def stop(self, run_id: RunId, generation: Generation, grace_ms: int) -> None:
        """See `Engine.stop`."""
        del generation
        self._answer("stop", run_id, _STOP_UNANSWERED)
        if not self._world.fault("stop swallowed", _STOP_SWALLOWED):
            self._world.stop(self._provider_id, run_id, grace_ms)

    def observe(self) -> Inventory:
        """See `Engine.observe`."""
        self._answer("observe", self._provider_id, _CALL_UNANSWERED)
        return self._world.inventory(self._provider_id)

    def forget(self, run_id: RunId) -> None:
        """See `Engine.forget`."""
        self._answer("forget", run_id, _CALL_UNANSWERED)
        site = self._world.site(self._provider_id)
        processes = site.known.get(run_id, ())
        if all(process.ended_ms is not None for process in processes):
            site.known.pop(run_id, None)
            # A real engine keeps the name of what it has ended, so that a late request starts nothing.
            site.tombstones.add(run_id)

    def fence(self, checkpoint_key: str, generation: Generation) -> None:
        """See `Engine.fence`."""
        self._answer("fence", checkpoint_key, _CALL_UNANSWERED)
        self._world.raise_fence(checkpoint_key, generation)

    def logs(self, run_id: RunId, rank: int, follow_from: int) -> Iterator[bytes]:
        """See `Engine.logs`: simulated programs write nothing."""
        del run_id, rank, follow_from
        return iter(())

    def _time_out(self, intent: LaunchIntent) -> None:
        """No answer: it did not happen, or it did, or it does so later."""
        world = self._world
        kind = world.dice.pick(("not happened", "happened", "happens late"))
        world.faults[f"launch timed out, {kind}"] += 1
        if kind == "happened":
            world.spawn(intent)
        elif kind == "happens late":
            due_ms = world.clock.true_ms + world.dice.between(1, LATE_MS_MAX)
            world.site(self._provider_id).late.append((due_ms, intent))
        raise self._no_answer(intent.run_id)

    def _answer(self, action: str, subject: str, unanswered_per_mille: int) -> None:
        if self._world.is_silent(self._provider_id) or self._world.fault(f"{action} unanswered", unanswered_per_mille):
            raise EngineUnavailableError(action, subject, MS_PER_MINUTE)

    def _no_answer(self, run_id: RunId) -> EngineUnavailableError:
        return EngineUnavailableError("launch", run_id, MS_PER_MINUTE)
