"""Dates of a contract's document begin in the contract's zone; those of every other document in UTC."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from multihome.app.checks import check_contracts
from multihome.domain.clause_terms import MinimumCommitment, Ramp, TakeOrPay
from multihome.domain.contracts import Contract, Suspension
from multihome.files.loading import load
from multihome.files.references import KnownNames
from multihome.files.writing import dump
from multihome.units.time import Interval, parse_instant
from multihome.views.conflicts import book_of, conflicts_view
from multihome.wire.documents import document_data

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "docs" / "how-to" / "check-contracts"
AGREEMENT = ROOT / "tests" / "cli" / "agreement.yaml"
NEW_YORK = "America/New_York"
KNOWN = KnownNames(
    accelerators=frozenset({"H100-SXM-80GB"}), providers=frozenset({"site"}), pools=frozenset({"site/h100"})
)


def agreement(folder: Path, *, zone: str = NEW_YORK, start: str = "2025-01-01") -> tuple[Contract, Suspension]:
    file = folder / "agreement.yaml"
    text = AGREEMENT.read_text(encoding="utf-8").replace("zone: America/New_York", f"zone: {zone}")
    file.write_text(text.replace("\nfrom: 2025-01-01\n", f"\nfrom: {start}\n"), encoding="utf-8")
    loaded = load([file], known=KNOWN)
    assert loaded.problems == ()
    [contract] = [fact for fact in loaded.documents if isinstance(fact, Contract)]
    [suspension] = [fact for fact in loaded.documents if isinstance(fact, Suspension)]
    return contract, suspension


def new_york(text: str) -> int:
    """The instant of a local midnight, by the standard library and the machine's own zone rules."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York")).timestamp()) * 1_000


def test_every_date_of_a_contract_begins_in_its_zone(tmp_path: Path) -> None:
    contract, suspension = agreement(tmp_path)
    assert contract.interval == Interval(new_york("2025-01-01"), new_york("2027-01-01"))
    [amendment] = contract.amendments
    assert amendment.effective_ms == new_york("2025-06-20")
    take = [terms.interval for terms in contract.clauses if isinstance(terms, TakeOrPay)]
    assert take == [
        Interval(new_york("2025-01-01"), new_york("2025-06-20")),
        Interval(new_york("2025-06-20"), new_york("2027-01-01")),
    ]
    steps = {type(terms): terms.steps for terms in contract.clauses if isinstance(terms, MinimumCommitment | Ramp)}
    assert [step.from_ms for step in steps[Ramp]] == [new_york("2025-06-10"), new_york("2026-01-01")]
    assert [step.from_ms for step in steps[MinimumCommitment]] == [new_york("2025-01-01"), new_york("2026-01-01")]
    [tranche] = contract.tranches
    promised = (tranche.promised_ms, tranche.ends_ms, tranche.award.awarded_ms)
    assert promised == tuple(map(new_york, ("2025-06-05", "2026-12-01", "2025-01-01")))
    # A suspension's document names no zone.
    assert suspension.interval == Interval(parse_instant("2025-05-01"), parse_instant("2025-06-03"))


def test_an_instant_with_its_own_zone_stays_what_it_is(tmp_path: Path) -> None:
    contract, _ = agreement(tmp_path, start="2025-01-01T00:00:00Z")
    assert contract.interval.start_ms == parse_instant("2025-01-01")
    # Written again it is an instant, and the end a date.
    data = document_data(contract)
    assert (data["from"], data["until"]) == ("2025-01-01T00:00:00.000Z", "2027-01-01")


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "UTC"])
def test_what_is_written_is_read_again(tmp_path: Path, zone: str) -> None:
    contract, _ = agreement(tmp_path, zone=zone)
    again = tmp_path / "again.yaml"
    again.write_text(dump([contract]), encoding="utf-8")
    assert load([again], known=KNOWN).documents == (contract,)
    assert "T" not in "".join(document_data(contract)["from"] + document_data(contract)["tranches"][0]["promised"])


def test_a_day_without_midnight_begins_with_its_first_moment(tmp_path: Path) -> None:
    # In Cairo the clocks leapt from 00:00 to 01:00 on 26 April 2024: midnight is 22:00Z the day before, and is 01:00.
    contract, _ = agreement(tmp_path, zone="Africa/Cairo", start="2024-04-26")
    assert contract.interval.start_ms == parse_instant("2024-04-25T22:00:00Z")
    moment = datetime.fromtimestamp(contract.interval.start_ms / 1_000, UTC).astimezone(ZoneInfo("Africa/Cairo"))
    assert (moment.date(), moment.hour) == (date(2024, 4, 26), 1)
    assert (moment.astimezone(UTC) - timedelta(milliseconds=1)).astimezone(ZoneInfo("Africa/Cairo")).day == 25


def test_a_day_that_a_zone_leapt_over_is_refused_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "agreement.yaml"
    text = AGREEMENT.read_text(encoding="utf-8").replace("zone: America/New_York", "zone: Pacific/Apia")
    file.write_text(text.replace("\nfrom: 2025-01-01\n", "\nfrom: 2011-12-30\n"), encoding="utf-8")
    [problem] = [one for one in load([file], known=KNOWN).problems if "Apia" in one.wrong]
    assert "2011-12-30 has no moment in the zone Pacific/Apia" in problem.wrong
    assert file.read_text(encoding="utf-8").splitlines()[problem.line - 1] == "from: 2011-12-30"


@pytest.mark.parametrize("example", ["exclusive.yaml", "capped.yaml"])
def test_a_check_in_another_zone_tells_the_same_days(tmp_path: Path, example: str) -> None:
    """A date that did not begin in the zone would leave periods of a few hours, and other dates."""
    text = (EXAMPLES / example).read_text(encoding="utf-8")
    zoned = tmp_path / example
    in_zone, count = re.subn(r"\nuntil: 2027-01-01\n", f"\nuntil: 2027-01-01\nzone: {NEW_YORK}\n", text)
    assert count == text.count("kind: contract")
    zoned.write_text(in_zone, encoding="utf-8")
    assert checked(zoned) == checked(EXAMPLES / example)


def test_a_check_tells_instants_where_a_period_does_not_begin_with_a_day(tmp_path: Path) -> None:
    text = (EXAMPLES / "exclusive.yaml").read_text(encoding="utf-8")
    zoned = tmp_path / "exclusive.yaml"
    zoned.write_text(
        text.replace("from: 2026-01-01\nuntil: 2027-01-01", "from: 2026-01-01T05:00:00Z\nuntil: 2027-01-01")
    )
    [clauses, meets] = checked(zoned)[0]
    assert clauses[0].endswith("2026-01-01 05:00Z to 2027-01-01")
    assert any("2026-01-01 05:00Z to" in line for line in meets)


def checked(file: Path) -> list[list[tuple[str, ...]]]:
    """What clauses ask and where they meet, for every conflict."""
    loaded = load([EXAMPLES / "site.yaml", file], known=KnownNames())
    assert loaded.problems == ()
    book, accelerators = book_of(loaded.documents)
    view = conflicts_view(book, check_contracts(book, accelerators), {})
    return [[tuple(clause.says for clause in one.clauses), one.meets] for one in view.conflicts]
