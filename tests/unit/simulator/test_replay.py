"""Replays reckoned by hand: exact completion, rounds, restarts, whole gangs, and going on from a checkpoint."""

from pathlib import Path

import msgspec
import pytest

from multihome.adapters.journal_memory import MemoryDisk, MemoryJournal
from multihome.controller.invariants import check
from multihome.controller.occupancy import occupancy, recounted
from multihome.domain.policy import Objective, Order, PlacementPolicy, Preemption
from multihome.runtime.loop import replay as replay_journal
from multihome.simulator.replay.checkpoint import load_checkpoint, save_checkpoint
from multihome.simulator.replay.cluster import parse_cluster
from multihome.simulator.replay.driver import Replay, ReplayError, Story
from multihome.simulator.replay.jobs import replay_jobs
from multihome.simulator.results.summary import summary
from multihome.simulator.traces.facts import Trace, TraceJob
from tests.replays import FIFO, RATES, SHORTEST, ends_s, job, lasting, replayed, row, story

EACH_EVENT = msgspec.structs.replace(FIFO, round_ms=0)
MIXED = (
    job("long", 0, 4_000),
    job("wide", 0, 800, chips=2),
    job("late", 130, 100),
    job("other", 250, 150, model="only-b"),
    job("last", 410, 300, chips=2),
)


def test_a_job_ends_exactly_at_its_time_and_its_chips_come_free_at_the_boundary() -> None:
    results = replayed([job("one", 0, 300), job("two", 0, 100)], "a:1", FIFO)
    # A start takes 10 s, 300 steps at 2 a second take 150 s; the next boundary is at 200 s.
    assert ends_s(results) == {"one": 160, "two": 260}
    assert row(results, "two").first_start_ms == 200_000


def test_with_rounds_of_no_length_chips_come_free_at_once() -> None:
    results = replayed([job("one", 0, 300), job("two", 0, 100)], "a:1", EACH_EVENT)
    assert ends_s(results) == {"one": 160, "two": 220}


def test_an_arrival_within_a_round_waits_for_its_end() -> None:
    assert ends_s(replayed([job("one", 1, 20)], "a:1", FIFO)) == {"one": 120}
    assert ends_s(replayed([job("one", 1, 20)], "a:1", EACH_EVENT)) == {"one": 21}
    assert ends_s(replayed([job("one", 200, 20)], "a:1", FIFO)) == {"one": 220}


def test_a_move_keeps_what_was_done_and_charges_a_restart() -> None:
    results = replayed([job("long", 0, 1_000), job("short", 50, 60)], "a:1", SHORTEST)
    # Until 100 s `long` does 90 s of 2 steps. `short` starts at 100 s, ends at 140 s; at 200 s `long` goes on.
    assert ends_s(results) == {"short": 140, "long": 200 + 10 + (1_000 - 180) / 2}
    long = row(results, "long")
    assert (long.preemptions, long.restarts, long.lost_ms) == (1, 1, 20_000)
    assert row(results, "short").rho_milli == 3_000


def test_a_gang_moves_to_better_chips_in_the_instant_in_which_they_come_free() -> None:
    results = replayed([job("first", 0, 100), job("second", 0, 1_000)], "a:1,b:1", SHORTEST)
    # `first` is shorter and takes `a`; `second` does 90 steps on `b` until 100 s, when `a` is free, and moves.
    assert ends_s(results) == {"first": 60, "second": 100 + 10 + (1_000 - 90) / 2}
    assert set(row(results, "second").accelerators) == {"a", "b"}


def test_a_wide_gang_starts_in_the_instant_in_which_another_leaves_for_it() -> None:
    jobs = [job("long", 0, 2_000), job("wide", 150, 40, chips=2)]
    results = replayed(jobs, "a:2,b:1", SHORTEST)
    # `long` gives up `a` at 200 s and goes to `b` in the same instant; `wide` does 40 steps at 4 a second.
    assert ends_s(results)["wide"] == 220
    assert set(row(results, "long").accelerators) == {"a", "b"}
    assert row(results, "long").lost_ms >= 20_000


def test_first_come_is_never_overtaken() -> None:
    jobs = [lasting("one", 0, 150), lasting("wide", 1, 10, chips=2), lasting("small", 2, 10)]
    # `small` would fit beside `one`, and waits behind `wide` all the same.
    assert ends_s(replayed(jobs, "gpu:2", EACH_EVENT)) == {"one": 160, "wide": 180, "small": 200}
    cheapest = msgspec.structs.replace(EACH_EVENT, order=Order.CHEAPEST)
    assert ends_s(replayed(jobs, "gpu:2", cheapest)) == {"one": 160, "small": 22, "wide": 180}


def test_priority_goes_first_and_is_not_overtaken() -> None:
    jobs = [job("one", 0, 200), job("low", 1, 20), job("high", 2, 20, weight=5)]
    priority = msgspec.structs.replace(EACH_EVENT, order=Order.PRIORITY)
    assert ends_s(replayed(jobs, "a:1", priority)) == {"one": 110, "high": 130, "low": 150}


def test_cheapest_goes_where_work_costs_least() -> None:
    cheapest = msgspec.structs.replace(EACH_EVENT, order=Order.CHEAPEST)
    assert row(replayed([job("one", 0, 20)], "a:1@3,b:1@1", cheapest), "one").accelerators == ("b",)
    assert row(replayed([job("one", 0, 20)], "a:1@1.9,b:1@1", cheapest), "one").accelerators == ("a",)


def test_long_work_begins_first_where_the_makespan_counts() -> None:
    makespan = msgspec.structs.replace(SHORTEST, objective=Objective.MAKESPAN)
    results = replayed([job("short", 0, 100), job("long", 0, 1_000)], "a:1", makespan)
    assert row(results, "long").first_start_ms == 0
    assert row(results, "short").first_start_ms > 0


def test_whoever_was_served_least_goes_first_under_max_min() -> None:
    fair = PlacementPolicy(
        order=Order.MAX_MIN, objective=Objective.FAIRNESS, preemption=Preemption.ROUNDS, round_ms=100_000, restart_ms=0
    )
    results = replayed([job("one", 0, 800), job("two", 0, 800)], "a:1", fair)
    ended = ends_s(results)
    # Turn by turn: each needs 400 s alone, and neither ends before the other has had most of its own.
    assert min(ended.values()) >= 600
    assert max(ended.values()) == 800


def test_no_gang_is_split_and_no_pool_overdrawn() -> None:
    looked = 0

    def look(replay: Replay) -> None:
        nonlocal looked
        state = replay.runtime.state
        assert check(state, replay.runtime.now()) == ()
        assert occupancy(state) == recounted(state)
        for run in state.runs.values():
            assert run.allocation.chips == replay.runtime.state.workloads[run.workload_id].spec.num_nodes
            looked += 1

    for policy in (SHORTEST, FIFO, msgspec.structs.replace(SHORTEST, order=Order.MAX_MIN)):
        results = Replay(story(MIXED, "a:2/1,b:2/1", policy), None).run(look)
        assert summary(results).ended == len(MIXED)
        assert (results.rounds.used_chips <= results.rounds.capacity_chips).all()
    assert looked > 20


def test_the_journal_of_a_replay_is_the_replay() -> None:
    disk = MemoryDisk()
    replay = Replay(story(MIXED, "a:2,b:2", SHORTEST), None, MemoryJournal(disk))
    replay.run(lambda _: None)
    state, seq, head = replay_journal(MemoryJournal(disk))
    assert (seq, head) == replay.runtime.head
    assert state == replay.runtime.state


def test_equal_stories_have_equal_heads_and_seeds_tell_them_apart() -> None:
    heads = set()
    for seed in (1, 1, 2):
        replay = Replay(story(MIXED, "a:2,b:2", SHORTEST, seed), None)
        replay.run(lambda _: None)
        heads.add(replay.runtime.head)
    assert len(heads) == 2


@pytest.mark.parametrize("policy", [SHORTEST, FIFO, EACH_EVENT], ids=["moves", "fifo", "events"])
@pytest.mark.parametrize("after_rounds", [1, 4, 8])
def test_going_on_from_a_checkpoint_ends_the_same(tmp_path: Path, policy: PlacementPolicy, after_rounds: int) -> None:
    told = story(MIXED, "a:2,b:1", policy)
    whole = Replay(told, None)
    expected = whole.run(lambda _: None)
    file = tmp_path / "kept"
    seen = 0

    def keep(replay: Replay) -> None:
        nonlocal seen
        seen += 1
        if seen == after_rounds:
            save_checkpoint(replay, file)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Replay(told, None).run(keep)
    again = Replay(told, load_checkpoint(file, told))
    found = again.run(lambda _: None)
    assert again.runtime.head == whole.runtime.head
    assert ends_s(found) == ends_s(expected)
    assert summary(found) == summary(expected)


def test_a_checkpoint_of_another_story_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    save_checkpoint(Replay(story(MIXED, "a:2,b:2", SHORTEST), None), file)
    with pytest.raises(ReplayError, match="another simulation"):
        load_checkpoint(file, story(MIXED[:2], "a:2,b:2", SHORTEST))
    file.write_bytes(b"nothing")
    with pytest.raises(ReplayError, match="is no checkpoint"):
        load_checkpoint(file, story(MIXED[:2], "a:2,b:2", SHORTEST))
    with pytest.raises(ReplayError, match="leave out --resume"):
        load_checkpoint(tmp_path / "none", story(MIXED[:2], "a:2,b:2", SHORTEST))


def test_a_trace_s_tenants_are_tenants() -> None:
    results = replayed([lasting("one", 0, 10, tenant="VC 7"), lasting("two", 0, 10)], "gpu:2", FIFO)
    assert results.jobs.tenant == ("trace/vc-7", "trace")


def test_cost_is_chips_times_hours_until_the_control_plane_knew() -> None:
    results = replayed([lasting("one", 0, 3_590, chips=2)], "gpu:2@2.5", msgspec.structs.replace(FIFO, round_ms=0))
    assert row(results, "one").cost_micro_usd == 5_000_000
    assert row(results, "one").chip_ms == 7_200_000


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("a", "'a' is no pool; write NAME:CHIPS"),
        ("a:0", "from 1 to 1,000,000 chips"),
        ("a:7/2", "7 chips are no whole number of nodes of 2"),
        ("a:8/0", "8 chips are no whole number of nodes of 0"),
        ("a:1,a:2", "a stands twice"),
        ("a:1@1001", "at most 1,000 USD"),
        ("", "'' is no pool"),
        (",".join(f"a{n}:1" for n in range(65)), "at most 64"),
    ],
)
def test_a_cluster_that_is_none_is_told(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        parse_cluster(text)


@pytest.mark.parametrize(
    ("bad", "cluster", "wrong"),
    [
        (job("x", 0, 1, chips=2), "a:1", "fits no pool of a:1"),
        (job("x", 0, 1, model="only-b"), "a:1", "no rate above 0 is known for ('only-b', 1) on any of a:1"),
        (lasting("x", 0, 1), "a:1,b:1", "give a cluster of one type"),
    ],
)
def test_a_job_that_can_run_nowhere_is_told(bad: TraceJob, cluster: str, wrong: str) -> None:
    trace = Trace("small", "test", 0, (bad,), (), (), ())
    _, problems = replay_jobs(trace, parse_cluster(cluster), RATES)
    assert [problem.job for problem in problems] == ["x"]
    assert wrong in problems[0].text


def test_what_will_never_run_ends_the_replay() -> None:
    # Two nodes of one chip each hold no gang of three: the control plane refuses it when it is submitted.
    told = story([job("one", 0, 10)], "a:1", EACH_EVENT)
    gang = msgspec.structs.replace(told.jobs[0].spec, num_nodes=3)
    wide = msgspec.structs.replace(told.jobs[0], spec=gang)
    with pytest.raises(ReplayError, match="fits no domain"):
        Replay(Story("small", 0, (wide,), told.pools, EACH_EVENT, 0), None).run(lambda _: None)
