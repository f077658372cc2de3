"""The example programs, run as Multihome runs them: real processes, each rank with a loopback address of its own."""

import fcntl
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import checkpoint, model

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
WAIT_SECONDS_MAX = 20.0
WORDS = (
    "a",
    "contract",
    "names",
    "chips",
    "that",
    "provider",
    "owes",
    "to",
    "those",
    "who",
    "pay",
    "for",
    "them",
    "when",
)


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.01)


def gang_addresses(ranks: int) -> list[str]:
    """A loopback address for each rank, such as no other gang is likely to have."""
    network = f"127.{random.randint(16, 250)}.{random.randint(0, 255)}"
    return [f"{network}.{rank + 1}" for rank in range(ranks)]


@dataclass
class Gang:
    """Starts trainers that share a directory, and kills what is left of them at the end."""

    home: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def checkpoints(self) -> Path:
        return self.home / "checkpoints"

    def steps_saved(self) -> list[int]:
        return sorted(int(path.stem.removeprefix("step-")) for path in self.checkpoints.glob("step-*.npz"))

    def progress(self) -> dict[str, Any]:
        try:
            return json.loads((self.home / "progress.json").read_text())
        except FileNotFoundError:
            return {"step": 0, "checkpoint_step": 0}

    def spawn(self, program: str, *words: str, **envs: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(EXAMPLES / program), *words],
            env={**os.environ, **envs},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def train(self, ranks: int, *words: str, generation: int = 1, saved: bool = True) -> list[subprocess.Popen[str]]:
        addresses = gang_addresses(ranks)
        return [self.rank(addresses, rank, *words, generation=generation, saved=saved) for rank in range(ranks)]

    def rank(
        self, addresses: list[str], rank: int, *words: str, generation: int = 1, saved: bool = True
    ) -> subprocess.Popen[str]:
        envs = {
            "MULTIHOME_NODE_IPS": "\n".join(addresses),
            "MULTIHOME_NODE_RANK": str(rank),
            "MULTIHOME_GENERATION": str(generation),
            "MULTIHOME_CHECKPOINT_INTERVAL_STEPS": "5",
        }
        if saved:
            envs["MULTIHOME_CHECKPOINT_DIR"] = str(self.checkpoints)
            envs["MULTIHOME_PROGRESS_FILE"] = str(self.home / "progress.json")
        corpus = str(self.home / "corpus.txt")
        return self.spawn("train.py", "--corpus", corpus, "--log-every-steps", "1", *words, **envs)


@pytest.fixture
def gang(tmp_path: Path) -> Iterator[Gang]:
    dice = random.Random(7)
    (tmp_path / "corpus.txt").write_text(" ".join(dice.choice(WORDS) for _ in range(2_000)))
    gang = Gang(tmp_path)
    yield gang
    for process in gang.started:
        process.kill()
        process.communicate()


def end(processes: list[subprocess.Popen[str]], seconds_max: float = WAIT_SECONDS_MAX) -> tuple[list[int], str]:
    """The exit codes of all ranks, and what rank 0 printed."""
    deadline = time.monotonic() + seconds_max
    outputs = [process.communicate(timeout=max(0.1, deadline - time.monotonic()))[0] for process in processes]
    return [process.returncode for process in processes], outputs[0]


def losses(output: str) -> dict[int, str]:
    """The loss of each step, in the digits that were printed."""
    return {int(step): loss for step, loss in re.findall(r"^step (\d+) loss (\S+)", output, re.MULTILINE)}


def test_gradient_agrees_with_finite_differences() -> None:
    shape = model.Shape(context=4, embedding=3, width=5)
    generator = np.random.default_rng(3)
    flat = model.initial_parameters(shape, seed=2).astype(np.float64) * 3.0
    windows = generator.integers(97, 103, (8, shape.context)).astype(np.uint8)
    targets = generator.integers(97, 103, 8).astype(np.uint8)
    _, gradient = model.loss_and_gradient(flat, shape, windows, targets)
    # Most of the embedding and of the output belongs to bytes that do not occur: look where there is something to see.
    touched = np.flatnonzero(np.abs(gradient) > 1e-4)
    assert all(np.any(block) for block in model.views(gradient, shape).values())
    for index in generator.choice(touched, 200, replace=False):
        nudge = np.zeros_like(flat)
        nudge[index] = 1e-5
        above, _ = model.loss_and_gradient(flat + nudge, shape, windows, targets)
        below, _ = model.loss_and_gradient(flat - nudge, shape, windows, targets)
        assert gradient[index] == pytest.approx((above - below) / 2e-5, rel=1e-4, abs=1e-8)


def test_loss_falls_by_two_nats_in_150_steps(gang: Gang) -> None:
    codes, output = end(gang.train(1, "--steps", "150", saved=False))
    curve = [float(loss) for loss in losses(output).values()]
    assert codes == [0]
    assert len(curve) == 150
    assert curve[0] == pytest.approx(np.log(256), abs=0.1)
    assert float(np.mean(curve[-10:])) < curve[0] - 2.0


def test_any_number_of_ranks_sees_the_same_losses(gang: Gang) -> None:
    gangs = [gang.train(ranks, "--steps", "15", saved=False) for ranks in (1, 2, 3, 4)]
    curves: list[list[float]] = []
    for processes in gangs:
        codes, output = end(processes)
        assert codes == [0] * len(processes), output
        curves.append([float(loss) for loss in losses(output).values()])
    assert len(curves[0]) == 15
    assert curves[0][-1] < curves[0][0]
    for curve in curves[1:]:
        assert curve == pytest.approx(curves[0], abs=1e-5)


def test_a_killed_gang_resumes_as_if_nothing_had_happened(gang: Gang) -> None:
    uninterrupted = gang.train(2, "--steps", "40", saved=False)
    ranks = gang.train(2, "--steps", "40", "--step-seconds-min", "0.02")
    wait_until(lambda: gang.progress()["step"] >= 17)
    ranks[0].kill()
    codes, before = end(ranks, seconds_max=5.0)
    assert codes == [-signal.SIGKILL, 69]
    saved = gang.progress()["checkpoint_step"]
    assert 15 <= saved < 40

    codes, after = end(gang.train(2, "--steps", "40", generation=2))
    assert codes == [0, 0]
    # The kill may have come between a checkpoint and its mention in the progress file.
    resumed = int(re.findall(r"resumed at step (\d+)", after)[0])
    assert resumed in (saved, saved + 5)
    _, whole = end(uninterrupted)
    expected = losses(whole)
    assert len(expected) == 40
    assert losses(after) == {step: loss for step, loss in expected.items() if step > resumed}
    assert losses(before).items() <= expected.items()
    assert gang.progress()["step"] == gang.progress()["checkpoint_step"] == 40
    assert gang.steps_saved() == [35, 40]


@pytest.mark.parametrize("asked", [0, 1])
def test_a_stop_asked_of_any_rank_saves_and_ends_all(gang: Gang, asked: int) -> None:
    ranks = gang.train(2, "--steps", "1000", "--step-seconds-min", "0.3")
    wait_until(lambda: gang.progress()["step"] >= 2)
    ranks[asked].send_signal(signal.SIGTERM)
    codes, output = end(ranks, seconds_max=5.0)
    assert codes == [143, 143]
    assert gang.steps_saved() == [max(losses(output))]
    assert gang.progress()["checkpoint_step"] == gang.progress()["step"] == max(losses(output))


def test_no_rank_leaves_before_the_last_checkpoint_is_safe(gang: Gang) -> None:
    gang.checkpoints.mkdir()
    with (gang.checkpoints / "LOCK").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ranks = gang.train(2, "--steps", "3")
        # Two steps are reported, the third cannot be saved.
        wait_until(lambda: gang.progress()["step"] == 2)
        with pytest.raises(subprocess.TimeoutExpired):
            ranks[1].wait(timeout=0.5)
    assert end(ranks)[0] == [0, 0]
    assert gang.steps_saved() == [3]


def knock(address: str) -> bool:
    """Say something that no peer would say, once somebody listens there."""
    try:
        with socket.create_connection((address, 29_400), timeout=5) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
    except ConnectionRefusedError:
        return False
    return True


def test_a_stranger_does_not_disturb_a_gang_that_gathers(gang: Gang) -> None:
    addresses = gang_addresses(2)
    first = gang.rank(addresses, 0, "--steps", "3")
    wait_until(lambda: knock(addresses[0]))
    assert end([first, gang.rank(addresses, 1, "--steps", "3")])[0] == [0, 0]


def test_a_stop_ends_a_rank_that_waits_for_its_gang(gang: Gang) -> None:
    addresses = gang_addresses(2)
    alone = gang.rank(addresses, 0, "--steps", "10")
    wait_until(lambda: knock(addresses[0]))
    alone.send_signal(signal.SIGTERM)
    codes, output = end([alone], seconds_max=5.0)
    assert codes == [143]
    assert "while waiting for 1 of 2 ranks" in output


def test_a_frozen_peer_ends_the_gang(gang: Gang) -> None:
    ranks = gang.train(3, "--steps", "100000", "--peer-timeout-seconds", "0.5", "--step-seconds-min", "0.01")
    wait_until(lambda: gang.progress()["step"] >= 1)
    ranks[2].send_signal(signal.SIGSTOP)
    codes, _ = end(ranks[:2], seconds_max=5.0)
    assert codes == [69, 69]


def test_ranks_with_different_settings_refuse_each_other(gang: Gang) -> None:
    addresses = gang_addresses(2)
    codes, output = end([gang.rank(addresses, rank, "--seed", str(rank)) for rank in range(2)])
    assert codes == [2, 69]
    assert "was started with" in output


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.name != "LOCK"}


def test_a_fenced_writer_exits_75_and_changes_nothing(gang: Gang) -> None:
    assert end(gang.train(1, "--steps", "7", generation=4))[0] == [0]
    (gang.checkpoints / "GENERATION").write_text("5\n")
    before = contents(gang.checkpoints)
    codes, output = end(gang.train(2, "--steps", "20", generation=4))
    assert codes == [75, 69]
    assert "belongs to generation 5" in output
    assert contents(gang.checkpoints) == before
    # The control: the generation that owns the checkpoint does write.
    assert end(gang.train(1, "--steps", "20", generation=5))[0] == [0]
    assert gang.steps_saved() == [15, 20]


SMALL = checkpoint.Checkpoint(12, {"flat": np.arange(40, dtype=np.float32), "shape": np.array([1, 2, 3])})
ENCODED = checkpoint.encode(SMALL)


def test_the_newest_whole_checkpoint_wins(tmp_path: Path) -> None:
    assert checkpoint.load_latest(tmp_path / "absent") is None
    for step in (10, 20, 30):
        checkpoint.save(tmp_path, checkpoint.Checkpoint(step, SMALL.arrays), generation=1)
    newest = tmp_path / "step-0000000030.npz"
    newest.write_bytes(newest.read_bytes()[:-100])
    (tmp_path / "step-0000000040.npz").write_bytes(b"")
    # Whole, but under another step's name.
    (tmp_path / "step-0000000050.npz").write_bytes(ENCODED)
    (tmp_path / ".step-0000000060.npz.tmp").write_bytes(ENCODED)
    found = checkpoint.load_latest(tmp_path)
    assert found is not None
    assert found.step == 20
    assert np.array_equal(found.arrays["flat"], SMALL.arrays["flat"])
    assert checkpoint.load_latest(tmp_path, newer_than=20) is None
    checkpoint.save(tmp_path, checkpoint.Checkpoint(25, SMALL.arrays), generation=1)
    assert sorted(contents(tmp_path)) == ["step-0000000020.npz", "step-0000000025.npz"]


@given(cut=st.integers(0, len(ENCODED) - 1))
def test_a_checkpoint_cut_short_is_refused(cut: int) -> None:
    assert checkpoint.decode(ENCODED).step == 12
    with pytest.raises(checkpoint.DamagedError):
        checkpoint.decode(ENCODED[:cut])


@given(at=st.integers(0, len(ENCODED) - 1), flip=st.integers(1, 255))
def test_a_checkpoint_with_one_byte_changed_is_refused(at: int, flip: int) -> None:
    with pytest.raises(checkpoint.DamagedError):
        checkpoint.decode(ENCODED[:at] + bytes([ENCODED[at] ^ flip]) + ENCODED[at + 1 :])


@pytest.mark.parametrize(
    ("words", "envs"),
    [
        (["--steps", "0"], {}),
        (["--step-seconds-min", "nan"], {}),
        (["--corpus", "/dev/null"], {}),
        ([], {"MULTIHOME_NODE_RANK": "3"}),
        ([], {"MULTIHOME_CHECKPOINT_INTERVAL_STEPS": "-1"}),
    ],
)
def test_a_trainer_refuses_what_it_cannot_work_with(gang: Gang, words: list[str], envs: dict[str, str]) -> None:
    process = gang.spawn("train.py", *words, **envs)
    assert end([process])[0] == [2]


@dataclass
class Server:
    process: subprocess.Popen[str]
    address: str

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection(self.address, 29_401, timeout=10)
        payload = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        connection.request(method, path, payload, headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer

    def health(self) -> int:
        try:
            return self.ask("GET", "/health")[0]
        except ConnectionRefusedError:
            return 0


def serve(gang: Gang, *words: str) -> Server:
    address = f"127.{random.randint(16, 250)}.{random.randint(0, 255)}.9"
    envs = {"MULTIHOME_NODE_IPS": address, "MULTIHOME_PORT": "29401", "MULTIHOME_REPLICA": "6"}
    # A service saves nothing, so its interval is 0; the model is another workload's checkpoint.
    envs |= {"MULTIHOME_MODEL_DIR": str(gang.checkpoints), "MULTIHOME_CHECKPOINT_INTERVAL_STEPS": "0"}
    server = Server(gang.spawn("serve.py", *words, **envs), address)
    wait_until(server.health)
    return server


def test_a_server_is_ready_once_a_checkpoint_appears_and_follows_newer_ones(gang: Gang) -> None:
    server = serve(gang)
    assert server.health() == 503
    assert server.ask("POST", "/generate", {"prompt": "a"})[0] == 503
    assert end(gang.train(1, "--steps", "120"))[0] == [0]
    wait_until(lambda: server.health() == 200)
    ask = {"prompt": "a contract names ", "max_tokens": 24, "temperature": 0}
    wait_until(lambda: server.ask("POST", "/generate", ask)[1]["model_step"] == 120)
    status, answer = server.ask("POST", "/generate", ask)
    assert status == 200
    assert answer["replica"] == "6"
    assert len(answer["text"]) == 24
    assert set(answer["text"].split()) & set(WORDS), answer
    status, completion = server.ask("POST", "/v1/completions", {**ask, "model": "any"})
    assert status == 200
    assert completion["choices"][0]["text"] == answer["text"]
    assert completion["usage"] == {"prompt_tokens": 17, "completion_tokens": 24, "total_tokens": 41}
    server.process.send_signal(signal.SIGTERM)
    assert end([server.process], seconds_max=3.0)[0] == [143]


def test_a_server_says_what_is_wrong_with_a_request_and_goes_on(gang: Gang) -> None:
    server = serve(gang, "--allow-untrained")
    bad: list[object] = [
        b"",
        b"{",
        b"[" * 60_000,
        [],
        {"max_tokens": 3},
        {"prompt": 7},
        {"prompt": "x" * 8_193},
        {"prompt": "a", "max_tokens": 0},
        {"prompt": "a", "max_tokens": 513},
        {"prompt": "a", "max_tokens": True},
        {"prompt": "a", "max_tokens": 2.5},
        {"prompt": "a", "temperature": float("nan")},
        {"prompt": "a", "temperature": -1},
        {"prompt": "a", "seed": -1},
        b" " * 65_537,
    ]
    for body in bad:
        status, answer = server.ask("POST", "/generate", body)
        assert (status, list(answer)) == (400, ["error"]), body
    assert server.ask("POST", "/generate", b"", **{"Content-Length": "-1"})[0] == 400
    assert server.ask("POST", "/elsewhere", {"prompt": "a"})[0] == 404
    assert server.ask("GET", "/generate")[0] == 404
    status, answer = server.ask("POST", "/generate", {"prompt": "\ud800 x", "max_tokens": 512, "seed": 4})
    assert (status, answer["model_step"]) == (200, 0)
    assert server.ask("POST", "/generate", {"prompt": "\ud800 x", "max_tokens": 512, "seed": 4})[1] == answer
