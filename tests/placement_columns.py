"""Placement problems small enough to be solved by hand."""

from collections.abc import Sequence

import numpy as np

from multihome.scheduling.core.problem import NO_ROW, Fairness, Problem, Steps
from multihome.scheduling.core.solve import equal_fairness

Step = tuple[float, float, bool]


def one_family(
    options: Sequence[tuple[int, int, float, float]],
    rows: Sequence[Sequence[Step]],
    *,
    sources: Sequence[int] = (),
    members: Sequence[int] = (),
    fairness: Fairness | None = None,
    draw: float = 1.0,
) -> Problem:
    """Classes with one option each, as (tenant, row, chips, value); rows as steps of (units, price, is drawn)."""
    tenant, row, chips, value = zip(*options, strict=True)
    flat = [(index, *step) for index, steps in enumerate(rows) for step in steps]
    of_row, units, price, drawn = zip(*flat, strict=True)
    return Problem(
        members=np.array(members or [1] * len(options), dtype=np.int64),
        tenant=np.array(tenant, dtype=np.int32),
        bundle=np.array([row], dtype=np.int32),
        chips=np.array([chips], dtype=np.float64),
        value=np.array([value], dtype=np.float64),
        cost=np.zeros((1, len(options))),
        rows=np.array([[*range(len(rows)), NO_ROW]], dtype=np.int32),
        draws=np.array([[*[draw] * len(rows), 0.0]]),
        source=np.array(sources or [NO_ROW] * len(rows), dtype=np.int32),
        steps=Steps(
            row=np.array(of_row, dtype=np.int32),
            units=np.array(units, dtype=np.float64),
            price=np.array(price, dtype=np.float64),
            is_drawn=np.array(drawn, dtype=np.bool_),
        ),
        fairness=fairness or equal_fairness(max(tenant) + 1),
    )
