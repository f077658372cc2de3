"""Small random placement problems with every kind of row, in whole numbers: fractions can check them exactly."""

import msgspec
import numpy as np

from multihome.scheduling.core.problem import NO_ROW, Fairness, Problem, Steps, without_misfits
from multihome.simulator.dice import Dice

GUARANTEE_MICRO_USD = 2_000_000
"""What keeping a guarantee is worth per unit: more than any option's value per chip."""
_VALUES = (0, 90_000, 250_000, 250_000, 400_000, 700_000, 999_999)
_ALPHAS = (0.0, 0.0, 0.0, 0.5, 1.0, 2.0)
_DRAWS = (0.125, 0.5, 1.0, 2.5)
_SIZES = (1, 1, 2, 3, 4, 8)
_BLOCK_CHIPS = 4
"""Gangs from this size on want their chips side by side."""
_PER_MILLE_HOME = 500


class _Rows(msgspec.Struct):
    """Rows while they are made: each one's source, and its steps as (units, price, whether they are drawn)."""

    source: list[int] = []
    steps: list[tuple[int, int, int, bool]] = []

    def add(self, source: int, *steps: tuple[int, int, bool]) -> int:
        row = len(self.source)
        self.source.append(source)
        self.steps += [(row, *step) for step in steps]
        return row


class _World(msgspec.Struct):
    """The rows of each kind by index: of domains, contracts, providers' limits, quotas, budgets and blocks."""

    domains: list[int]
    contract_of: list[int]
    provider: int
    quotas: list[int]
    budgets: list[int]
    blocks: list[int]


def small_problem(seed: int, classes_max: int) -> Problem:
    """Up to so many classes of up to three tenants in up to four domains; misfits are dropped."""
    dice = Dice(seed, "placement")
    rows = _Rows()
    domains, tenants = dice.between(1, 4), dice.between(1, 3)
    world = _world(dice, rows, domains, tenants)
    classes, slots = dice.between(1, classes_max), dice.between(1, domains)
    tenant = np.array([dice.between(0, tenants - 1) for _ in range(classes)], dtype=np.int32)
    shape = (slots, classes)
    at = np.full(shape, NO_ROW, dtype=np.int64)
    chips, value, cost = (np.zeros(shape) for _ in range(3))
    for c in range(classes):
        size, home = dice.pick(_SIZES), dice.between(0, slots - 1) if dice.chance(_PER_MILLE_HOME) else NO_ROW
        for s, domain in enumerate(dice.shuffled(range(domains))[: dice.between(0, slots)]):
            at[s, c] = domain
            # An elastic gang takes another number of chips elsewhere.
            chips[s, c] = size if dice.chance(800) else dice.pick(_SIZES)
            value[s, c] = int(chips[s, c]) * dice.pick(_VALUES)
            cost[s, c] = 0 if s == home else dice.pick((0, 0, 10_000, 150_000))
    bundle, row_of, draws = _bundles(dice, world, tenant, at, chips)
    problem = Problem(
        members=np.array([dice.pick((1, 1, 1, 2, 4)) for _ in range(classes)], dtype=np.int64),
        tenant=tenant,
        bundle=bundle,
        chips=chips,
        value=value,
        cost=cost,
        rows=row_of,
        draws=draws,
        source=np.array(rows.source, dtype=np.int32),
        steps=_steps(rows),
        fairness=_fairness(dice, tenants),
    )
    return without_misfits(problem)


def _world(dice: Dice, rows: _Rows, domains: int, tenants: int) -> _World:
    capacity = [dice.between(0, 16) for _ in range(domains)]
    contracts = [
        rows.add(NO_ROW, (dice.between(0, 8), 0, False), (dice.between(0, 8), 100_000, False), (32, 300_000, False))
        for _ in range(2)
    ]
    lenders = rows.add(NO_ROW, (dice.between(0, 6), 0, False))
    return _World(
        domains=[rows.add(NO_ROW, (units, 0, False)) for units in capacity],
        contract_of=[dice.pick([*contracts, NO_ROW]) for _ in range(domains)],
        provider=rows.add(NO_ROW, (sum(capacity) * 7 // 8, 0, False)),
        quotas=[_quota(dice, rows, lenders) for _ in range(tenants)],
        budgets=[
            rows.add(NO_ROW, (dice.between(2, 24), 0, False)) if dice.chance(300) else NO_ROW for _ in range(tenants)
        ],
        blocks=[rows.add(NO_ROW, (units // 2, 0, False)) for units in capacity],
    )


def _quota(dice: Dice, rows: _Rows, lenders: int) -> int:
    """A guarantee, part of which could be lent; and more that is borrowed. Some tenants have no quota."""
    if dice.chance(200):
        return NO_ROW
    subsidy = -GUARANTEE_MICRO_USD if dice.chance(500) else 0
    own, lent, borrowed = dice.between(0, 6), dice.between(0, 4), dice.between(0, 8)
    return rows.add(lenders, (own, subsidy, False), (lent, subsidy, True), (borrowed, 0, True))


def _bundles(dice: Dice, world: _World, tenant: np.ndarray, at: np.ndarray, chips: np.ndarray):  # noqa: ANN202
    """Each option's own bundle: its domain's row, contract, provider, quota, budget, and block where it is large."""
    draw = dice.pick(_DRAWS)
    columns: dict[tuple[int, ...], int] = {}
    bundle = np.full(at.shape, NO_ROW, dtype=np.int32)
    for s, c in zip(*np.nonzero(at != NO_ROW), strict=True):
        domain, owner = int(at[s, c]), int(tenant[c])
        key = (
            world.domains[domain],
            world.contract_of[domain],
            world.provider,
            world.quotas[owner],
            world.budgets[owner],
            world.blocks[domain] if chips[s, c] >= _BLOCK_CHIPS else NO_ROW,
        )
        bundle[s, c] = columns.setdefault(key, len(columns))
    bundle[bundle == NO_ROW] = len(columns)
    row_of = np.array([*columns, (NO_ROW,) * 6], dtype=np.int32).T.copy()
    draws = np.where(row_of == NO_ROW, 0.0, 1.0)
    draws[4] *= draw
    return bundle, row_of, draws


def _steps(rows: _Rows) -> Steps:
    row, units, price, is_drawn = zip(*rows.steps, strict=True)
    return Steps(
        row=np.array(row, dtype=np.int32),
        units=np.array(units, dtype=np.float64),
        price=np.array(price, dtype=np.float64),
        is_drawn=np.array(is_drawn, dtype=np.bool_),
    )


def _fairness(dice: Dice, tenants: int) -> Fairness:
    alpha = dice.pick(_ALPHAS)
    weight = np.array([float(dice.pick((1, 2, 4))) for _ in range(tenants)])
    if not alpha:
        return Fairness(alpha=0.0, weight=weight, reference=np.ones(tenants), floor=np.zeros(tenants))
    reference = np.array([float(dice.between(500_000, 4_000_000)) for _ in range(tenants)])
    return Fairness(alpha=alpha, weight=weight, reference=reference, floor=reference * 0.01)
