"""A need, and what became of it: what was granted, what is open, and how long it took until it was there."""

from typing import Any

import msgspec

from multihome.domain.commands import Apply, AwardOffer
from multihome.domain.contracts import Award
from multihome.domain.ids import AwardId, NeedId, OfferId
from multihome.domain.procurement import Need
from multihome.units.time import MS_PER_DAY
from multihome.views.needs import NeedRow, need_rows
from tests.builders import H100, contract, day, delivery, offer, tranche
from tests.control import Control, installed, replayed

NEED = Need(id=NeedId("N-1"), accelerators=(H100,), chips=48, by_ms=day(30), until_ms=day(200), source="test")
PERSON: dict[str, Any] = {"actor": "ada", "why": "a test"}


def row(control: Control) -> NeedRow:
    [found] = need_rows(control.state, control.now.contract_ms).needs
    return found


def award(control: Control, chips: int, offer_id: str = "O-1") -> AwardId:
    command = AwardOffer(offer_id=OfferId(offer_id), chips=chips, starts_ms=day(40), ends_ms=day(140), **PERSON)
    return AwardId(control.do(command).made[0])


def order(control: Control, award_id: AwardId, name: str) -> None:
    """A tranche of 32 chips, in two domains, of an award."""
    part = tranche(
        "beta-1",
        name,
        "beta/main",
        domains=2,
        promised_ms=day(40),
        ends_ms=day(140),
        award=Award(awarded_ms=control.state.awards[award_id].awarded_ms, award_id=award_id),
    )
    beta = next(one for one in control.state.contract_documents.values() if one.provider_id == "beta")
    after = msgspec.structs.replace(beta, tranches=(*beta.tranches, part))
    control.do(Apply(documents=(after,), workloads=()))


def test_a_need_is_followed_from_its_record_to_the_acceptance_that_fills_it() -> None:
    control = installed(contract("beta"), NEED, offer(need_id=NEED.id, chips_max=64), offer("O-2"))
    control.wait(2 * MS_PER_DAY)
    found = row(control)
    assert (found.since_ms, found.offers, found.open_chips, found.obtained_bps) == (day(0), ("O-1",), 48, 0)
    # An award of an offer for something else does not count.
    award(control, 8, "O-2")
    first = award(control, 32)
    found = row(control)
    assert (found.awards, found.granted_chips, found.open_chips, found.obtained_bps) == ((first,), 32, 16, 6_666)
    second = award(control, 32)
    found = row(control)
    assert (found.granted_chips, found.open_chips, found.obtained_bps) == (64, 0, 10_000)
    order(control, first, "t2")
    order(control, second, "t3")
    control.wait(60 * MS_PER_DAY)
    parts = ((1, "t2", 1, 40), (2, "t2", 1, 45), (3, "t3", 1, 50))
    for number, name, domains, on in parts:
        assert row(control).time_to_capacity_ms is None
        accepted = delivery(f"D-2{number}", f"beta-1/{name}", domains=domains, effective_ms=day(on))
        control.do(Apply(documents=(accepted,), workloads=()))
    found = row(control)
    assert (found.accepted_chips, found.time_to_capacity_ms) == (48, 50 * MS_PER_DAY)
    assert replayed(control) == control.state


def test_a_need_that_is_described_again_is_as_old_as_before() -> None:
    control = installed(NEED)
    control.wait(MS_PER_DAY)
    control.do(Apply(documents=(msgspec.structs.replace(NEED, chips=64),), workloads=()))
    assert (row(control).since_ms, row(control).open_chips) == (day(0), 64)
