"""Where data lies, and what it takes to move it."""

from multihome.domain.fact import Fact
from multihome.domain.ids import ProviderId


class DataLocation(Fact, frozen=True, kw_only=True):
    """A whole replica of a data set in a region of a provider."""

    provider_id: ProviderId
    region: str


class DataSet(Fact, frozen=True, kw_only=True):
    """Data that workloads name, and where its replicas are."""

    id: str
    size_bytes: int
    locations: tuple[DataLocation, ...]
    source: str = ""


class Transfer(Fact, frozen=True, kw_only=True):
    """What moving data out of one place into another costs and how fast it is; an empty region or target is any.

    The price is in micro-USD for 10^9 bytes, as providers bill egress.
    """

    id: str
    from_provider_id: ProviderId
    from_region: str = ""
    to_provider_id: ProviderId = ProviderId("")
    to_region: str = ""
    micro_usd_per_gb: int
    bytes_per_s: int
    source: str
    as_of: str
