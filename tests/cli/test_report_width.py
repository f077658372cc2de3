"""A report fits a terminal of 80 columns, whatever names and figures are in it, and loses nothing by that."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from multihome.cli import reports
from multihome.cli.session import show_on_terminal
from multihome.domain.clause_terms import ClauseRef
from multihome.domain.ids import ContractId, PoolId, ProviderId, RunId, TenantId, TrancheId, WorkloadId
from multihome.domain.placements import Evidence
from multihome.ledger.concentration import Concentration
from multihome.units.money import format_usd
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR, Interval, parse_instant
from multihome.views import commitments as cm
from multihome.views import report as rp
from multihome.views.words import evidence_text

COLUMNS = 80
START_MS = parse_instant("2025-06-02")
END_MS = START_MS + 90 * MS_PER_DAY


def populated(word: Callable[[str], str], scale: int) -> rp.Report:
    """A report with a line in every section; `word` makes names, and figures grow with `scale`."""
    tranche_id = TrancheId(f"{word('contract')}/{word('tranche')}")
    evidence = Evidence(code="waiver", clause=ClauseRef(ContractId(word("contract")), word("clause")), text="lapsed")
    total = rp.TotalLine(word("total"), 7 * MS_PER_HOUR * scale, 123_456_789 * scale)
    return rp.Report(
        contract_ms=END_MS,
        process_ms=END_MS,
        from_contract_ms=START_MS,
        from_process_ms=START_MS,
        runs=tuple(_run(word, ended, scale) for ended in (None, END_MS)),
        by_provider=(total,),
        by_contract=(total,),
        by_tenant=(total,),
        by_workload=(total,),
        total=total,
        imbalance_micro={},
        burn_down=(
            rp.BurnDownLine(
                contract_id=ContractId(word("contract")),
                tranche_id=tranche_id,
                period="2025-06",
                counted=Interval(START_MS, END_MS),
                share_bps=9_000,
                contracted_chip_ms=9 * MS_PER_HOUR * scale,
                under_delivered_chip_ms=2 * MS_PER_HOUR * scale,
                force_majeure_chip_ms=MS_PER_HOUR * scale,
                owed_chip_ms=8 * MS_PER_HOUR * scale,
                taken_chip_ms=7 * MS_PER_HOUR * scale,
                deficiency_chip_ms=MS_PER_HOUR * scale,
                deficiency_micro_usd=2_345_678 * scale,
            ),
        ),
        **_commitments(word, tranche_id, scale),
        concentration=(
            rp.ConcentrationLine(
                f"before the loss of {word('provider')}",
                START_MS,
                {ProviderId(word(f"provider{number}")): 32 * scale for number in range(4)},
                Concentration(ProviderId(word("provider")), 4_384, 3_575),
            ),
        ),
        evidence=(
            rp.EvidenceLine(RunId("w.0.1"), word("run"), tranche_id, True, evidence, evidence_text(evidence)),  # noqa: FBT003 -- a fact
        ),
        lost_work=(rp.LostWorkLine(RunId("w.0.2"), word("run"), 11 * scale, 60 * scale, 20 * scale),),
        consequences=(
            rp.ConsequenceLine(START_MS, f"{word('contract')}/{word('clause')}", "remedy_accrued", "nine days late"),
        ),
        deliveries=(rp.DeliveryLine(tranche_id, START_MS, END_MS, END_MS, 2, 2),),
    )


def _commitments(word: Callable[[str], str], tranche_id: TrancheId, scale: int) -> dict[str, Any]:
    contract_id, money = ContractId(word("contract")), 123_456_789 * scale
    clause = f"{contract_id}/{word('clause')}"
    return {
        "settled": (
            cm.SettledLine(
                clause=clause,
                tranche_id=tranche_id,
                period=Interval(START_MS, END_MS),
                owed_chip_ms=8 * MS_PER_HOUR * scale,
                taken_chip_ms=7 * MS_PER_HOUR * scale,
                deficiency_chip_ms=MS_PER_HOUR * scale,
                made_up_chip_ms=0,
                carried_chip_ms=0,
                owed_micro_usd=0,
                spent_micro_usd=0,
                due_micro_usd=money,
                text=f"{clause}, 2025-06, tranche {tranche_id}: {format_usd(money)} due",
            ),
        ),
        "credits": (
            cm.CreditLine(clause, tranche_id, money, None),
            cm.CreditLine(clause, tranche_id, money, END_MS),
        ),
        "prepaid": (cm.PrepaidLine(contract_id, word("clause"), 3 * money, money, 2 * money),),
        "accounts": (cm.AccountLine(contract_id, money, money, money, money, money, 2 * money, money),),
    }


def _run(word: Callable[[str], str], ended_ms: int | None, scale: int) -> rp.RunLine:
    return rp.RunLine(
        run_id=RunId("w-7c9mhvrfny008.12.34"),
        workload_id=WorkloadId("w-7c9mhvrfny008"),
        name=word("workload"),
        tenant_id=TenantId(word("tenant")),
        unit=12,
        provider_id=ProviderId(word("provider")),
        pool_id=PoolId(f"{word('provider')}/{word('pool')}"),
        chips=16 * scale,
        basis="guaranteed",
        started_contract_ms=START_MS,
        started_process_ms=START_MS,
        ended_contract_ms=ended_ms,
        ended_process_ms=ended_ms,
        outcome="succeeded",
        sentences=("Basis: guaranteed.", f"Price: $12.29 per chip-hour (rate of tranche {word('tranche')})."),
    )


def short(word: str) -> str:
    return word[:3]


def long(word: str) -> str:
    """As long as a name may be, with nothing to break it at."""
    return (word + "x" * 63)[:63]


def printed(view: rp.Report, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    show_on_terminal(reports.report(view))
    return capsys.readouterr().out


@pytest.mark.parametrize("word", [short, str, long])
@pytest.mark.parametrize("scale", [1, 1_000_000])
def test_every_line_fits_and_no_name_or_figure_is_cut(
    word: Callable[[str], str], scale: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = printed(populated(word, scale), monkeypatch, capsys)
    assert [line for line in shown.splitlines() if len(line) > COLUMNS] == []
    assert len(re.findall(r"^\S.*\n(?=\S)", shown, re.MULTILINE)) >= 12, "every section has a title"
    assert "…" not in shown
    letters = _letters(shown)
    assert letters.count("x") == _letters(_wide(populated(word, scale))).count("x"), "a name was cut"
    for figure in (f"{7 * scale:,}.000", f"{16 * scale} guaranteed"):
        assert figure in shown, "a figure is whole, in one line"


def test_a_table_that_cannot_give_way_would_be_seen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def rigid(*headings: str) -> Table:
        table = Table(*headings, box=None)
        for column in table.columns:
            column.no_wrap = True
            column.min_width = 30
        return table

    monkeypatch.setattr(reports, "table_of", rigid)
    shown = printed(populated(long, 1), monkeypatch, capsys)
    assert [line for line in shown.splitlines() if len(line) > COLUMNS] or _letters(shown).count("x") != _letters(
        _wide(populated(long, 1))
    ).count("x")


def _wide(view: rp.Report) -> str:
    """The same on a terminal that has room for all of it."""
    console = Console(width=2_000, highlight=False)
    with console.capture() as capture:
        console.print(reports.report(view))
    return capture.get()


def _letters(text: str) -> str:
    return re.sub(r"\s", "", text)
