"""What Multihome tells a program it launches: its rank, its peers, its checkpoint; and how it is asked to stop.

Everything comes by environment variables, so that the same program also runs by hand without any of them.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

EXIT_BAD_INPUT = 2
"""The same code that argparse uses: repeating the attempt unchanged cannot help."""
EXIT_PEER_LOST = 69
EXIT_WRITE_FAILED = 74
EXIT_FENCED = 75
EXIT_STOPPED = 128 + signal.SIGTERM
"""What a shell reports for a program that SIGTERM ended: an asked-for stop is never taken for success or failure."""

DEFAULT_PORT = 29_400


@dataclass(frozen=True)
class Launch:
    """The place of this process in its gang, and where it keeps what must outlive it.

    `addresses` holds one address per rank. A path that was not given is None; `model_dir` is another workload's
    checkpoint, to be read only. An interval of 0 steps means that only the last step is saved.
    """

    rank: int
    addresses: tuple[str, ...]
    port: int
    generation: int
    replica: str
    checkpoint_dir: Path | None
    checkpoint_interval_steps: int
    model_dir: Path | None
    progress_file: Path | None

    @property
    def ranks(self) -> int:
        """How many processes the gang has."""
        return len(self.addresses)


def read_launch() -> Launch:
    """The launch as the environment describes it; without a description, a gang of one on 127.0.0.1.

    Raises:
        ValueError: a number is none, or the rank has no address.
    """
    addresses = tuple(os.environ.get("MULTIHOME_NODE_IPS", "127.0.0.1").replace(",", " ").split())
    rank = int(os.environ.get("MULTIHOME_NODE_RANK", "0"))
    if not 0 <= rank < len(addresses):
        msg = f"MULTIHOME_NODE_RANK is {rank}, but MULTIHOME_NODE_IPS holds {len(addresses)} addresses"
        raise ValueError(msg)
    interval_steps = int(os.environ.get("MULTIHOME_CHECKPOINT_INTERVAL_STEPS", "50"))
    if interval_steps < 0:
        msg = f"MULTIHOME_CHECKPOINT_INTERVAL_STEPS is {interval_steps}, and must not be negative"
        raise ValueError(msg)
    return Launch(
        rank=rank,
        addresses=addresses,
        port=int(os.environ.get("MULTIHOME_PORT", DEFAULT_PORT)),
        generation=int(os.environ.get("MULTIHOME_GENERATION", "0")),
        replica=os.environ.get("MULTIHOME_REPLICA", "0"),
        checkpoint_dir=_path("MULTIHOME_CHECKPOINT_DIR"),
        checkpoint_interval_steps=interval_steps,
        model_dir=_path("MULTIHOME_MODEL_DIR"),
        progress_file=_path("MULTIHOME_PROGRESS_FILE"),
    )


class StopSignal:
    """SIGTERM as something that is looked at between steps, so that it never cuts one in half."""

    def __init__(self) -> None:
        """Hold SIGTERM back for this thread and all that it starts; do this before other threads exist."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        self._asked = False

    def wait(self, seconds: float) -> bool:
        """Sleep for so long, or until asked to stop; say whether a stop was ever asked."""
        if not self._asked:
            self._asked = signal.sigtimedwait({signal.SIGTERM}, max(0.0, seconds)) is not None
        return self._asked

    def asked(self) -> bool:
        """Say whether a stop was ever asked, without waiting."""
        return self.wait(0.0)


class StopAskedError(Exception):
    """A stop was asked while there was nothing yet to finish."""


def _path(variable: str) -> Path | None:
    text = os.environ.get(variable, "")
    return Path(text) if text else None
