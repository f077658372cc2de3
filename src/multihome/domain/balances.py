"""What a commitment's settled period hands on to the next one."""

from multihome.domain.fact import Fact


class MakeUpLot(Fact, frozen=True, kw_only=True):
    """Chip-milliseconds that were paid for and not taken, and in how many periods more they may be made up."""

    chip_ms: int
    periods_left: int


class TakeOrPayBalance(Fact, frozen=True, kw_only=True):
    """Make-up lots, oldest first, and chip-milliseconds taken beyond what was owed in the period before."""

    make_up: tuple[MakeUpLot, ...] = ()
    carried_chip_ms: int = 0
