"""Commands happen once: under one key, across a crash in the middle, and never for a body that is no command."""

import json
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.site import Plane, plane, workload
from multihome.api.guard import BODY_BYTES_MAX
from multihome.domain.refusals import RefusalCode
from multihome.wire.refusals import STATUS_OF, EdgeCode
from multihome.wire.requests import DEPTH_MAX, nested_too_deep

CLIENTS = 8
ROUTES_WITH_BODY = (
    "/v1/workloads",
    "/v1/workloads?dry_run=true",
    "/v1/apply",
    "/v1/apply?dry_run=true",
    "/v1/clock",
    "/v1/drains",
    "/v1/backup",
    "/v1/providers/site/restore",
    "/v1/providers/site/declare-lost",
    "/v1/workloads/none/override",
    "/v1/tranches/order/h100/steps",
    "/v1/credits/order/h100/claim",
    "/v1/contracts/order/breach",
    "/v1/contracts/order/terminate",
)


def keyed(api: httpx.Client, key: str, body: object, path: str = "/v1/workloads") -> httpx.Response:
    return api.post(path, json=body, headers={"idempotency-key": key})


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A control plane without capacity: whatever is thrown at it, nothing runs."""
    with (
        plane(tmp_path_factory.mktemp("quiet") / "state", delivered=False) as made,
        httpx.Client(
            base_url=made.info.address, headers={"authorization": f"Bearer {made.token}"}, timeout=30, trust_env=False
        ) as client,
    ):
        yield client


def test_a_repeat_of_a_key_is_answered_as_before(api: httpx.Client) -> None:
    first = keyed(api, "once", workload("once"))
    assert first.status_code == 200
    assert keyed(api, "once", workload("once")).json() == first.json()
    other = keyed(api, "once", workload("another"))
    assert (other.status_code, other.json()["refusal"]["code"]) == (422, RefusalCode.KEY_REUSED)
    told = api.get("/v1/report").json()["by_workload"]
    assert all("another" not in line["name"] for line in told)


def test_a_refusal_is_repeated_too(api: httpx.Client) -> None:
    body = workload("nobody") | {"tenant": "nobody"}
    first = keyed(api, "refused", body)
    assert first.json()["refusal"]["code"] == RefusalCode.UNKNOWN_TENANT
    assert keyed(api, "refused", body).json() == first.json()


def test_a_key_without_end_is_refused(api: httpx.Client) -> None:
    assert keyed(api, "k" * 201, workload("long-key")).json()["refusal"]["code"] == EdgeCode.INVALID


def test_an_unknown_parameter_does_not_act(quiet: httpx.Client) -> None:
    head = quiet.get("/v1/journal/head").json()
    for path in ("/v1/workloads?dryrun=true", "/v1/apply?dry-run=true", "/v1/workloads?dry_run=maybe"):
        answer = quiet.post(path, json=workload("acts"))
        assert answer.json()["refusal"]["code"] == EdgeCode.INVALID, path
    assert quiet.get("/v1/journal/head").json() == head


def test_bodies_have_a_limit(quiet: httpx.Client) -> None:
    def in_chunks() -> Iterator[bytes]:
        for _ in range(BODY_BYTES_MAX // 2**20 + 1):
            yield b" " * 2**20

    answer = quiet.post("/v1/apply", content=in_chunks())
    assert (answer.status_code, answer.json()["refusal"]["code"]) == (413, EdgeCode.TOO_LARGE)


def test_a_body_that_is_declared_too_large_is_not_waited_for(quiet: httpx.Client) -> None:
    token = quiet.headers["authorization"]
    head = (
        f"POST /v1/apply HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Length: {BODY_BYTES_MAX + 1}\r\n\r\n"
    )
    with socket.create_connection((quiet.base_url.host, quiet.base_url.port or 0), timeout=5) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_depth_has_a_limit(quiet: httpx.Client, opening: bytes) -> None:
    for path in ROUTES_WITH_BODY:
        answer = quiet.post(path, content=opening * 100_000)
        assert (answer.status_code, answer.json()["refusal"]["code"]) == (400, EdgeCode.MALFORMED), path


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=60,
)


def depth_of(value: object) -> int:
    """The slow road: how deep a parsed value is."""
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(JSON, st.integers(0, DEPTH_MAX + 3))
def test_depth_is_counted_outside_of_strings(value: object, wraps: int) -> None:
    for _ in range(wraps):
        value = [value, "[[[{{{"]
    assert nested_too_deep(json.dumps(value).encode()) == (depth_of(value) > DEPTH_MAX)


FIELDS = st.sampled_from(
    [
        "name",
        "tenant",
        "resources",
        "accelerators",
        "run",
        "envs",
        "secrets",
        "service",
        "num_nodes",
        "documents",
        "kind",
        "to",
        "by",
        "declare",
        "actor",
        "why",
        "target",
        "file",
        "rule",
        "priority",
        "restart",
        "checkpoint",
    ]
)
VALUES = JSON | st.sampled_from(["lab", "H100:8", "H100-SXM-80GB:8", "1h", "2025-01-01", "workload", "provider", "\0"])
NEAR_MISSES = st.dictionaries(FIELDS, VALUES | st.dictionaries(FIELDS, VALUES, max_size=4), max_size=8)


@settings(max_examples=150)
@given(
    st.sampled_from(ROUTES_WITH_BODY),
    st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | NEAR_MISSES.map(lambda value: json.dumps(value).encode())
    | st.lists(NEAR_MISSES, max_size=3).map(lambda value: json.dumps({"documents": value}).encode()),
)
def test_no_body_breaks_anything(quiet: httpx.Client, path: str, body: bytes) -> None:
    answer = quiet.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {200, 400, 404, 409, 422}, answer.text
    if answer.status_code != 200:
        code = answer.json()["refusal"]["code"]
        assert STATUS_OF[code] == answer.status_code


PYDANTIC_WORDS = ("Input should", "String should", "Field required", "valid integer", "valid boolean")


def in_house_words(answer: httpx.Response) -> None:
    """A wrong parameter is told like a wrong field: what it is called, what was expected, what would be accepted."""
    refusal = answer.json()["refusal"]
    for problem in (refusal, *refusal["others"]):
        assert not any(words in problem["text"] for words in PYDANTIC_WORDS), problem
        assert problem["code"] == EdgeCode.INVALID
        assert problem["subject"]
        assert problem["text"]


@pytest.mark.parametrize(
    ("path", "query", "name", "text", "accepted"),
    [
        ("", {"limit": "many"}, "limit", "expected a whole number, not 'many'", "a whole number"),
        ("", {"limit": "1.5"}, "limit", "expected a whole number, not '1.5'", "a whole number"),
        ("", {"limit": "0"}, "limit", "expected a whole number of at least 1, not '0'", "a whole number of at least 1"),
        (
            "/x/logs",
            {"unit": "100001"},
            "unit",
            "expected a whole number of at most 100000, not '100001'",
            "a whole number of at most 100000",
        ),
        ("/x/logs", {"follow": "perhaps"}, "follow", "expected true or false, not 'perhaps'", "true or false"),
        ("", {"cursor": "c" * 101}, "cursor", "expected at most 100 characters, not ", "at most 100 characters"),
        ("", {"state": "asleep"}, "state", "expected one of waiting, ", "one of waiting, backing_off, unknown, "),
    ],
)
def test_a_wrong_parameter_is_told_in_the_words_of_the_house(
    quiet: httpx.Client, path: str, query: dict[str, str], name: str, text: str, accepted: str
) -> None:
    answer = quiet.get(f"/v1/workloads{path}", params=query)
    assert answer.status_code == 422
    in_house_words(answer)
    refusal = answer.json()["refusal"]
    assert refusal["subject"] == name
    assert refusal["text"].startswith(text)
    assert refusal["accepted"].startswith(accepted)


def test_a_missing_parameter_and_a_wrong_header_are_told_so_too(quiet: httpx.Client) -> None:
    missing = quiet.delete("/v1/workloads/nobody").json()["refusal"]
    told = [(each["subject"], each["text"], each["accepted"]) for each in (missing, *missing["others"])]
    assert told == [
        ("actor", "`actor` is required, and missing", "who decides this"),
        ("why", "`why` is required, and missing", "and why"),
    ]
    for number in ("x", "-1", "9" * 5_000):
        answer = quiet.get("/v1/changes", headers={"last-event-id": number})
        assert answer.status_code == 422
        in_house_words(answer)
    empty = quiet.delete("/v1/workloads/nobody", params={"actor": "", "why": "x"})
    assert empty.json()["refusal"]["text"] == "expected at least 1 character, not ''"


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(["unit", "rank", "from", "generation", "follow", "limit", "cursor", "state", "tenant"]),
        st.text() | st.integers().map(str),
    )
)
def test_no_parameter_breaks_anything(quiet: httpx.Client, query: dict[str, str]) -> None:
    for path in ("/v1/workloads", "/v1/workloads/none/logs", "/v1/status"):
        answer = quiet.get(path, params=query)
        assert answer.status_code in {200, 404, 422}
        if answer.status_code == 422:
            in_house_words(answer)


def test_what_was_acknowledged_survives_a_kill(fresh: Plane) -> None:
    """Eight clients submit while the control plane is killed; what they were promised is there afterwards."""
    promised: dict[str, str] = {}
    begun = threading.Barrier(CLIENTS + 1)

    def submit_until_it_dies(client_number: int) -> None:
        headers = {"authorization": f"Bearer {fresh.token}"}
        with httpx.Client(base_url=fresh.info.address, headers=headers, trust_env=False) as api:
            begun.wait()
            for number in range(10_000):
                name = f"job-{client_number}-{number}"
                try:
                    answer = api.post("/v1/workloads", json=workload(name, "sleep 300", chips=4))
                except httpx.TransportError:
                    return
                assert answer.status_code == 200, answer.text
                [promised[name]] = answer.json()["workload_ids"]

    threads = [threading.Thread(target=submit_until_it_dies, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    begun.wait()
    while len(promised) < 300:
        time.sleep(0.01)
    fresh.kill()
    for thread in threads:
        thread.join()
    started_before = _pids(fresh)
    assert started_before
    fresh.start_again()
    with fresh.client() as client:
        rows = {row.name: row for row in client.all_workloads()}
        assert {name: rows[name].id for name in promised} == promised
        _wait_for_certainty(fresh)
        runs = [
            unit.run_id for row in client.all_workloads(state="running") for unit in client.workload(row.id).value.units
        ]
    # The site has room for sixteen; each is one process group, adopted and not started again.
    assert len(runs) == len(set(runs)) == 16
    assert _pids(fresh).keys() == set(runs)
    assert all(_pids(fresh)[run_id] == pid for run_id, pid in started_before.items() if run_id in set(runs))


def _pids(made: Plane) -> dict[str, str]:
    """Run directories of the engine, with what identifies their supervisor."""
    folder = made.state / "engines" / "site" / "runs"
    return {run.name: (run / "shim.json").read_text() for run in folder.iterdir() if (run / "shim.json").exists()}


def _wait_for_certainty(made: Plane) -> None:
    deadline_s = time.monotonic() + 20
    states: dict[str, int] = {}
    with made.client() as client:
        while time.monotonic() < deadline_s:
            states = client.status().value.workload_states
            if states.get("running", 0) == 16 and not states.get("unknown") and not states.get("starting"):
                return
            time.sleep(0.1)
    pytest.fail(f"the runs are not certain: {states}")


def test_a_polite_stop_keeps_runs_and_exits_0(fresh: Plane) -> None:
    with fresh.client() as client:
        headers = {"authorization": f"Bearer {fresh.token}"}
        httpx.post(f"{fresh.info.address}/v1/workloads", json=workload("stays", "sleep 300"), headers=headers)
        deadline_s = time.monotonic() + 10
        while client.status().value.workload_states != {"running": 1}:
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        before = _pids(fresh)
        # An open stream does not hold it up.
        stream = client.changes(0)
        next(stream)
        assert fresh.stop() == 0
        stream.close()
    assert _pids(fresh) == before
    assert not (fresh.state / "server.json").exists()
    fresh.start_again()
    with fresh.client() as client:
        assert client.status().value.workload_states == {"running": 1}
