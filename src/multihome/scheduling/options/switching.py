"""What it costs once to begin somewhere else: work done again, the time to start, and moving data.

Whole micro-USD, every part rounded up, so that a move is never taken for cheaper than it is.
"""

import msgspec

from multihome.domain.valuation import Valuation
from multihome.scheduling.options.data import Arrival
from multihome.scheduling.options.throughput import MICRO
from multihome.scheduling.options.value import within_column
from multihome.units.money import Rounding, divide
from multihome.units.time import MS_PER_HOUR


class Switching(msgspec.Struct, frozen=True):
    """What is paid once, in micro-USD, by what it is for; `delay_ms` is from the decision to the first step."""

    lost_micro_usd: int = 0
    start_micro_usd: int = 0
    data_micro_usd: int = 0
    delay_ms: int = 0

    @property
    def micro_usd(self) -> int:
        """All of it."""
        return self.lost_micro_usd + self.start_micro_usd + self.data_micro_usd


STAYING = Switching()
"""What is kept where it is costs nothing."""


def lost_ms(steps_lost: int, steps_per_hour_milli: int | None, since_start_ms: int) -> int:
    """Time whose work is done again: steps since the checkpoint at the known rate, and never more than the run's age.

    Without a known rate it is the age of the run. Rounded up.
    """
    if not steps_lost:
        return 0
    if not steps_per_hour_milli:
        return max(0, since_start_ms)
    again_ms = divide(steps_lost * 1_000 * MS_PER_HOUR, steps_per_hour_milli, Rounding.UP)
    return min(again_ms, max(0, since_start_ms))


def switching(
    value_micro_usd_per_hour: int,
    lost: tuple[int, int],
    relative_there_ppm: int,
    arrival: Arrival,
    valuation: Valuation,
) -> Switching:
    """Work lost × value rate + (restart + delay of data) × value rate + price of moving data.

    `lost` is milliseconds of work and the relative throughput (millionths) at which it was done; the wait to start is
    valued at the throughput it keeps the workload from.
    """
    ago_ms, relative_here_ppm = lost
    delay_ms = valuation.restart_ms + arrival.delay_ms
    return Switching(
        lost_micro_usd=worth(value_micro_usd_per_hour, relative_here_ppm, ago_ms),
        start_micro_usd=worth(value_micro_usd_per_hour, relative_there_ppm, delay_ms),
        data_micro_usd=arrival.micro_usd,
        delay_ms=delay_ms,
    )


def worth(value_micro_usd_per_hour: int, relative_ppm: int, duration_ms: int) -> int:
    """What so long at a relative throughput is worth, in micro-USD, rounded up."""
    return divide(value_micro_usd_per_hour * relative_ppm * duration_ms, MICRO * MS_PER_HOUR, Rounding.UP)


def horizon_ms(left_ms: int | None, round_ms: int, valuation: Valuation) -> int:
    """Over how long what is paid once is spread: the valuation's time or what is left, and a round at least."""
    horizon = valuation.switching_horizon_ms if left_ms is None else min(valuation.switching_horizon_ms, left_ms)
    return max(round_ms, horizon)


def switching_per_round(once: Switching, round_ms: int, over_ms: int) -> int:
    """A round's part of what is paid once, in micro-USD, rounded up and cut to a column."""
    return within_column(divide(once.micro_usd * round_ms, over_ms, Rounding.UP))
