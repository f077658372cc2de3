"""The market: what runs against what could, and the limits in the way, on installations solved by hand."""

from multihome.domain.commands import Apply, DeclareLost
from multihome.domain.workloads import Infra
from multihome.units.money import MICRO_PER_UNIT
from multihome.views.market import market
from tests.builders import ALPHA, BETA, RATE, quota, tenant, training
from tests.control import Control, installed

HOUR_COST = 8 * RATE
"""What a gang of eight chips costs for an hour, in micro-USD."""


def worth(usd: int) -> int:
    return usd * MICRO_PER_UNIT


def only_alpha() -> Control:
    """32 chips at alpha, and beta lost."""
    control = installed()
    control.do(DeclareLost(provider_id=BETA, actor="ann", why="fire"))
    return control


def test_nothing_runs_and_nothing_waits() -> None:
    view = market(installed().state, installed().now)
    assert (view.worth_micro_usd_per_hour, view.bound_micro_usd_per_hour, view.limits, view.waiting) == (0, 0, (), ())


def test_what_runs_with_room_to_spare_is_the_best_there_is() -> None:
    control = installed()
    control.running(training(value_micro_usd_per_hour=worth(100)))
    view = market(control.state, control.now)
    assert view.worth_micro_usd_per_hour == worth(100) - HOUR_COST
    assert view.gap_ppm < 10
    assert view.limits == ()


def test_a_gang_of_more_worth_that_waits_is_the_gap_and_makes_chips_dear() -> None:
    control = only_alpha()
    for number in range(4):
        control.running(training(f"low-{number}", value_micro_usd_per_hour=worth(100)))
    waiting = control.submit(training("high", value_micro_usd_per_hour=worth(500)))
    view = market(control.state, control.now)
    assert view.worth_micro_usd_per_hour == 4 * (worth(100) - HOUR_COST)
    # The best is the high one in the place of a low one, less its part of what a start costs.
    best = view.worth_micro_usd_per_hour + worth(400)
    assert best - worth(5) <= view.bound_micro_usd_per_hour <= best
    assert {row.kind for row in view.limits} == {"chips"}
    assert {row.name.partition("/")[0] for row in view.limits} == {"alpha-1"}
    [row] = view.waiting
    assert (row.workload_id, row.gangs, row.lacking_micro_usd_per_hour) == (waiting, 1, 0)
    assert "if others moved to make room" in row.text


def test_a_gang_of_less_worth_says_what_it_lacks() -> None:
    control = only_alpha()
    for number in range(4):
        control.running(training(f"high-{number}", value_micro_usd_per_hour=worth(500)))
    control.submit(training("low", value_micro_usd_per_hour=worth(100)))
    view = market(control.state, control.now)
    assert view.gap_ppm < 20_000
    [row] = view.waiting
    assert row.lacking_micro_usd_per_hour > 0
    assert "would have to be worth" in row.text
    assert row.limits[0].kind == "chips"


def test_a_quota_that_is_full_has_the_price() -> None:
    control = installed()
    control.do(Apply(documents=(tenant("lab/red", quota(8)),), workloads=()))
    control.running(training("first", value_micro_usd_per_hour=worth(200)))
    control.submit(training("second", value_micro_usd_per_hour=worth(150), infra=Infra(provider=ALPHA)))
    view = market(control.state, control.now)
    assert [row.kind for row in view.limits] == ["quota"]
    [row] = view.waiting
    assert [limit.kind for limit in row.limits] == ["quota"]
    assert "lab/red" in row.limits[0].text
