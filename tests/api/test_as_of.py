"""Every list of procurement and deliveries answers as of an instant: before an act and after it."""

from collections.abc import Iterator, Mapping

import httpx
import pytest

from bench.site import Plane
from multihome.adapters.clock_os.clock import OsClock
from multihome.adapters.engine_local.drill import begin_outage
from multihome.app.processes import start_detached
from multihome.cli.launchers import StartOptions
from multihome.domain.ids import NeedId
from multihome.domain.procurement import Need
from multihome.domain.refusals import RefusalCode
from multihome.wire.refusals import STATUS_OF, EdgeCode
from tests.api.conftest import api_of
from tests.builders import ALPHA, BETA, H100, contract, day, delay_remedy, first_refusal, offer, tranche, world
from tests.seeding import seed

PERSON: dict[str, object] = {"actor": "ada", "why": "a test"}
PART: dict[str, object] = {"chips": 16, "starts": "2026-02-10", "ends": "2026-06-10"}
NEED = Need(id=NeedId("N-1"), accelerators=(H100,), chips=48, by_ms=day(30), until_ms=day(200), source="test")
LISTS = ("offers", "notices", "awards", "needs", "tranches", "credits")


@pytest.fixture(scope="module")
def acted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A notice is served on January 2, answered on 3, the offer taken on 4; a late tranche comes on February 20."""
    state = tmp_path_factory.mktemp("as-of") / "state"
    parts = (tranche(), tranche(name="t2", promised_ms=day(30), ends_ms=day(300)))
    agreed = contract(clauses=[first_refusal(waiver_days=90), delay_remedy("late")], tranches=parts)
    seed(state, *world(), agreed, NEED, offer(need_id=NEED.id))
    made = Plane(state, start_detached(StartOptions(state, 0)))
    try:
        with api_of(made) as client:
            _act(client)
            yield client
    finally:
        made.stop()
        for provider_id in (ALPHA, BETA):
            begin_outage(state, provider_id, OsClock())


def _act(client: httpx.Client) -> None:
    def post(path: str, body: Mapping[str, object]) -> list[str]:
        answer = client.post(path, json=dict(body))
        assert answer.status_code == 200, answer.text
        return answer.json()["made"]

    post("/v1/clock", {"to": "2026-01-02"})
    [notice] = post("/v1/notices", PART | PERSON | {"offer": "O-1", "clause": "alpha-1/rofr"})
    post("/v1/clock", {"to": "2026-01-03"})
    post(f"/v1/notices/{notice}/answer", PERSON | {"answer": "declined"})
    post("/v1/clock", {"to": "2026-01-04"})
    post("/v1/awards", PART | PERSON | {"offer": "O-1"})
    post("/v1/clock", {"to": "2026-02-20"})
    post("/v1/tranches/alpha-1/t2/steps", PERSON | {"step": "accepted", "domains": 2})
    post("/v1/clock", {"to": "2026-02-25"})
    post("/v1/credits/alpha-1/t2/claim", PERSON)


def _rows(client: httpx.Client, what: str, as_of: str) -> list[dict[str, object]]:
    answer = client.get(f"/v1/{what}", params={"as_of": as_of})
    assert answer.status_code == 200, answer.text
    return answer.json()[what]


def test_procurement_as_of_before_and_after_each_act(acted: httpx.Client) -> None:
    assert _rows(acted, "notices", "2026-01-01") == []
    assert [row["state"] for row in _rows(acted, "notices", "2026-01-02")] == ["open"]
    assert [row["state"] for row in _rows(acted, "notices", "2026-01-03")] == ["declined"]
    assert _rows(acted, "awards", "2026-01-03T23:59:59Z") == []
    assert len(_rows(acted, "awards", "2026-01-04")) == 1
    for as_of, chips in (("2026-01-03", 0), ("2026-01-04", 16)):
        assert [row["taken_chips"] for row in _rows(acted, "offers", as_of)] == [chips]
        assert [row["granted_chips"] for row in _rows(acted, "needs", as_of)] == [chips]
    assert _rows(acted, "offers", "2025-12-31") == _rows(acted, "needs", "2025-12-31") == []


def test_deliveries_as_of_before_and_after_each_act(acted: httpx.Client) -> None:
    def late(as_of: str) -> tuple[object, object]:
        row = acted.get("/v1/tranches/alpha-1/t2", params={"as_of": as_of}).json()
        assert row in _rows(acted, "tranches", as_of)
        return row["phase"], row["credit"] is not None

    assert late("2026-02-19") == ("ordered", False)
    assert late("2026-02-20") == ("accepted", True)
    assert late("2026-02-25") == ("accepted", False)
    assert [len(_rows(acted, "credits", f"2026-02-{number}")) for number in (19, 20, 24, 25)] == [0, 1, 1, 0]


def test_as_of_now_is_what_is_said_now(acted: httpx.Client) -> None:
    for what in LISTS:
        assert acted.get(f"/v1/{what}").json()[what] == _rows(acted, what, "2026-02-25")


def test_an_instant_that_is_none_is_refused(acted: httpx.Client) -> None:
    def refused(what: str, as_of: str, code: RefusalCode | EdgeCode) -> None:
        answer = acted.get(f"/v1/{what}", params={"as_of": as_of})
        assert (answer.json()["refusal"]["code"], answer.status_code) == (code, STATUS_OF[code].value), what

    for what in (*LISTS, "tranches/alpha-1/t2", "was-allowed/alpha-1/t1"):
        for wrong in ("yesterday", "1969-12-31", "2026-01-01T00:00"):
            refused(what, wrong, EdgeCode.INVALID)
    refused("tranches/alpha-1/t2", "2025-12-31", RefusalCode.NOT_FOUND)
