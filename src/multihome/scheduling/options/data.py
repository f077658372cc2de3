"""What it takes to have a workload's data where it would run: money for moving it, and the time until it is there.

Reads facts; where none says a price or a speed, the valuation's stands in, and the words say so. Whether data may go
somewhere is no question of money, and is not asked here.
"""

from collections.abc import Iterable, Mapping

import msgspec

from multihome.domain.datasets import DataLocation, DataSet, Transfer
from multihome.domain.valuation import Valuation
from multihome.units.money import Rounding, divide, format_usd
from multihome.units.time import MS_PER_SECOND, format_duration

BYTES_PER_GB = 10**9


class Arrival(msgspec.Struct, frozen=True):
    """What has to move first: its price in micro-USD, how long it takes, and every figure in words."""

    micro_usd: int = 0
    delay_ms: int = 0
    words: tuple[str, ...] = ()

    def __add__(self, other: "Arrival") -> "Arrival":
        """One after the other: they share the link."""
        return Arrival(self.micro_usd + other.micro_usd, self.delay_ms + other.delay_ms, (*self.words, *other.words))


class KnownData(msgspec.Struct, frozen=True):
    """Data sets and transfers by their ids."""

    data_sets: Mapping[str, DataSet]
    transfers: Mapping[str, Transfer]


def arrival_of_data(
    names: Iterable[str],
    to: DataLocation,
    present: tuple[DataLocation, ...],
    known: KnownData,
    valuation: Valuation,
) -> Arrival:
    """What all the data sets take to come to a place. `present` is where the workload runs: all it reads is there."""
    total = Arrival()
    for name in names:
        data_set = known.data_sets.get(name)
        if data_set is None:
            total += Arrival(words=(f"no data set is known as {name}: moving it is not counted",))
            continue
        locations = (*data_set.locations, *present)
        total += arrival(f"data set {name}", data_set.size_bytes, locations, to, known.transfers.values(), valuation)
    return total


def arrival(
    what: str,
    size_bytes: int,
    locations: Iterable[DataLocation],
    to: DataLocation,
    transfers: Iterable[Transfer],
    valuation: Valuation,
) -> Arrival:
    """The cheapest way to bring bytes from one of the places to another, the faster of equally cheap ones.

    Nothing where a place is the target already. Money and time are rounded up.
    """
    places = tuple(locations)
    if not size_bytes or to in places:
        return Arrival()
    if not places:
        return Arrival(words=(f"nobody says where {what} is: moving it is not counted",))
    known = tuple(transfers)
    ways = [_way(what, size_bytes, place, to, known, valuation) for place in places]
    return min(ways, key=lambda way: (way.micro_usd, way.delay_ms, way.words))


def _way(
    what: str,
    size_bytes: int,
    place: DataLocation,
    to: DataLocation,
    transfers: tuple[Transfer, ...],
    valuation: Valuation,
) -> Arrival:
    fact = best_fact(place, to, transfers)
    price = valuation.egress_micro_usd_per_gb if fact is None else fact.micro_usd_per_gb
    speed = valuation.transfer_bytes_per_s if fact is None else fact.bytes_per_s
    micro_usd = divide(size_bytes * price, BYTES_PER_GB, Rounding.UP)
    delay_ms = divide(size_bytes * MS_PER_SECOND, speed, Rounding.UP)
    basis = (
        f"transfer {fact.id}, {fact.source}" if fact is not None else "no fact says it: the valuation's price and speed"
    )
    words = (
        f"{what}: {size_bytes:,} bytes from {place.provider_id}/{place.region} cost {format_usd(micro_usd)} and take "
        f"{format_duration(delay_ms)} ({basis})"
    )
    return Arrival(micro_usd, delay_ms, (words,))


def best_fact(place: DataLocation, to: DataLocation, transfers: Iterable[Transfer]) -> Transfer | None:
    """The fact that says most exactly what such a move takes; of equally exact ones the first by id."""
    fitting = [
        fact
        for fact in transfers
        if fact.from_provider_id == place.provider_id
        and fact.from_region in {"", place.region}
        and fact.to_provider_id in {"", to.provider_id}
        and fact.to_region in {"", to.region}
    ]
    return min(fitting, key=lambda fact: (-_exactness(fact), fact.id), default=None)


def _exactness(fact: Transfer) -> int:
    return bool(fact.from_region) + 2 * bool(fact.to_provider_id) + 2 * bool(fact.to_region)
