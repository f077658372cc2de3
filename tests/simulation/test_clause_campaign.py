"""The campaign `clauses-oracle`: what it covers, what it says last, and the wrong clauses that it must catch."""

import subprocess
import sys
from collections.abc import Mapping, Sequence

import msgspec
import pytest

from multihome.clauses import delay_remedy, minimum_commitment, prepayment, price_tiers, take_or_pay
from multihome.domain.balances import TakeOrPayBalance
from multihome.domain.clause_terms import DelayRemedy, MinimumCommitment, Prepayment, PriceTiers, TakeOrPay
from multihome.simulator.clause_campaign import HOUSE_FUNCTIONS, run_clause_campaign
from multihome.simulator.clause_histories import random_history
from multihome.simulator.clause_statements import ClauseFunctions
from multihome.units.money import Rounding, divide
from multihome.units.time import MS_PER_DAY, Interval

SEEDS = range(60)
"""So many histories must suffice to catch a wrong clause."""


def carry_not_capped(
    terms: TakeOrPay, use: take_or_pay.PeriodUse, before: TakeOrPayBalance, rate: int
) -> take_or_pay.Settlement:
    whole = msgspec.structs.replace(terms, carry_forward_bps=10_000 if terms.carry_forward_bps else 0)
    return take_or_pay.settle(whole, use, before, rate)


def newest_make_up_first(
    terms: TakeOrPay, use: take_or_pay.PeriodUse, before: TakeOrPayBalance, rate: int
) -> take_or_pay.Settlement:
    turned = TakeOrPayBalance(make_up=before.make_up[::-1], carried_chip_ms=before.carried_chip_ms)
    return take_or_pay.settle(terms, use, turned, rate)


def make_up_never_expires(
    terms: TakeOrPay, use: take_or_pay.PeriodUse, before: TakeOrPayBalance, rate: int
) -> take_or_pay.Settlement:
    lots = tuple(msgspec.structs.replace(lot, periods_left=9) for lot in before.make_up)
    return take_or_pay.settle(terms, use, msgspec.structs.replace(before, make_up=lots), rate)


def rounded_twice(terms: PriceTiers, uses: Sequence[price_tiers.TierUse]) -> int:
    """First to a tenth of a micro-unit, then to whole ones."""
    tenths = tuple(
        msgspec.structs.replace(tier, rate_micro_usd_per_chip_hour=10 * tier.rate_micro_usd_per_chip_hour)
        for tier in terms.tiers
    )
    dearer = tuple(
        price_tiers.TierUse(use.from_ms, use.chip_ms, 10 * use.base_rate_micro_usd_per_chip_hour) for use in uses
    )
    first = price_tiers.tiered_micro_usd(msgspec.structs.replace(terms, tiers=tenths), dearer)
    return divide(first, 10, Rounding.HALF_EVEN)


def each_use_alone(terms: PriceTiers, uses: Sequence[price_tiers.TierUse]) -> int:
    return sum(price_tiers.tiered_micro_usd(terms, (use,)) for use in uses)


def first_period_whole(
    terms: MinimumCommitment, period: Interval, spent: int, suspended: int
) -> minimum_commitment.Shortfall:
    first = msgspec.structs.replace(terms.steps[0], from_ms=0)
    begun = msgspec.structs.replace(terms, interval=Interval(0, terms.interval.end_ms), steps=(first, *terms.steps[1:]))
    return minimum_commitment.settle_minimum(begun, period, spent, suspended)


def late_is_owed(
    terms: MinimumCommitment, period: Interval, spent: int, suspended: int
) -> minimum_commitment.Shortfall:
    del suspended
    return minimum_commitment.settle_minimum(terms, period, spent, 0)


def newest_prepayment_first(
    prepayments: Sequence[Prepayment], left: Mapping[str, int], charge: int, at_ms: int
) -> prepayment.Drawn:
    turned = [msgspec.structs.replace(terms, paid_ms=-terms.paid_ms) for terms in prepayments]
    return prepayment.draw(turned, left, charge, at_ms)


def grace_forgotten(terms: DelayRemedy, promised_ms: int, accepted_ms: int, zone: str) -> delay_remedy.Delay:
    return delay_remedy.delay(msgspec.structs.replace(terms, grace_days=0), promised_ms, accepted_ms, zone)


def day_begun_not_counted(terms: DelayRemedy, promised_ms: int, accepted_ms: int, zone: str) -> delay_remedy.Delay:
    days = (accepted_ms - promised_ms) // MS_PER_DAY
    return delay_remedy.delay(terms, promised_ms, promised_ms + days * MS_PER_DAY, zone)


PLANTS = {
    "carry not capped": ClauseFunctions(settle=carry_not_capped),
    "newest make-up first": ClauseFunctions(settle=newest_make_up_first),
    "make-up never expires": ClauseFunctions(settle=make_up_never_expires),
    "rounded twice": ClauseFunctions(tiered=rounded_twice),
    "each use alone": ClauseFunctions(tiered=each_use_alone),
    "first period whole": ClauseFunctions(minimum=first_period_whole),
    "late capacity owed": ClauseFunctions(minimum=late_is_owed),
    "newest prepayment first": ClauseFunctions(draw=newest_prepayment_first),
    "grace forgotten": ClauseFunctions(delay=grace_forgotten),
    "day begun not counted": ClauseFunctions(delay=day_begun_not_counted),
}


def ignore(_: str) -> None:
    """Say nothing."""


@pytest.mark.parametrize("name", PLANTS)
def test_a_wrong_clause_is_caught(name: str) -> None:
    said: list[str] = []
    result = run_clause_campaign(SEEDS, PLANTS[name], said.append)
    assert result.failed
    assert result.passed + len(result.failed) == len(SEEDS)
    first = result.failed[0]
    assert f"seed {first.seed}" in said
    assert first.clauses != first.oracle
    assert said[-1] == f"{result.passed} passed, {len(result.failed)} failed"


def test_the_house_holds_and_everything_is_covered() -> None:
    result = run_clause_campaign(SEEDS, HOUSE_FUNCTIONS, ignore)
    assert (result.passed, result.failed) == (len(SEEDS), ())
    assert set(result.clauses) == {
        "TakeOrPay",
        "MinimumCommitment",
        "Ramp",
        "Prepayment",
        "PriceTiers",
        "DelayRemedy",
        "Termination",
        "Renewal",
        "Equity",
    }
    assert {
        "made up chip-ms",
        "carry used chip-ms",
        "deficiency chip-ms",
        "shortfall",
        "true-up",
        "discount",
        "termination fee",
        "refund of paid-1",
        "may end tranche",
        "renews",
        "effective rate",
    } <= set(result.figures)


def test_a_seed_is_a_whole_history() -> None:
    assert random_history(7) == random_history(7)
    assert random_history(7) != random_history(8)


def test_the_command_ends_with_the_line_that_counts() -> None:
    command = [sys.executable, "-m", "multihome.app.main", "campaign", "clauses-oracle", "--seeds", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "5 passed, 0 failed"
    told = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    assert msgspec.json.decode(told.stdout)["passed"] == 5


def test_an_unknown_campaign_or_size_is_said() -> None:
    for arguments in (("nothing",), ("clauses-oracle", "--size", "huge")):
        command = [sys.executable, "-m", "multihome.app.main", "campaign", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert "`simulation`, `clauses-oracle`" in done.stderr
