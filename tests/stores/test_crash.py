"""SQLite under SIGKILL and without room. What a power cut does to unflushed files, no test here can show."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from multihome.adapters.relational.sqlite import open_sqlite
from multihome_verify.chain import Anchor, verify_chain

KILLS = 20


def child(mode: str, directory: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.stores.writer_child", mode, str(directory)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def acknowledged_before_a_kill(mode: str, directory: Path, dice: random.Random) -> int:
    """Let a child append, kill it at a random moment, and return the last number it acknowledged."""
    with child(mode, directory) as process:
        assert process.stdout is not None
        seen = [process.stdout.readline() for _ in range(dice.randrange(1, 20))]
        time.sleep(dice.random() * 0.005)
        process.kill()
        # What was cut off in the middle of a line was not acknowledged.
        whole_lines = [line for line in process.stdout if line.endswith(b"\n")]
    return int([*seen, *whole_lines][-1])


def kills_until_a_loss(mode: str, directory: Path) -> int | None:
    """After how many kills something acknowledged was gone; what is left must always be a chain and whole batches."""
    dice = random.Random(20261123)
    for kills in range(1, KILLS + 1):
        acknowledged = acknowledged_before_a_kill(mode, directory, dice)
        journal = open_sqlite(directory, "tests 1")
        seq, hash_ = journal.head()
        assert verify_chain(((row.seq, row.body, row.hash) for row in journal.read(0)), Anchor(seq, hash_)) == []
        assert seq % 8 == 0
        assert len(journal.history("run", limit=1_000_000)) == seq
        journal.close()
        if seq < acknowledged:
            return kills
    return None


@pytest.mark.timeout(180)
def test_no_kill_loses_what_was_acknowledged(tmp_path: Path) -> None:
    assert kills_until_a_loss("honest", tmp_path) is None


@pytest.mark.timeout(180)
def test_control_a_store_that_acknowledges_too_early_is_caught(tmp_path: Path) -> None:
    assert kills_until_a_loss("hasty", tmp_path) is not None


def test_without_room_appends_fail_reads_go_on_and_writing_resumes_by_itself(tmp_path: Path) -> None:
    with child("starved", tmp_path) as process:
        output, _ = process.communicate()
    found = json.loads(output)
    assert process.returncode == 0
    assert len(found["refusals"]) == 4
    assert found["whole_batches"]
    assert found["read_while_full"]
    assert found["went_on"]
    assert found["history_rows"] == found["head"][0]
    journal = open_sqlite(tmp_path, "tests 1")
    assert list(journal.head()) == found["head"]
    assert verify_chain(((row.seq, row.body, row.hash) for row in journal.read(0)), Anchor(*journal.head())) == []
    journal.close()
