"""What stands in for an engine that this program does not know."""

from collections.abc import Iterator
from typing import NoReturn

from multihome.domain.ids import Generation, ProviderId, RunId
from multihome.domain.runs import Inventory, LaunchIntent
from multihome.ports.engine import EngineClass, EngineUnavailableError

_RETRY_MS = 60_000


class SilentEngine:
    """Never answers: its provider is shown as silent, and nothing is placed there."""

    def __init__(self, provider_id: ProviderId, engine: str) -> None:
        """Stand in for the engine of that name."""
        self._provider_id = provider_id
        self._engine = engine

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
        self._refuse("launch", intent.run_id)

    def stop(self, run_id: RunId, generation: Generation, grace_ms: int) -> None:
        """See `Engine.stop`."""
        del generation, grace_ms
        self._refuse("stop", run_id)

    def observe(self) -> Inventory:
        """See `Engine.observe`."""
        self._refuse("observe", self._provider_id)

    def forget(self, run_id: RunId) -> None:
        """See `Engine.forget`."""
        self._refuse("forget", run_id)

    def fence(self, checkpoint_key: str, generation: Generation) -> None:
        """See `Engine.fence`."""
        del generation
        self._refuse("fence", checkpoint_key)

    def logs(self, run_id: RunId, rank: int, follow_from: int) -> Iterator[bytes]:
        """See `Engine.logs`."""
        del rank, follow_from
        self._refuse("logs", run_id)

    def _refuse(self, action: str, subject: str) -> NoReturn:
        asked = f"engine {self._engine!r} is not known here: {action}"
        raise EngineUnavailableError(asked, subject, _RETRY_MS)
