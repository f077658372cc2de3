"""The settings that placement goes by, as one fact: what a person may change, and nobody has to guess."""

from multihome.domain.fact import Fact
from multihome.units.money import WHOLE_BPS
from multihome.units.time import MS_PER_HOUR, MS_PER_SECOND

VALUATION_ID = "placement"
"""The one valuation there is."""
PRIORITY_MIN = -1_000
"""The lowest priority a workload can have: a default value counts priorities from here."""


class Valuation(Fact, frozen=True, kw_only=True):
    """What an hour of a workload is taken to be worth, how urgent waiting makes it, and what stands for the unknown.

    Shares are in basis points of a whole (10,000). Where a spread is a factor, one standard deviation of the logarithm
    is the logarithm of it: 15,000 is a factor of 1.5.
    """

    id: str = VALUATION_ID
    value_markup_bps: int = 2 * WHOLE_BPS
    """A workload that states no value is worth so much of the dearest it could cost, at the lowest priority."""
    value_per_priority_bps: int = 10
    """So much more of that cost for each step of priority."""
    ageing_bps_per_hour: int = 500
    """By how much an hour of waiting raises the value."""
    ageing_bps_max: int = 2 * WHOLE_BPS
    """Waiting raises it by so much at most."""
    deadline_bps_max: int = 4 * WHOLE_BPS
    """By how much a deadline raises the value when all the time that is left is needed."""
    switching_horizon_ms: int = 4 * MS_PER_HOUR
    """What is paid once is spread over so long, or over what is left of the workload where that is less."""
    restart_ms: int = 60 * MS_PER_SECOND
    """From the decision to move a run to its first step, data apart."""
    look_ms: int = 60 * MS_PER_SECOND
    """How long it may be from one look at a deadline to the next."""
    egress_micro_usd_per_gb: int = 90_000
    """What 10^9 bytes cost to move where no fact says it."""
    transfer_bytes_per_s: int = 250_000_000
    """How fast data moves where no fact says it."""
    accelerator_spread_bps: int = 15_000
    """How far an accelerator's true speed lies from its peak FLOP/s, as a factor."""
    count_spread_bps: int = 12_000
    """How far a gang's speed lies from being proportional to its chips, as a factor."""
    stated_spread_bps: int = 11_000
    """How far a rate that a workload states lies from the truth, as a factor."""
    caution_milli: int = 2_000
    """A deadline counts on the rate less so many standard deviations, times 1,000."""
    options_max: int = 16
    """Options kept of one class, two at least: what it has now is one of them."""
