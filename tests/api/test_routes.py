"""Every route: what it answers, what it refuses and how, and that none is open by mistake."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.site import DELIVERY, PROVIDER, TENANT, Plane, workload
from multihome.api.changes import KEEPALIVE_S
from multihome.domain.refusals import RefusalCode
from multihome.wire.refusals import STATUS_OF, EdgeCode

OPEN = {"/healthz", "/openapi.json"}
PERSON = {"actor": "ada", "why": "a test"}


def refusal(answer: httpx.Response, code: str) -> dict[str, Any]:
    body = answer.json()["refusal"]
    assert (body["code"], answer.status_code) == (code, STATUS_OF[code].value), body
    return body


def submit(api: httpx.Client, name: str, run: str = "true", **fields: object) -> str:
    answer = api.post("/v1/workloads", json=workload(name, run) | fields)
    assert answer.status_code == 200, answer.text
    [workload_id] = answer.json()["workload_ids"]
    return workload_id


def until(api: httpx.Client, workload_id: str, says: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Ask until the story of a workload says so."""
    deadline_s = time.monotonic() + 20
    told: dict[str, Any] = {}
    while time.monotonic() < deadline_s:
        told = api.get(f"/v1/workloads/{workload_id}/explain").json()
        if says(told):
            return told
        time.sleep(0.05)
    pytest.fail(f"{workload_id} never came to it: {told}")


def succeeded(told: dict[str, Any]) -> bool:
    return told["outcome"] == "succeeded: finished"


def started(told: dict[str, Any]) -> bool:
    return any(line["text"].endswith("started") for line in told["story"])


def routes_of(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(method.upper(), path) for path, methods in document["paths"].items() for method in methods]


def test_every_route_is_documented_and_wants_the_token(running: Plane) -> None:
    with httpx.Client(base_url=running.info.address, trust_env=False) as anyone:
        routes = routes_of(anyone.get("/openapi.json").json())
        assert len(routes) == 48
        for method, path in routes:
            filled = path.replace("{name}", "x").replace("{provider}", "x").replace("{target}", "x")
            for token in ("", "Bearer", "Bearer wrong", f"Basic {running.token}"):
                headers = {"authorization": token} if token else {}
                answer = anyone.request(method, filled, headers=headers)
                if path in OPEN:
                    assert answer.status_code == 200
                else:
                    refusal(answer, EdgeCode.UNAUTHORISED)
        assert anyone.get("/openapi.json").status_code == 200


def test_what_is_not_documented_is_not_there(api: httpx.Client) -> None:
    for path in ("/", "/docs", "/redoc", "/v1", "/v1/", "/v1/status/", "/openapi.yaml", "/v1/nothing"):
        refusal(api.get(path), EdgeCode.NO_SUCH_ROUTE)
    refusal(api.put("/v1/status"), EdgeCode.METHOD_NOT_ALLOWED)
    refusal(api.delete("/v1/workloads"), EdgeCode.METHOD_NOT_ALLOWED)


def test_answers_are_described_by_schemas_that_are_there(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    references: set[str] = set()

    def collect(node: object) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                references.add(node["$ref"].rpartition("/")[2])
            for value in node.values():
                collect(value)
        elif isinstance(node, list):
            for value in node:
                collect(value)

    collect(document)
    assert references
    assert references <= set(schemas)
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["description"], path
            assert "default" in operation["responses"], path


def test_contracts_and_their_deadlines(api: httpx.Client) -> None:
    [row] = api.get("/v1/contracts").json()["contracts"]
    assert (row["id"], row["ordered_chips"], row["delivered_chips"]) == ("order", 64, 64)
    assert api.get("/v1/contracts", params={"as_of": "2020-01-01"}).json()["contracts"] == []
    assert [part["state"] for part in api.get("/v1/contracts/order").json()["tranches"]] == ["accepted"]
    ends = api.get("/v1/contracts/order/calendar", params={"until": "2031-01-01"}).json()["deadlines"]
    assert [(one["what"], one["contract"]) for one in ends] == [("contract_ends", "order"), ("tranche_ends", "order")]
    assert api.get("/v1/calendar", params={"until": "2031-01-01"}).json()["deadlines"] == ends
    for path in ("/v1/contracts/ghost", "/v1/contracts/ghost/calendar"):
        assert refusal(api.get(path), RefusalCode.NOT_FOUND)["accepted"] == "order"
    refusal(api.get("/v1/contracts/order", params={"as_of": "2020-01-01"}), RefusalCode.NOT_FOUND)
    for wrong in ("yesterday", "1969-12-31", "2025-01-01T00:00"):
        refusal(api.get("/v1/contracts", params={"as_of": wrong}), EdgeCode.INVALID)
        refusal(api.get("/v1/calendar", params={"until": wrong}), EdgeCode.INVALID)
    assert api.get("/v1/calendar", params={"as_of": "9999-12-31", "until": "9999-12-31"}).status_code == 200


def test_every_refusal_has_a_status() -> None:
    assert set(STATUS_OF) == {*RefusalCode, *EdgeCode}


def test_a_workload_from_submit_to_logs(api: httpx.Client) -> None:
    workload_id = submit(api, "told", "echo hello; echo world")
    story = until(api, workload_id, succeeded)
    assert story["name"] == "told"
    logs = api.get(f"/v1/workloads/{workload_id}/logs")
    assert logs.content == b"hello\nworld\n"
    assert logs.headers["multihome-next"] == str(len(logs.content))
    rest = api.get(f"/v1/workloads/{workload_id}/logs", params={"from": 6})
    assert rest.content == b"world\n"
    assert api.get(f"/v1/workloads/{workload_id}/logs", params={"follow": "true"}).content == logs.content
    refusal(api.get(f"/v1/workloads/{workload_id}/logs", params={"unit": 3}), RefusalCode.NOT_FOUND)
    refusal(api.get(f"/v1/workloads/{workload_id}"), RefusalCode.NOT_FOUND)


def test_a_followed_log_ends_with_its_run(api: httpx.Client) -> None:
    workload_id = submit(api, "followed", "for i in 1 2 3; do echo $i; sleep 0.2; done")
    until(api, workload_id, started)
    with api.stream("GET", f"/v1/workloads/{workload_id}/logs", params={"follow": "true"}) as answer:
        assert answer.read() == b"1\n2\n3\n"


def test_a_live_workload_by_name_and_in_lists(api: httpx.Client) -> None:
    workload_id = submit(api, "long", "sleep 60")
    until(api, workload_id, started)
    shown = api.get("/v1/workloads/long").json()
    assert (shown["row"]["id"], shown["row"]["state"], shown["spec"]["run"]) == (workload_id, "running", "sleep 60")
    assert api.get("/v1/status").json()["workload_states"]["running"] >= 1
    running = api.get("/v1/workloads", params={"state": "running", "tenant": TENANT}).json()["workloads"]
    assert workload_id in {row["id"] for row in running}
    assert api.get("/v1/workloads", params={"tenant": "la"}).json() == {"workloads": [], "cursor": ""}
    cancelled = api.delete(f"/v1/workloads/{workload_id}", params=PERSON)
    assert cancelled.json()["workload_ids"] == [workload_id]
    until(api, workload_id, lambda told: told["outcome"].startswith("stopped"))
    refusal(api.delete(f"/v1/workloads/{workload_id}", params=PERSON), RefusalCode.NOT_FOUND)


def test_pages_follow_one_another(api: httpx.Client) -> None:
    # More than the site has room for, so that they stay.
    made = [submit(api, f"page-{number}", "sleep 60", num_nodes=2) for number in range(7)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = api.get("/v1/workloads", params={"limit": 3, "cursor": cursor}).json()
        assert len(page["workloads"]) <= 3
        seen += [row["id"] for row in page["workloads"]]
        cursor = page["cursor"]
        if not cursor:
            break
    assert [workload_id for workload_id in seen if workload_id in made] == made
    assert len(seen) == len(set(seen))
    for workload_id in made:
        assert api.delete(f"/v1/workloads/{workload_id}", params=PERSON).status_code == 200


def until_empty(api: httpx.Client) -> None:
    """Wait until what the tests before this one cancelled has given its chips back."""
    for _ in range(200):
        if not any(pool["used_chips"] for pool in api.get("/v1/status").json()["pools"]):
            return
        time.sleep(0.1)
    pytest.fail("something still runs")


def test_a_preview_tells_and_keeps_nothing(api: httpx.Client) -> None:
    until_empty(api)
    head = api.get("/v1/journal/head").json()["seq"]
    foreseen = api.post("/v1/workloads", params={"dry_run": "true"}, json=workload("foreseen")).json()
    assert [unit["pool_id"] for unit in foreseen["placed"]] == ["site/h100"]
    assert foreseen["placed"][0]["sentences"]
    too_large = workload("large") | {"num_nodes": 64}
    refused = refusal(api.post("/v1/workloads", params={"dry_run": "true"}, json=too_large), RefusalCode.GANG_TOO_LARGE)
    assert "2 × 8" in refused["accepted"]
    causes = [line for line in _changes(api, head) if '"cause":"Submit"' in line]
    assert causes == []


def _changes(api: httpx.Client, after_seq: int) -> list[str]:
    """What the stream has after a record, up to its first sign of quiet."""
    lines: list[str] = []
    with api.stream("GET", "/v1/changes", headers={"last-event-id": str(after_seq)}) as answer:
        for line in answer.iter_lines():
            if line.startswith(": alive"):
                return lines
            lines.append(line)
    return lines


def test_changes_resume_where_they_broke(api: httpx.Client) -> None:
    submit(api, "change-1")
    submit(api, "change-2")
    everything = [line for line in _changes(api, 0) if line.startswith("id: ")]
    assert everything[:5] == [f"id: {seq}" for seq in range(1, 6)]
    rest = [line for line in _changes(api, 3) if line.startswith("id: ")]
    assert rest[: len(everything) - 3] == everything[3:]


def test_an_open_stream_sees_what_happens(api: httpx.Client, running: Plane) -> None:
    with api.stream("GET", "/v1/changes") as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": alive"
        with httpx.Client(base_url=running.info.address, headers=api.headers, trust_env=False) as other:
            workload_id = submit(other, "seen")
        assert any(workload_id in line for line in lines)


def test_an_open_stream_is_woken_by_a_record_without_events(api: httpx.Client, running: Plane) -> None:
    """A refusal is on record too; nothing else may tell the stream of it before its next sign of life."""
    head = api.get("/v1/journal/head").json()["seq"]
    with api.stream("GET", "/v1/changes", headers={"last-event-id": str(head)}) as answer:
        lines = answer.iter_lines()
        assert any(line == ": alive" for line in lines)
        asked_s = time.monotonic()
        with httpx.Client(base_url=running.info.address, headers=api.headers, trust_env=False) as other:
            refusal(other.delete("/v1/workloads/nobody", params=PERSON), RefusalCode.NOT_FOUND)
        assert any('"cause":"Cancel"' in line for line in lines)
    assert time.monotonic() - asked_s < KEEPALIVE_S / 2


def test_documents_are_compared_and_applied(api: httpx.Client) -> None:
    tenant = {"kind": "tenant", "name": f"{TENANT}/team", "title": "Team", "approver": "head"}
    body = {"documents": [tenant]}
    foreseen = api.post("/v1/apply", params={"dry_run": "true"}, json=body).json()
    assert foreseen == {"workload_ids": [], "changes": [f"+ tenant {TENANT}/team"], "made": []}
    assert f"{TENANT}/team" not in api.get("/v1/names").json()["tenants"]
    assert api.post("/v1/apply", json=body).json() == foreseen
    assert api.post("/v1/apply", json=body).json() == {"workload_ids": [], "changes": [], "made": []}
    assert f"{TENANT}/team" in api.get("/v1/names").json()["tenants"]
    orphan = {"documents": [tenant | {"name": "nobody/team"}]}
    refused = refusal(api.post("/v1/apply", json=orphan), RefusalCode.TENANT_LOOP)
    assert TENANT in refused["accepted"]


def test_wrong_documents_are_refused_with_their_places(api: httpx.Client) -> None:
    body = {"documents": [{"kind": "tenant", "name": "x"}, {"kind": "tenat"}]}
    refused = refusal(api.post("/v1/apply", json=body), EdgeCode.INVALID)
    *missing, wrong = [refused, *refused["others"]]
    assert {problem["subject"] for problem in missing} == {"documents[0].title", "documents[0].approver"}
    assert (wrong["code"], wrong["subject"]) == (EdgeCode.INVALID, "documents[1].kind")
    assert "did you mean tenant?" in wrong["text"]
    assert "tenant" in wrong["accepted"]


def test_a_drain_and_a_loss_and_their_ends(api: httpx.Client) -> None:
    assert api.post("/v1/drains", json=PERSON | {"target": "site/h100"}).status_code == 200
    waiting = submit(api, "drained")
    until(api, waiting, lambda told: any("drained" in line for line in told["waits_because"]))
    assert api.delete("/v1/drains/site/h100", params=PERSON).status_code == 200
    refusal(api.delete("/v1/drains/site/h100", params=PERSON), RefusalCode.WRONG_STATE)
    until(api, waiting, succeeded)
    until(api, lives := submit(api, "lives-on", "sleep 60"), started)
    assert api.post(f"/v1/providers/{PROVIDER}/declare-lost", json=PERSON).status_code == 200
    refusal(api.post(f"/v1/providers/{PROVIDER}/declare-lost", json=PERSON), RefusalCode.WRONG_STATE)
    codes = {alarm["code"] for alarm in api.get("/v1/status").json()["alarms"]}
    assert "provider_lost" in codes
    # The loss and the fences it led to are of one record: what was in use before it stands before both.
    before = next(line for line in api.get("/v1/report").json()["concentration"] if "before the loss" in line["when"])
    assert before["chips"][PROVIDER] > 0
    assert api.post(f"/v1/providers/{PROVIDER}/restore", json=PERSON).status_code == 200
    assert api.delete(f"/v1/workloads/{lives}", params=PERSON).status_code == 200
    refusal(api.post("/v1/providers/other/restore", json=PERSON), RefusalCode.NOT_FOUND)


def test_an_override_names_its_rule(api: httpx.Client) -> None:
    workload_id = submit(api, "overridden", "sleep 60")
    body = PERSON | {"rule": "priority", "priority": 7}
    assert api.post(f"/v1/workloads/{workload_id}/override", json=body).status_code == 200
    assert api.get(f"/v1/workloads/{workload_id}").json()["row"]["priority"] == 7
    wrong = api.post(f"/v1/workloads/{workload_id}/override", json=PERSON | {"rule": "clause"})
    assert refusal(wrong, EdgeCode.INVALID)["accepted"] == "quota or priority"
    api.delete(f"/v1/workloads/{workload_id}", params=PERSON)


def test_the_clock_moves_forwards_only(api: httpx.Client) -> None:
    before = api.get("/v1/clock").json()
    assert before["scenario"] is True
    assert api.post("/v1/clock", json={"by": "1h"}).status_code == 200
    assert api.get("/v1/clock").json()["contract_ms"] == before["contract_ms"] + 3_600_000
    refusal(api.post("/v1/clock", json={"to": "2024-01-01"}), RefusalCode.CLOCK_BACKWARDS)
    refusal(api.post("/v1/clock", json={"declare": "2026-01-01"}), RefusalCode.CLOCK_BACKWARDS)
    refusal(api.post("/v1/clock", json={"to": "2027-01-01", "by": "1h"}), EdgeCode.INVALID)


def test_the_report_adds_up(api: httpx.Client) -> None:
    until(api, submit(api, "reported"), succeeded)
    report = api.get("/v1/report").json()
    assert "reported" in {run["name"] for run in report["runs"]}
    assert not any(report["imbalance_micro"].values())
    assert report["total"]["chip_ms"] == sum(line["chip_ms"] for line in report["by_provider"])


def test_contracts_on_record_are_checked_against_each_other(api: httpx.Client) -> None:
    found = api.get("/v1/conflicts").json()
    assert (found["conflicts"], found["unsettled"]) == ([], "")
    assert found["contracts"] > 0


def test_a_backup_is_a_new_file(api: httpx.Client, tmp_path: Path) -> None:
    target = tmp_path / "copy.sqlite3"
    assert api.post("/v1/backup", json={"file": str(target)}).json()["file"] == str(target)
    assert target.stat().st_size > 0
    refusal(api.post("/v1/backup", json={"file": str(target)}), EdgeCode.INVALID)
    refusal(api.post("/v1/backup", json={"file": "relative"}), EdgeCode.INVALID)
    refusal(api.post("/v1/backup", json={"file": str(tmp_path / "none" / "copy")}), EdgeCode.INVALID)


def test_metrics_count(api: httpx.Client) -> None:
    until(api, submit(api, "counted"), succeeded)
    text = api.get("/metrics").text
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(figures["multihome_journal_seq"]) >= 3
    assert float(figures["multihome_commit_seconds_count"]) > 0
    assert float(figures["multihome_rounds"]) > 0
    assert float(figures["multihome_round_milliseconds"]) >= 0
    assert float(figures['multihome_http_answers_total{method="POST",status="200"}']) > 0
    assert float(figures['multihome_chips_delivered{pool="site/h100"}']) == 64


def test_health_says_the_version(running: Plane) -> None:
    health = httpx.get(f"{running.info.address}/healthz", trust_env=False).json()
    assert health == {"version": "0.1.0", "journal_error": ""}


def test_a_delivery_twice_is_settled(api: httpx.Client) -> None:
    fields = {name: text for name, _, text in (line.partition(": ") for line in DELIVERY.splitlines())}
    again = {"documents": [fields | {"domains": 3}]}
    refusal(api.post("/v1/apply", json=again), RefusalCode.SETTLED)


def test_procurement_says_what_it_does_not_know(api: httpx.Client) -> None:
    part = {"chips": 8, "starts": "2025-07-01", "ends": "2025-09-01"} | PERSON
    assert api.get("/v1/offers").json() == {"offers": []}
    assert api.get("/v1/needs").json() == {"needs": []}
    assert api.get("/v1/notices").json() == {"notices": []}
    assert api.get("/v1/awards").json() == {"awards": []}
    refusal(api.post("/v1/notices", json=part | {"offer": "ghost", "clause": "order/rofr"}), "not_found")
    asked = part | {
        "clause": "order/rofr",
        "accelerator": "H100-SXM-80GB",
        "region": "east",
        "rate_usd_per_chip_hour": "2.50",
    }
    refusal(api.post("/v1/needs/ghost/notices", json=asked), "not_found")
    refusal(api.post("/v1/notices/N-0/answer", json={"answer": "declined"} | PERSON), "not_found")
    refusal(api.post("/v1/notices/N-0/answer", json={"answer": "lapsed"} | PERSON), "invalid")
    refusal(api.post("/v1/awards", json=part | {"offer": "ghost"}), "not_found")
    misspelt = refusal(api.post("/v1/needs/ghost/notices", json=asked | {"accelerator": "h10"}), "invalid")
    assert "H100-SXM-80GB" in str(misspelt)
    refusal(api.post("/v1/needs/ghost/notices", json=asked | {"accelerator": "h100"}), "not_found")
    misspelt = refusal(
        api.post("/v1/notices/N-0/answer", json={"answer": "matched", "accelerator": "h10"} | PERSON), "invalid"
    )
    assert "H100-SXM-80GB" in str(misspelt)
    refusal(api.post("/v1/awards", json=part | {"offer": "ghost"}, params={"dry_run": "true"}), "not_found")
    for kind in ("offers", "needs", "notices"):
        refusal(api.get(f"/v1/{kind}/ghost"), "not_found")
    refusal(api.get("/v1/was-allowed/A-0"), "not_found")
    refusal(api.get("/v1/was-allowed/order/h100", params={"as_of": "soon"}), "invalid")
    judged = api.get("/v1/was-allowed/order/h100").json()
    assert (judged["kind"], judged["then"]["verdict"], judged["now"]["verdict"]) == ("tranche", "allowed", "allowed")


def test_deliveries_and_ends_say_what_they_do_not_know(api: httpx.Client) -> None:
    [row] = api.get("/v1/tranches").json()["tranches"]
    assert (row["id"], row["phase"], row["may_follow"]) == ("order/h100", "accepted", ["order_ended"])
    assert api.get("/v1/tranches/order/h100").json() == row
    assert refusal(api.get("/v1/tranches/order/ghost"), RefusalCode.NOT_FOUND)["accepted"] == "order/h100"
    assert api.get("/v1/credits").json() == {"credits": []}
    steps = "/v1/tranches/order/h100/steps"
    refusal(api.post(steps, json=PERSON | {"step": "testing"}), RefusalCode.WRONG_STATE)
    refusal(api.post(steps, json=PERSON | {"step": "order_ended"}), RefusalCode.NOT_PERMITTED)
    refusal(api.post(steps, json=PERSON | {"step": "gone"}), EdgeCode.INVALID)
    for extra in ({"domains": 1}, {"promised": "2026-01-01"}):
        refusal(api.post(steps, json=PERSON | {"step": "confirmed"} | extra), EdgeCode.INVALID)
    refusal(api.post("/v1/tranches/ghost/h100/steps", json=PERSON | {"step": "testing"}), RefusalCode.NOT_FOUND)
    refusal(api.post("/v1/credits/order/h100/claim", json=PERSON), RefusalCode.WRONG_STATE)
    refusal(api.post("/v1/contracts/order/breach", json=PERSON | {"cause": "fire"}), RefusalCode.NOT_PERMITTED)
    refusal(api.post("/v1/contracts/order/cure", json=PERSON), RefusalCode.WRONG_STATE)
    ends = "/v1/contracts/order/terminate"
    head = api.get("/v1/journal/head").json()["seq"]
    for query in ({}, {"dry_run": "true"}):
        body = PERSON | {"ground": "convenience"}
        refusal(api.post(ends, params=query, json=body), RefusalCode.NOT_PERMITTED)
        refusal(api.post(ends, params=query, json=body | {"cause": "fire"}), EdgeCode.INVALID)
    causes = [line for line in _changes(api, head) if '"cause":"Terminate"' in line]
    assert len(causes) == 1, "what is only asked is not kept"
