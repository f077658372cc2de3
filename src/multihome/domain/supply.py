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


DOMAIN_LAYER = "domain"
"""What the one switch over all nodes of a domain is called; no layer that is described has this name."""


class SwitchLayer(Fact, frozen=True, kw_only=True):
    """One layer of switches within a domain.

    `nodes` says how many nodes stand under each switch, in order of the nodes' numbers. One number goes for every
    switch of the layer, the last of which may have fewer; several are the whole layer, switch by switch.
    """

    name: str
    nodes: tuple[int, ...]


class Topology(Fact, frozen=True, kw_only=True):
    """The tree of switches in which the nodes of one interconnect domain stand, the layer nearest the core first.

    Nodes are numbered so that those under one switch follow one another. `uncut` names a layer: a gang that an empty
    switch of that layer, or of one nearer the core, could hold is never spread over two of them, and waits instead.
    Where it is empty, a gang waits for no better place than the domain has.
    """

    layers: tuple[SwitchLayer, ...] = ()
    uncut: str = ""


FLAT = Topology()
"""One switch for all nodes of a domain: nothing is known about its inside, or there is nothing to know."""


class Pool(Fact, frozen=True, kw_only=True):
    """Chips of one type in one place, behind one engine; how many there are follows from tranches and deliveries.

    `topology` is that of each of its interconnect domains.
    """

    id: PoolId
    provider_id: ProviderId
    region: str
    zone: str = ""
    accelerator: AcceleratorName
    chips_per_node: int
    watts_per_chip: int
    topology: Topology = FLAT


class Delivery(Fact, frozen=True, kw_only=True):
    """So many interconnect domains of a tranche were accepted, with effect from an instant.

    Capacity exists from `effective_ms`, and billing starts there: never before.
    """

    id: str
    tranche_id: TrancheId
    domains: int
    effective_ms: int
    source: str
