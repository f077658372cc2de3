"""What may be set for the local engine, and the limits that may not."""

import resource
from collections.abc import Callable

import msgspec

START_MS_MAX = 10_000
"""How long a launch waits for its shim, and how long a run that nobody is starting stays undecided."""
LOCK_MS_MAX = 5_000
"""How long a port call waits for a lock before it gives up."""
RETRY_AFTER_MS = 1_000
"""When to ask again after an engine has not answered."""
RANKS_MAX = 256
PAYLOAD_BYTES_MAX = 16 << 20
"""Scripts, environments and secrets of all ranks of a run together."""


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of every rank, and sizes of what is kept of its output."""

    nice: int = 5
    """Above 0, so that programs leave the control plane its turn."""
    open_files_max: int = 65_536
    address_space_bytes_max: int = resource.RLIM_INFINITY
    gang_grace_ms: int = 3_000
    """What the other ranks are given to end when one has failed."""
    log_segment_bytes_max: int = 8 << 20
    log_segments_max: int = 4
    """Per rank; the oldest goes when one more begins."""
    workdir_bytes_max: int = 256 << 20
    workdir_files_max: int = 10_000


Failpoint = Callable[[str], None]
"""Called with the name of each point at which a control plane may die: `staged`, `claimed`, `spawned`, `up`."""


def no_failpoint(point: str) -> None:
    """Go on."""
    del point
