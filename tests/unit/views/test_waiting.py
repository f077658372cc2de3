"""Whatever waits says exactly why, and a pause says how the last attempt ended and when the next one comes."""

from collections.abc import Callable
from typing import get_args

import msgspec
import pytest

from multihome.controller.reconcile import ABSENCES_MIN
from multihome.controller.state import State
from multihome.domain.commands import Apply, Cancel, Drain, LaunchRefused
from multihome.domain.ids import Generation, WorkloadId
from multihome.domain.placements import Blocker
from multihome.domain.runs import AttemptEnd, Outcome, ReportState, StopCause
from multihome.domain.workloads import Infra, RestartPolicy
from multihome.units.time import MS_PER_DAY
from multihome.views.explain import Explanation, explain
from multihome.views.status import WorkloadRow, unit_rows, workload_row
from multihome.views.words import _NEAREST_FIRST, NOT_LOOKED_AT, describe, nearness
from tests.builders import contract, first_refusal, quota, service, tenant, training
from tests.control import Control, installed, replayed

PAUSING = RestartPolicy(restarts_max=9, backoff_ms=12_000, backoff_ms_max=600_000)


def row(control: Control, workload_id: WorkloadId) -> WorkloadRow:
    return workload_row(control.state, control.workload(workload_id), control.now)


def told(control: Control, workload_id: WorkloadId) -> Explanation:
    found = explain(control.state, [], workload_id, control.now)
    assert found is not None
    return found


def failing(control: Control, workload_id: WorkloadId, **more: object) -> None:
    """Place the unit's next attempt, and let it end."""
    control.place()
    run_id = control.started(control.run_of(workload_id).id)
    control.hear(control.report(run_id, ReportState.ENDED, **more))


def test_what_no_round_has_looked_at_says_so() -> None:
    control = installed()
    workload_id = control.submit(training())
    assert row(control, workload_id).waits_for == NOT_LOOKED_AT
    assert told(control, workload_id).waits_because == (NOT_LOOKED_AT,)
    control.place()
    assert row(control, workload_id).waits_for == ""
    assert told(control, workload_id).waits_because == ()


def test_a_pause_says_how_the_last_attempt_ended_and_when_it_is_tried_again() -> None:
    control = installed()
    workload_id = control.submit(training(restart=PAUSING))
    failing(control, workload_id, exit_code=1)
    control.wait(12_000)
    failing(control, workload_id, exit_code=3, detail="rank 0 exited with 3")
    control.wait(500)
    text = "backing off after attempt 2 failed: exit code 3, rank 0 exited with 3; tried again in 24s"
    shown = row(control, workload_id)
    assert (shown.state, shown.waits_for) == ("backing_off", text)
    assert told(control, workload_id).waits_because == (text,)
    (unit,) = unit_rows(control.state, control.workload(workload_id), control.now)
    assert unit.back_off is not None
    assert unit.back_off.last_end == AttemptEnd(
        generation=Generation(2), outcome=Outcome.FAILED, exit_code=3, text="rank 0 exited with 3"
    )
    assert unit.back_off.until_process_ms == control.process_ms - 500 + 24_000
    control.wait(23_499)
    assert row(control, workload_id).waits_for.endswith("tried again in 1s")
    control.wait(1)
    assert (row(control, workload_id).state, row(control, workload_id).waits_for) == ("waiting", NOT_LOOKED_AT)


def test_a_pause_without_more_to_say_names_the_exit_code() -> None:
    control = installed()
    workload_id = control.submit(training(restart=PAUSING))
    failing(control, workload_id, exit_code=1)
    assert row(control, workload_id).waits_for == "backing off after attempt 1 failed: exit code 1; tried again in 12s"


def test_a_pause_after_a_stall_a_refusal_and_a_loss_names_each() -> None:
    control = installed()
    workload_id = control.submit(training(restart=PAUSING, stall_ms=60_000))
    control.place()
    run_id = control.started(control.run_of(workload_id).id)
    control.wait(60_000)
    control.tick()
    control.hear_ended(run_id, 143)
    shown = row(control, workload_id).waits_for
    assert shown == "backing off after attempt 1 was stopped: stalled for 1m; tried again in 12s"
    end = control.workload(workload_id).units[0].last_end
    assert end is not None
    assert (end.stop_cause, end.exit_code) == (StopCause.STALLED, 143)
    control.wait(12_000)
    control.place()
    control.tell(LaunchRefused(run_id=control.run_of(workload_id).id, error="no such image"))
    assert "after attempt 2 never started: no such image; " in row(control, workload_id).waits_for
    control.wait(24_000)
    control.place()
    control.started(control.run_of(workload_id).id)
    for _ in range(ABSENCES_MIN + 1):
        control.wait(10_000)
        control.hear()
    assert "after attempt 3 vanished: not mentioned" in row(control, workload_id).waits_for


def test_of_several_units_each_pause_is_named() -> None:
    control = installed()
    workload_id = control.submit(service(replicas=9, restart=PAUSING))
    control.place()
    for unit in range(8):
        control.started(control.run_of(workload_id, unit).id)
    control.hear_ended(control.run_of(workload_id, 3).id, 1)
    reasons = told(control, workload_id).waits_because
    assert reasons[-1] == "unit 3: backing off after attempt 1 failed: exit code 1; tried again in 12s"
    assert len(reasons) > 1, "the ninth waits for room"


def test_what_was_cancelled_waits_for_no_round() -> None:
    control = installed()
    workload_id = control.submit(service(replicas=9))
    control.place()
    control.do(Cancel(workload=workload_id, actor="ann", why="over"))
    assert row(control, workload_id).waits_for == "it was cancelled: nothing of it is started any more"


def snapshot_read(control: Control) -> State:
    return msgspec.json.decode(msgspec.json.encode(control.state), type=State)


@pytest.mark.parametrize("read", [replayed, snapshot_read])
def test_the_last_end_survives_a_replay_and_a_snapshot(read: Callable[[Control], State]) -> None:
    control = installed()
    workload_id = control.submit(training(restart=PAUSING))
    failing(control, workload_id, exit_code=1)
    control.state = read(control)
    assert row(control, workload_id).waits_for.startswith("backing off after attempt 1 failed: exit code 1")


def test_the_date_from_which_an_award_could_be_permitted_moves_with_the_time() -> None:
    rights = contract("beta", clauses=(first_refusal(),))
    control = installed(rights)
    workload_id = control.submit(training(infra=Infra(provider="alpha")))
    control.place()
    before = row(control, workload_id).waits_for
    assert "could be permitted from" in before
    control.wait(5 * MS_PER_DAY)
    assert control.place().events == ()
    after = row(control, workload_id).waits_for
    assert after != before
    assert after == told(control, workload_id).waits_because[0]


def test_a_row_shows_the_room_and_the_quota_of_now_and_not_of_the_round_that_found_the_reason() -> None:
    control = installed(tenant("lab/red", quota(24)))
    first = control.submit(service(replicas=3))
    control.place()
    large = control.submit(training("large", num_nodes=2))
    control.place()
    assert "quota q of lab/red is 24 chips, 24 used, 16 asked, 0 to borrow" in row(control, large).waits_for
    control.do(Apply(documents=(tenant("lab/red", quota(32)),), workloads=()))
    control.hear_ended(control.run_of(first, 2).id, 0)
    shown = row(control, large)
    assert "quota q of lab/red is 32 chips, 16 used, 16 asked, 0 to borrow" in shown.waits_for


def test_a_row_shows_the_free_chips_of_now() -> None:
    control = installed()
    workload_id = control.submit(service(replicas=9))
    control.place()
    assert row(control, workload_id).waits_for.endswith("needs 8 chips in one domain, largest free 0")
    control.hear_ended(control.run_of(workload_id, 0).id, 0)
    assert row(control, workload_id).waits_for.endswith("needs 8 chips in one domain, largest free 8")


def test_the_reason_nearest_to_passing_comes_first_and_the_others_are_counted() -> None:
    control = installed()
    control.submit(service(replicas=8))
    control.place()
    control.do(Drain(target="beta", actor="ops", why="maintenance"))
    workload_id = control.submit(training(num_nodes=2))
    control.place()
    blockers = control.state.class_blockers[control.workload(workload_id).class_id]
    shown = row(control, workload_id)
    assert shown.waits_for == describe(min(blockers, key=nearness))
    assert shown.more_reasons == len(blockers) - 1 > 0


def test_every_reason_has_a_nearness_of_its_own() -> None:
    assert sorted(_NEAREST_FIRST, key=str) == sorted(get_args(Blocker), key=str)
