"""What an option row is, what it is made from, and what is said of what became no row."""

from collections.abc import Callable, Mapping

import msgspec

from multihome.clauses.book import Book
from multihome.domain.accelerators import AcceleratorKind
from multihome.domain.datasets import DataLocation
from multihome.domain.ids import AcceleratorName, PoolId, TrancheId
from multihome.domain.placements import Allocation, Basis, Blocker, Price
from multihome.scheduling.options.data import KnownData
from multihome.scheduling.options.deadlines import Allowed
from multihome.scheduling.options.switching import Switching
from multihome.scheduling.options.throughput import Estimate, KnownRates, Scale
from multihome.scheduling.options.value import HourlyValue

Prices = Callable[[int], tuple[Price | None, ...]]
"""What a chip-hour costs in a block of so many chips, for every lot in its order; None where a clause forbids it."""


class Kept(msgspec.Struct, frozen=True):
    """Where a gang runs: on what basis, for how long by now, and what no checkpoint holds of it."""

    allocation: Allocation
    basis: Basis
    since_start_ms: int
    steps_lost: int


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """How far a gang has come: when it was asked for (contract time), how long it has waited, what is saved, and where.

    `kept` is None for one that waits, of which nothing can be lost any more.
    """

    asked_ms: int
    waited_ms: int
    checkpoint_step: int = 0
    checkpoint_at: DataLocation | None = None
    kept: Kept | None = None


class KnownFacts(msgspec.Struct, frozen=True):
    """All the facts that options rest on."""

    book: Book
    kinds: Mapping[AcceleratorName, AcceleratorKind]
    rates: KnownRates
    data: KnownData


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the value and the cost of a row were made of.

    `relative_ppm` is the throughput against the reference in millionths; amounts are micro-USD; what is paid once is
    spread over `horizon_ms`.
    """

    throughput: Estimate
    relative_ppm: int
    value_micro_usd_per_hour: int
    urgency_bps: int
    price: Price
    rent_micro_usd: int
    once: Switching
    horizon_ms: int


class OptionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A class may run there at that size: value and cost are micro-USD per round of the whole gang.

    The cost has the part of switching in it that falls on a round. `bases` are those a deadline allows.
    """

    tranche_id: TrancheId
    pool_id: PoolId
    accelerator: AcceleratorName
    nodes: int
    chips: int
    bases: tuple[Basis, ...]
    is_kept: bool
    value_micro_usd: int
    cost_micro_usd: int
    figures: Figures
    reasons: tuple[str, ...]

    @property
    def surplus_micro_usd(self) -> int:
        """What it is worth beyond what it costs."""
        return self.value_micro_usd - self.cost_micro_usd


class Dropped(msgspec.Struct, frozen=True):
    """What became no row: the lot, the size, and why; a standing rule is told as data in `blocker`."""

    tranche_id: TrancheId
    nodes: int
    blocker: Blocker | None
    words: str


class Options(msgspec.Struct, frozen=True):
    """The rows of a class, best first, what was dropped, and what all of them rest on."""

    rows: tuple[OptionRow, ...]
    dropped: tuple[Dropped, ...]
    hourly: HourlyValue
    allowed: Allowed
    scale: Scale
