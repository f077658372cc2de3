"""The market as text: what runs against what could, the limits with a price, and what waits for them."""

from rich.console import Group, RenderableType
from rich.text import Text

from multihome.cli.hanging import Hanging
from multihome.views.market import MarketView, usd

_PPM_PER_PERCENT = 10_000


def market(view: MarketView) -> RenderableType:
    """What runs and the bound first, then limits, dearest first, then what waits."""
    if not view.limits and not view.waiting and not view.bound_micro_usd_per_hour:
        return Text("nothing runs and nothing waits")
    gap = view.gap_ppm / _PPM_PER_PERCENT
    lines = [
        f"what runs is worth {usd(view.worth_micro_usd_per_hour)} an hour beyond its cost",
        f"no placement could exceed {usd(view.bound_micro_usd_per_hour)}: at most {gap:.2f} % are missing",
    ]
    parts: list[RenderableType] = [Hanging(lines)]
    limits = [f"  {row.text}" for row in view.limits] or ["  nothing is full"]
    parts.append(Hanging(["limits", *limits]))
    if view.waiting:
        waiting = [f"  {row.workload_id} ({row.gangs} waiting): {row.text}" for row in view.waiting]
        parts.append(Hanging(["waiting", *waiting]))
    return Group(*parts)
