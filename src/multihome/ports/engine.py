"""The port through which runs are executed."""

from collections.abc import Iterator
from enum import Enum
from typing import Protocol

from multihome.domain.ids import Generation, ProviderId, RunId
from multihome.domain.runs import Inventory, LaunchIntent


class EngineClass(Enum):
    """How a repeat is recognised: a deterministic name or token, a tag to list by, or not at all."""

    NAMED = "A"
    TAGGED = "B"
    BLIND = "C"


class EngineUnavailableError(Exception):
    """The engine did not answer; what was asked of it may or may not have happened."""

    def __init__(self, action: str, subject: str, retry_after_ms: int) -> None:
        """Say which action on what, and when to ask again."""
        super().__init__(f"{action} {subject}: no answer; ask again in {retry_after_ms} ms")
        self.action = action
        self.subject = subject
        self.retry_after_ms = retry_after_ms


class LaunchRefusedError(Exception):
    """The engine says for certain that it started nothing, and why; a stale generation is one reason."""


class Engine(Protocol):
    """Executes runs at one provider. Knows no contract, no tenant and no price."""

    @property
    def provider_id(self) -> ProviderId:
        """The provider whose pools this engine executes for."""
        ...

    @property
    def engine_class(self) -> EngineClass:
        """How this engine recognises a repeat."""
        ...

    def launch(self, intent: LaunchIntent) -> None:
        """Start all ranks of a run or none; returns when all are up. A repeat of a known run changes nothing.

        Raises:
            LaunchRefusedError: nothing was started.
            EngineUnavailableError: nobody knows.
        """
        ...

    def stop(self, run_id: RunId, generation: Generation, grace_ms: int) -> None:
        """Ask a run to end (SIGTERM or the like), and kill it after the grace; returns at once.

        A run that is not there leaves a tombstone: a later launch of the same generation is refused.

        Raises:
            EngineUnavailableError: nobody knows.
        """
        ...

    def observe(self) -> Inventory:
        """Everything of ours there, ended runs included until they are forgotten.

        Raises:
            EngineUnavailableError: nobody knows.
        """
        ...

    def forget(self, run_id: RunId) -> None:
        """Stop reporting an ended run; its logs stay."""
        ...

    def fence(self, checkpoint_key: str, generation: Generation) -> None:
        """Refuse checkpoint writes below this generation for one unit of a workload, wherever the writer runs."""
        ...

    def logs(self, run_id: RunId, rank: int, follow_from: int) -> Iterator[bytes]:
        """Chunks of a rank's output from a byte offset, as far as it has been written."""
        ...
