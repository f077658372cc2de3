"""What there is: providers, pools, and the deliveries that turn an order into capacity."""

from enum import StrEnum

from multihome.domain.fact import Fact
from multihome.domain.ids import AcceleratorName, PoolId, ProviderId, TrancheId


class ProviderKind(StrEnum):
    """Whose capacity it is and how it is sold."""

    HYPERSCALER = "hyperscaler"
    NEOCLOUD = "neocloud"
    OWN = "own"


class Provider(Fact, frozen=True, kw_only=True):
    """Somebody who has chips, or the organisation itself where it builds its own."""

    id: ProviderId
    title: str
    kind: ProviderKind
    jurisdiction: str
    engine: str
    absence_delay_ms: int
    """How long a run may be missing from this provider's reports before it counts as gone."""
    source: str = ""
    aliases: tuple[str, ...] = ()
    """Other names that workloads may call it by; no other provider has any of them."""

    def is_called(self, name: str) -> bool:
        """Say whether a workload that names `name` means this provider."""
        return name == self.id or name in self.aliases


class Pool(Fact, frozen=True, kw_only=True):
    """Chips of one type in one place, behind one engine; how many there are follows from tranches and deliveries."""

    id: PoolId
    provider_id: ProviderId
    region: str
    zone: str = ""
    accelerator: AcceleratorName
    chips_per_node: int
    watts_per_chip: int


class Delivery(Fact, frozen=True, kw_only=True):
    """So many interconnect domains of a tranche were accepted, with effect from an instant.

    Capacity exists from `effective_ms`, and billing starts there: never before.
    """

    id: str
    tranche_id: TrancheId
    domains: int
    effective_ms: int
    source: str
