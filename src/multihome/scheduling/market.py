"""What runs and what waits as one problem of the core: who bids, for which domain, and which limits stand in the way.

Every gang may go to any domain that no standing rule keeps it from, those that run too, at the cost of moving. So the
bound says what no placement could exceed, and the prices what one more unit of a limit would be worth. It counts no
fragments of nodes and prefers no guarantee: both only lower what is possible, and the bound holds. Places nothing.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
import numpy as np

from multihome.domain.ids import AcceleratorName, ClassId, DomainId, TenantId
from multihome.domain.placements import Allocation
from multihome.domain.tenants import Quota, Tenant, lineage, parent_of
from multihome.scheduling.core.dual import Prices, surplus
from multihome.scheduling.core.problem import NO_ROW, Problem, Steps, without_misfits
from multihome.scheduling.core.solve import Answer, equal_fairness, solve
from multihome.scheduling.options.rows import OptionRow
from multihome.scheduling.quotas import quotas_for
from multihome.scheduling.snapshot import Snapshot

_NOISE = 5e-3
"""Prices below this share of the dearest one are what the smoothing of the dual leaves on limits that are not full."""


class Bidder(msgspec.Struct, frozen=True, kw_only=True):
    """Identical gangs of a tenant and their options; `here` is what one that runs holds now."""

    class_id: ClassId
    tenant_id: TenantId
    members: int
    has_quota: bool
    rows: tuple[OptionRow, ...]
    here: Allocation | None


class ChipLimit(msgspec.Struct, frozen=True):
    """The chips of a domain that are healthy and not leaving."""

    domain_id: DomainId


class QuotaLimit(msgspec.Struct, frozen=True):
    """A tenant's quota with what it may borrow."""

    tenant_id: TenantId
    quota_id: str


class LendingLimit(msgspec.Struct, frozen=True):
    """What tenants under one parent lend each other of such accelerators; none named are all."""

    parent_id: TenantId
    accelerators: tuple[AcceleratorName, ...]


Limit = ChipLimit | QuotaLimit | LendingLimit


class Market(msgspec.Struct, frozen=True):
    """A problem of the core, with what its rows and options stand for. Money is micro-USD per hour."""

    problem: Problem
    limits: tuple[Limit, ...]
    bidders: tuple[Bidder, ...]
    places: tuple[tuple[tuple[OptionRow, DomainId], ...], ...]
    """The options of each bidder, in the order of the problem's slots."""


class _Rows:
    """Rows under construction: limits, their supply in steps, and the row that each draws on."""

    def __init__(self) -> None:
        self.limits: list[Limit] = []
        self.source: list[int] = []
        self.steps: list[tuple[int, float, bool]] = []

    def add(self, limit: Limit, own: int, drawn: int, source: int) -> int:
        """Add a row with so many units of its own, and so many that also draw on a source."""
        row = len(self.limits)
        self.limits.append(limit)
        self.source.append(source)
        self.steps.append((row, float(own), False))
        if source != NO_ROW:
            self.steps.append((row, float(drawn), True))
        return row


def market_of(snapshot: Snapshot, bidders: Sequence[Bidder]) -> Market:
    """State what bids for what, under capacity and quotas."""
    rows = _Rows()
    chips = _chip_rows(snapshot, bidders, rows)
    quotas = _QuotaRows(snapshot.tenants, rows)
    numbers: dict[tuple[int, ...], int] = {}
    places = tuple(tuple(_places(snapshot, bidder, chips)) for bidder in bidders)
    slots = max((len(options) for options in places), default=1) or 1
    shape = (slots, len(bidders))
    bundle = np.full(shape, -1, dtype=np.int64)
    columns = {name: np.zeros(shape) for name in ("chips", "value", "cost")}
    for number, (bidder, options) in enumerate(zip(bidders, places, strict=True)):
        for slot, (row, domain_id) in enumerate(options):
            held = quotas.rows_for(bidder.tenant_id, row.accelerator) if bidder.has_quota else ()
            bundle[slot, number] = numbers.setdefault((chips[domain_id], *held), len(numbers))
            columns["chips"][slot, number] = row.chips
            columns["value"][slot, number] = row.value_micro_usd
            columns["cost"][slot, number] = row.cost_micro_usd
    bundle[bundle < 0] = len(numbers)
    families = max((len(key) for key in numbers), default=1)
    table = np.full((families, len(numbers) + 1), NO_ROW, dtype=np.int64)
    for key, index in numbers.items():
        table[: len(key), index] = key
    problem = Problem(
        members=np.array([bidder.members for bidder in bidders], dtype=np.int64),
        tenant=np.zeros(len(bidders), dtype=np.int64),
        bundle=bundle,
        rows=table,
        draws=(table != NO_ROW).astype(np.float64),
        source=np.array(rows.source, dtype=np.int64),
        steps=_steps(rows.steps),
        fairness=equal_fairness(1),
        **columns,
    )
    return Market(without_misfits(problem), tuple(rows.limits), tuple(bidders), places)


def _steps(steps: list[tuple[int, float, bool]]) -> Steps:
    return Steps(
        row=np.array([row for row, _, _ in steps], dtype=np.int64),
        units=np.array([units for _, units, _ in steps]),
        price=np.zeros(len(steps)),
        is_drawn=np.array([is_drawn for _, _, is_drawn in steps], dtype=np.bool_),
    )


def _chip_rows(snapshot: Snapshot, bidders: Iterable[Bidder], rows: _Rows) -> dict[DomainId, int]:
    """A row for each domain: what is free, and what bidders hold there."""
    held: dict[DomainId, int] = {}
    for bidder in bidders:
        if bidder.here is not None:
            held[bidder.here.domain_id] = held.get(bidder.here.domain_id, 0) + bidder.here.chips
    return {
        domain.domain_id: rows.add(
            ChipLimit(domain.domain_id), sum(domain.free) + held.get(domain.domain_id, 0), 0, NO_ROW
        )
        for lot in snapshot.lots
        for domain in lot.domains
    }


def _places(snapshot: Snapshot, bidder: Bidder, chips: dict[DomainId, int]) -> Iterator[tuple[OptionRow, DomainId]]:
    """The domains of each lot that a bidder has an option in; where it stays it keeps the one it has."""
    lots = {lot.tranche.id: lot for lot in snapshot.lots}
    for row in bidder.rows:
        if row.is_kept and bidder.here is not None and bidder.here.domain_id in chips:
            yield row, bidder.here.domain_id
            continue
        for domain in lots[row.tranche_id].domains:
            yield row, domain.domain_id


class _QuotaRows:
    """Rows of quotas, made when first asked for."""

    def __init__(self, tenants: dict[TenantId, Tenant], rows: _Rows) -> None:
        self._tenants = tenants
        self._rows = rows
        self._quotas: dict[tuple[TenantId, str], int] = {}
        self._lending: dict[LendingLimit, int] = {}

    def rows_for(self, tenant_id: TenantId, accelerator: AcceleratorName) -> tuple[int, ...]:
        """The rows that count a tenant's chips of an accelerator, its own and those above it."""
        return tuple(
            self._row(holder_id, quota)
            for holder_id in lineage(tenant_id)
            for quota in quotas_for(self._tenants, holder_id, accelerator)
        )

    def _row(self, tenant_id: TenantId, quota: Quota) -> int:
        found = self._quotas.get((tenant_id, quota.id))
        if found is None:
            source = self._source(tenant_id, quota)
            lent = min(quota.lend_chips, quota.nominal_chips) if source != NO_ROW else 0
            limit = QuotaLimit(tenant_id, quota.id)
            own = quota.nominal_chips - lent if source != NO_ROW else quota.nominal_chips + quota.borrow_chips
            found = self._rows.add(limit, own, lent + quota.borrow_chips, source)
            self._quotas[tenant_id, quota.id] = found
        return found

    def _source(self, tenant_id: TenantId, quota: Quota) -> int:
        """The lending among siblings whose quotas count the same accelerators.

        Where they do not, only the quota's own limit bounds borrowing: too much is allowed, and the bound holds.
        """
        parent = parent_of(tenant_id)
        if parent is None:
            return NO_ROW
        siblings = [one for one in self._tenants.values() if parent_of(one.id) == parent]
        alike = [one for tenant in siblings for one in tenant.quotas if _overlap(one, quota)]
        if any(set(one.accelerators) != set(quota.accelerators) for one in alike):
            return NO_ROW
        limit = LendingLimit(parent, tuple(sorted(quota.accelerators)))
        if limit not in self._lending:
            lent = sum(min(one.lend_chips, one.nominal_chips) for one in alike)
            self._lending[limit] = self._rows.add(limit, lent, 0, NO_ROW)
        return self._lending[limit]


def _overlap(one: Quota, other: Quota) -> bool:
    return not one.accelerators or not other.accelerators or bool(set(one.accelerators) & set(other.accelerators))


class Priced(msgspec.Struct, frozen=True):
    """A limit with a price: what one more unit (a chip) would be worth, in micro-USD per hour."""

    limit: Limit
    micro_usd_per_hour: int


class Wish(msgspec.Struct, frozen=True):
    """A class that waits: its best option at the prices, what that lacks in micro-USD per hour, and what makes it dear.

    `lacking_micro_usd` is 0 or less where the gang would be placed if gangs could be moved to make room.
    """

    class_id: ClassId
    row: OptionRow
    lacking_micro_usd: int
    binding: tuple[Priced, ...]


class Outlook(msgspec.Struct, frozen=True):
    """How good what runs is: its worth and the proven bound, micro-USD per hour, and what every limit's price is.

    The bound is no less than the worth: what runs may exceed limits that were cut after it began.
    """

    worth_micro_usd: int
    bound_micro_usd: int
    prices: tuple[Priced, ...]
    wishes: tuple[Wish, ...]


def outlook(market: Market) -> Outlook:
    """Solve a market. Deterministic; nothing is placed by it."""
    answer = solve(market.problem)
    worth = sum(
        row.surplus_micro_usd
        for bidder, options in zip(market.bidders, market.places, strict=True)
        if bidder.here is not None
        for row, _ in options
        if row.is_kept
    )
    everywhere = _dear(market, answer.prices, range(len(market.limits)))
    return Outlook(worth, max(round(answer.bound), worth), everywhere, tuple(_wishes(market, answer)))


def _dear(market: Market, prices: Prices, rows: Iterable[int]) -> tuple[Priced, ...]:
    """The limits among these rows that have a price, dearest first; what smoothing alone could make is none."""
    least = max(1.0, _NOISE * float(prices.row.max(initial=0.0)))
    priced = [Priced(market.limits[row], round(float(prices.row[row]))) for row in rows if prices.row[row] >= least]
    return tuple(sorted(priced, key=lambda one: -one.micro_usd_per_hour))


def _wishes(market: Market, answer: Answer) -> Iterator[Wish]:
    beyond = surplus(market.problem, answer.prices)
    for number, (bidder, options) in enumerate(zip(market.bidders, market.places, strict=True)):
        if bidder.here is not None or not options:
            continue
        slot = int(beyond[: len(options), number].argmax())
        if beyond[slot, number] == -np.inf:
            continue
        rows = market.problem.rows[:, market.problem.bundle[slot, number]]
        binding = _dear(market, answer.prices, [int(row) for row in rows if row != NO_ROW])
        yield Wish(
            bidder.class_id,
            options[slot][0],
            round(-float(beyond[slot, number])),
            binding,
        )
