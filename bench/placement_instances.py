"""Placement problems as large as a fleet, with every kind of row: a tree of tenants, contracts, limits and blocks.

Deterministic: a shape and its seed are the whole problem. Money is in micro-USD per round.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from multihome.scheduling.core.problem import NO_ROW, Fairness, Floats, Ints, Problem, Steps, summed, without_misfits

TENANTS, TEAMS, DIVISIONS, CONTRACTS, PROVIDERS, FAMILIES = 200, 40, 8, 20, 5, 40
GENERATIONS = np.array([1.0, 1.6, 2.4, 3.1, 5.2, 7.5, 10.0, 12.0])
"""Speeds of eight generations of accelerators, the oldest being 1."""
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 512)
SHARES = (0.25, 0.1, 0.15, 0.2, 0.1, 0.08, 0.06, 0.04, 0.02)
BLOCKS = (64, 512)
"""Gangs from these sizes on want free blocks."""
SLOTS = 12
LOAD = 1.6
"""Chips asked for, over chips there are."""
GUARANTEE = 2e6
SWITCH = 0.03
"""Of a workload's best value: what it costs the half that runs already to run elsewhere."""
_CHUNK = 5_000


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How large a problem is; above 1 `members` is the mean of a class."""

    classes: int
    domains: int
    members: int = 1
    alpha: float = 0.0
    seed: int = 7


class _Rows(msgspec.Struct):
    """Rows while they are made."""

    source: list[int] = []
    steps: list[tuple[int, float, float, bool]] = []

    def add(self, steps: list[tuple[float, float, bool]], source: int = NO_ROW) -> int:
        row = len(self.source)
        self.source.append(source)
        self.steps += [(row, float(units), float(price), is_drawn) for units, price, is_drawn in steps]
        return row

    def limit(self, units: float) -> int:
        return self.add([(float(np.floor(units)), 0.0, False)])


class _Demand(msgspec.Struct, frozen=True):
    """Workloads by class, and who asks for them: team of each tenant, division of each team."""

    size: Floats
    members: Ints
    tenant: Ints
    team: Ints
    division: Ints

    def chips_by(self, group: Ints, count: int) -> Floats:
        return summed(group, self.size * self.members, count)


class _Fleet(msgspec.Struct, frozen=True):
    """Domains: chips, generation, and who provides and bills them; old and new generations are two accelerators."""

    chips: Floats
    generation: Ints
    contract: Ints
    provider: Ints

    @property
    def accelerator(self) -> Ints:
        return (self.generation >= len(GENERATIONS) // 2).astype(np.int64)


def fleet_problem(shape: Shape) -> Problem:
    """The problem of a shape, misfits dropped."""
    dice = np.random.default_rng(shape.seed)
    demand = _demand(dice, shape)
    fleet = _fleet(dice, shape, float((demand.size * demand.members).sum()))
    domain, speed = _options(dice, shape, fleet)
    value = speed * (dice.lognormal(0, 0.5, shape.classes) * demand.size)[:, None] * 1e6
    runs = np.asarray(dice.random(shape.classes)) < 0.5
    home = dice.integers(0, domain.shape[1], shape.classes)
    slot = np.arange(domain.shape[1], dtype=np.int64)
    elsewhere = np.logical_and(runs[:, None], slot != home[:, None])
    rows = _Rows()
    bundle, row_of = _bundles(domain, speed > 0, demand, _families(dice, rows, demand, fleet))
    steps = list(zip(*rows.steps, strict=True))
    problem = Problem(
        members=demand.members,
        tenant=demand.tenant.astype(np.int32),
        bundle=bundle,
        chips=np.ascontiguousarray(np.broadcast_to(demand.size, bundle.shape)),
        value=np.ascontiguousarray(value.T),
        cost=np.ascontiguousarray(np.where(elsewhere, SWITCH * value.max(axis=1)[:, None], 0.0).T),
        rows=row_of,
        draws=(row_of != NO_ROW).astype(np.float64),
        source=np.array(rows.source, dtype=np.int32),
        steps=Steps(
            row=np.array(steps[0], dtype=np.int32),
            units=np.array(steps[1]),
            price=np.array(steps[2]),
            is_drawn=np.array(steps[3]),
        ),
        fairness=_fairness(dice, shape, demand, value),
    )
    return without_misfits(problem)


def changed(problem: Problem, round_number: int, per_cent: int) -> tuple[Problem, Ints]:
    """The problem of a later round, in which so many of a hundred classes are others than before; and which."""
    dice = np.random.default_rng([5, round_number])
    classes = len(problem.members)
    which = dice.choice(classes, max(1, classes * per_cent // 100), replace=False)
    value = problem.value.copy()
    value[:, which] *= dice.lognormal(0, 0.3, len(which))
    return msgspec.structs.replace(problem, value=value), which


def _demand(dice: np.random.Generator, shape: Shape) -> _Demand:
    count = shape.classes
    members = np.ones(count) if shape.members == 1 else dice.geometric(1 / shape.members, count)
    return _Demand(
        size=dice.choice(SIZES, count, p=SHARES).astype(np.float64),
        members=members.astype(np.int64),
        tenant=dice.zipf(1.3, count) % TENANTS,
        team=dice.integers(0, TEAMS, TENANTS),
        division=dice.integers(0, DIVISIONS, TEAMS),
    )


def _fleet(dice: np.random.Generator, shape: Shape, chips_asked: float) -> _Fleet:
    generation = dice.choice(len(GENERATIONS), shape.domains)
    every = min(len(GENERATIONS), shape.domains)
    generation[:every] = np.arange(every)
    return _Fleet(
        chips=np.floor(dice.dirichlet(np.ones(shape.domains) * 3) * chips_asked / LOAD),
        generation=generation,
        contract=dice.integers(0, CONTRACTS, shape.domains),
        provider=dice.integers(0, PROVIDERS, shape.domains),
    )


def _options(dice: np.random.Generator, shape: Shape, fleet: _Fleet) -> tuple[Ints, Floats]:
    """For each class its fastest domains of those that are open to it, and how fast it is there; 0 is no option."""
    family_speed = dice.lognormal(0, 0.45, (FAMILIES, len(GENERATIONS)))
    family = dice.integers(0, FAMILIES, shape.classes)
    slots = min(SLOTS, shape.domains)
    domain, speed = np.empty((shape.classes, slots), dtype=np.int64), np.empty((shape.classes, slots))
    for start in range(0, shape.classes, _CHUNK):
        part = slice(start, min(start + _CHUNK, shape.classes))
        all_speeds = GENERATIONS[fleet.generation] * family_speed[family[part]][:, fleet.generation]
        all_speeds *= dice.lognormal(0, 0.08, all_speeds.shape)
        all_speeds *= dice.random(all_speeds.shape) < 0.6
        domain[part] = np.argpartition(-all_speeds, slots - 1, axis=1)[:, :slots]
        speed[part] = np.take_along_axis(all_speeds, domain[part], axis=1)
    return domain, speed


class _Families(msgspec.Struct, frozen=True):
    """The rows of each family: by domain, or by who asks and the accelerator."""

    domain: Ints
    contract: Ints
    provider: Ints
    division: Ints
    team: Ints
    tenant: Ints
    blocks: Ints
    accelerator: Ints
    team_of: Ints
    division_of: Ints


def _families(dice: np.random.Generator, rows: _Rows, demand: _Demand, fleet: _Fleet) -> _Families:
    contract = np.array([_contract(rows, fleet, which) for which in range(CONTRACTS)])
    provider = np.array([rows.limit(0.97 * fleet.chips[fleet.provider == each].sum()) for each in range(PROVIDERS)])
    division, team, tenant = _tree(dice, rows, demand, fleet)
    blocks = [[rows.limit(part * chips) for part in (0.75, 0.35)] for chips in fleet.chips]
    return _Families(
        domain=np.array([rows.limit(chips) for chips in fleet.chips]),
        contract=contract[fleet.contract],
        provider=provider[fleet.provider],
        division=division,
        team=team,
        tenant=tenant,
        blocks=np.array(blocks),
        accelerator=fleet.accelerator,
        team_of=demand.team,
        division_of=demand.division,
    )


def _contract(rows: _Rows, fleet: _Fleet, which: int) -> int:
    """Half is committed, and free to use; then a price, then a dearer one."""
    paid = fleet.contract == which
    if not paid.any():
        return NO_ROW
    chips, price = fleet.chips[paid].sum(), 0.1e6 * GENERATIONS[fleet.generation[paid]].mean()
    committed, next_part = np.floor(chips * 0.5), np.floor(chips * 0.3)
    steps = [(committed, 0.0), (next_part, 0.6 * price), (chips - committed - next_part, price)]
    return rows.add([(units, at, False) for units, at in steps])


def _tree(dice: np.random.Generator, rows: _Rows, demand: _Demand, fleet: _Fleet) -> tuple[Ints, Ints, Ints]:
    """Quotas by accelerator: divisions with guarantees that lend and borrow, teams that do so among themselves, caps.

    A guarantee is the steps below zero; its second half could be lent to other divisions, through the root.
    """
    by_tenant = demand.chips_by(demand.tenant, TENANTS)
    by_team = demand.chips_by(demand.team[demand.tenant], TEAMS)
    by_division = demand.chips_by(demand.division[demand.team[demand.tenant]], DIVISIONS)
    division, team, tenant = (np.full((count, 2), NO_ROW) for count in (DIVISIONS, TEAMS, TENANTS))
    for kind in range(2):
        chips = fleet.chips[fleet.accelerator == kind].sum()
        root = rows.limit(chips)
        quota = np.floor(chips * _softened(by_division))
        for each, own in enumerate(quota):
            lent = np.floor(own * 0.5)
            parts = [(own - lent, -GUARANTEE, False), (lent, -GUARANTEE, True), (own, 0.0, True)]
            division[each, kind] = rows.add(parts, root)
            teams = np.flatnonzero(demand.division == each)
            if not len(teams):
                continue
            shares = np.floor(own * _softened(by_team[teams] + 1))
            cohort = rows.limit(np.floor(shares * 0.6).sum())
            for one, share in zip(teams, shares, strict=True):
                lent = np.floor(share * 0.6)
                parts = [(share - lent, 0.0, False), (lent, 0.0, True), (np.floor(share * 1.5), 0.0, True)]
                team[one, kind] = rows.add(parts, cohort)
        for each in np.flatnonzero(dice.random(TENANTS) < 0.5):
            tenant[each, kind] = rows.limit(max(8, by_tenant[each] * 0.7))
    return division, team, tenant


def _softened(chips: Floats) -> Floats:
    """Shares that follow what is asked for less than fully: the small get more than they ask, the large less."""
    shares = (chips / chips.sum()) ** 0.7
    return shares / shares.sum()


def _bundles(domain: Ints, offered: NDArray[np.bool_], demand: _Demand, rows: _Families) -> tuple[Ints, Ints]:
    """Bundles by tenant, domain and size class: their index by option (S x C), and their rows."""
    block = np.searchsorted(BLOCKS, demand.size, side="right")
    domains, sizes = len(rows.domain), len(BLOCKS) + 1
    key = (demand.tenant[:, None] * domains + domain) * sizes + block[:, None]
    present, index = np.unique(key[offered], return_inverse=True)
    bundle = np.full(key.shape, len(present), dtype=np.int32)
    bundle[offered] = index
    size, at, who = present % sizes, present // sizes % domains, present // sizes // domains
    kind, team = rows.accelerator[at], rows.team_of[who]
    families = [
        rows.domain[at],
        rows.contract[at],
        rows.provider[at],
        rows.division[rows.division_of[team], kind],
        rows.team[team, kind],
        rows.tenant[who, kind],
        *(np.where(size > level, rows.blocks[at, level], NO_ROW) for level in range(len(BLOCKS))),
    ]
    row_of = np.array([np.append(family, NO_ROW) for family in families], dtype=np.int32)
    return np.ascontiguousarray(bundle.T), row_of


def _fairness(dice: np.random.Generator, shape: Shape, demand: _Demand, value: Floats) -> Fairness:
    if not shape.alpha:
        ones = np.ones(TENANTS)
        return Fairness(alpha=0.0, weight=ones, reference=ones, floor=np.zeros(TENANTS))
    wanted = summed(demand.tenant, value.max(axis=1) * demand.members, TENANTS)
    reference = np.maximum(0.5 * wanted, 1e3)
    weight = dice.choice([1.0, 2.0, 4.0], TENANTS)
    return Fairness(alpha=shape.alpha, weight=weight, reference=reference, floor=1e-3 * reference)
