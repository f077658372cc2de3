"""The market as people read it."""

from io import StringIO

from rich.console import Console

from multihome.cli.market_tables import market
from multihome.domain.ids import AcceleratorName, ClassId, WorkloadId
from multihome.views.market import LimitRow, MarketView, WaitingRow

CHIPS = LimitRow("chips", "a/t#0", 10_511_506, "the chips of a/t#0: one more would be worth $10.51 an hour")
WAITING = WaitingRow(
    class_id=ClassId("c"),
    workload_id=WorkloadId("w-1"),
    gangs=2,
    chips=8,
    accelerator=AcceleratorName("H100"),
    pool_id="a/p",
    value_micro_usd_per_hour=1,
    lacking_micro_usd_per_hour=0,
    limits=(CHIPS,),
    text="8 H100 in a/p would be worth having if others moved to make room",
)


def shown(view: MarketView) -> str:
    out = StringIO()
    Console(file=out, width=80).print(market(view))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def test_worth_bound_limits_and_what_waits() -> None:
    assert shown(MarketView(1_680_320_000, 2_274_422_722, 261_210, (CHIPS,), (WAITING,))) == (
        "what runs is worth $1,680.32 an hour beyond its cost\n"
        "no placement could exceed $2,274.42: at most 26.12 % are missing\n"
        "limits\n"
        "  the chips of a/t#0: one more would be worth $10.51 an hour\n"
        "waiting\n"
        "  w-1 (2 waiting): 8 H100 in a/p would be worth having if others moved to make\n"
        "    room"
    )


def test_nothing_to_show_is_said() -> None:
    assert shown(MarketView(0, 0, 0, (), ())) == "nothing runs and nothing waits"
    assert "nothing is full" in shown(MarketView(5, 5, 0, (), ()))
