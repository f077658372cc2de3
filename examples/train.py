"""Trains a small language model with as many ranks as Multihome places, and resumes from its checkpoint.

    python examples/train.py --steps 300 --corpus docs

Every step has the same micro-shards however many ranks share them, so that a gang of two and a gang of four see the
same losses, and an attempt that begins at a checkpoint goes on as if nothing had happened. Rank 0 keeps the checkpoint.

Exit codes: 0 all steps done; 2 bad input; 69 a peer is lost; 74 a checkpoint could not be written; 75 a newer attempt
owns the checkpoint; 143 stopped as asked, after saving.
"""

from __future__ import annotations

import os

# Some 25 of these share a demo machine. It must be set before numpy is first imported, wherever that is.
os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import hashlib
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from checkpoint import Checkpoint, FencedError, decode, encode, load_latest, save
from corpus import documentation, draw, read_corpus
from gang import Gang, MismatchError, PeerLostError, join
from launch import (
    EXIT_BAD_INPUT,
    EXIT_FENCED,
    EXIT_PEER_LOST,
    EXIT_STOPPED,
    EXIT_WRITE_FAILED,
    Launch,
    StopAskedError,
    StopSignal,
    read_launch,
)
from model import Adam, Bytes, Shape, initial_parameters, loss_and_gradient, shape_of_sizes, sizes_of_shape
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

MICRO_SHARDS = 8
"""Fixed, so that a step is the same sum for 1, 2, 4 or 8 ranks."""
SHARD_SAMPLES = 32


class BadInputError(Exception):
    """The program was started with something it cannot work with."""


@dataclass(frozen=True)
class Attempt:
    """What stays the same from the first step of this attempt to its last."""

    launch: Launch
    gang: Gang
    stop: StopSignal
    shape: Shape
    corpus: Bytes
    arguments: argparse.Namespace


@dataclass
class Training:
    """Everything that a checkpoint must hold for the next step to be what it would have been."""

    step: int
    flat: NDArray[np.float32]
    adam: Adam

    def to_checkpoint(self, shape: Shape) -> Checkpoint:
        """The state as arrays, not copied: encode it before the next step changes it."""
        arrays: dict[str, NDArray[Any]] = {
            "flat": self.flat,
            "first": self.adam.first,
            "second": self.adam.second,
            "shape": sizes_of_shape(shape),
        }
        return Checkpoint(self.step, arrays)


@dataclass
class Reporter:
    """Rank 0's log lines and progress file."""

    progress_file: Path | None
    log_every_steps: int
    resumed_from_step: int
    checkpoint_step: int
    since_step: int
    since: float

    def report(self, step: int, loss: float, *, last: bool) -> None:
        """Write down where the training stands; a line now and then, the progress file always."""
        self.write_progress(step, loss)
        if step % self.log_every_steps == 0 or last:
            now = time.monotonic()
            tokens = (step - self.since_step) * MICRO_SHARDS * SHARD_SAMPLES
            say(f"step {step} loss {loss:.6f} tokens/s {tokens / max(now - self.since, 1e-9):.0f}")
            self.since_step, self.since = step, now

    def write_progress(self, step: int, loss: float) -> None:
        """Replace the progress file in one move, so that no reader sees half of it."""
        if self.progress_file is None:
            return
        told = {
            "step": step,
            "checkpoint_step": self.checkpoint_step,
            "resumed_from_step": self.resumed_from_step,
            "loss": round(loss, 6),
        }
        text = json.dumps(told)
        temporary = self.progress_file.with_name(f".{self.progress_file.name}.tmp")
        temporary.write_text(text, encoding="ascii")
        temporary.replace(self.progress_file)


def main() -> int:
    """Train as the arguments and the environment say; the exit code."""
    stop = StopSignal()
    arguments = _parse(sys.argv[1:])
    try:
        return _run(arguments, read_launch(), stop)
    except StopAskedError as error:
        say(str(error))
        return EXIT_STOPPED
    except FencedError as error:
        say(f"fenced: {error}")
        return EXIT_FENCED
    except PeerLostError as error:
        say(f"peer lost: {error}")
        return EXIT_PEER_LOST
    except (BadInputError, MismatchError, ValueError) as error:
        say(f"bad input: {error}")
        return EXIT_BAD_INPUT
    except OSError as error:
        say(f"cannot read or write: {error}")
        return EXIT_WRITE_FAILED


def say(line: str) -> None:
    """Print a line that is in the log at once, whatever happens next."""
    print(line, flush=True)


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train a small byte-level language model in a gang.")
    parser.add_argument("--steps", type=int, default=300, help="the step to end at, resumed steps included")
    parser.add_argument("--step-seconds-min", type=float, default=0.0, help="pace: no step is shorter than this")
    parser.add_argument("--corpus", type=Path, action="append", help="a file or directory; may be repeated")
    parser.add_argument("--width", type=int, default=Shape.width, help="hidden units")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log-every-steps", type=int, default=10)
    parser.add_argument(
        "--peer-timeout-seconds", type=float, default=8.0, help="beyond the pace, before a peer is lost"
    )
    arguments = parser.parse_args(words)
    for name, least in (("steps", 1), ("step_seconds_min", 0), ("width", 1), ("seed", 0), ("log_every_steps", 1)):
        if not getattr(arguments, name) >= least:
            parser.error(f"--{name.replace('_', '-')} must be at least {least}")
    return arguments


def _run(arguments: argparse.Namespace, launch: Launch, stop: StopSignal) -> int:
    shape = Shape(width=arguments.width)
    corpus = read_corpus(arguments.corpus or documentation(Path(__file__).resolve().parent.parent))
    if len(corpus) <= shape.context:
        msg = f"the corpus has {len(corpus)} bytes; name one with more than {shape.context} by --corpus"
        raise BadInputError(msg)
    if launch.ranks > MICRO_SHARDS:
        msg = f"{launch.ranks} ranks cannot share {MICRO_SHARDS} micro-shards"
        raise BadInputError(msg)
    settings = {
        "seed": arguments.seed,
        "width": arguments.width,
        "steps": arguments.steps,
        "corpus_sha256": hashlib.sha256(corpus.tobytes()).hexdigest(),
    }
    gang = join(launch, settings, stop, arguments.peer_timeout_seconds + arguments.step_seconds_min)
    try:
        attempt = Attempt(launch, gang, stop, shape, corpus, arguments)
        return _train(_begin(attempt), attempt)
    finally:
        gang.close()


def _begin(attempt: Attempt) -> Training:
    """The state to go on from: rank 0 reads it, and all ranks get the same bytes."""
    launch, shape, payload = attempt.launch, attempt.shape, b""
    if launch.rank == 0:
        stored = load_latest(launch.checkpoint_dir) if launch.checkpoint_dir else None
        say(f"rank 0 of {launch.ranks}: " + (f"resumed at step {stored.step}" if stored else "starts at step 0"))
        if stored is None:
            flat = initial_parameters(shape, attempt.arguments.seed)
            stored = Training(0, flat, Adam(np.zeros_like(flat), np.zeros_like(flat))).to_checkpoint(shape)
        payload = encode(stored)
    checkpoint = decode(attempt.gang.broadcast(payload))
    arrays = checkpoint.arrays
    stored_shape = shape_of_sizes(arrays["shape"])
    if stored_shape != shape:
        msg = f"the checkpoint holds a model of {stored_shape}, but {shape} was asked for"
        raise BadInputError(msg)
    return Training(checkpoint.step, arrays["flat"], Adam(arrays["first"], arrays["second"]))


def _train(training: Training, attempt: Attempt) -> int:
    """Step until the last one or until asked to stop; on rank 0 also save, report and pace."""
    launch, arguments = attempt.launch, attempt.arguments
    begun = training.step
    reporter = Reporter(launch.progress_file, arguments.log_every_steps, begun, begun, begun, time.monotonic())
    stopping = False
    while training.step < arguments.steps and not stopping:
        started = time.monotonic()
        loss, stopping = _step(training, attempt)
        last = stopping or training.step == arguments.steps
        if launch.rank == 0:
            interval_steps = launch.checkpoint_interval_steps
            due = last or (interval_steps > 0 and training.step % interval_steps == 0)
            if launch.checkpoint_dir and due:
                save(launch.checkpoint_dir, training.to_checkpoint(attempt.shape), launch.generation)
                reporter.checkpoint_step = training.step
            reporter.report(training.step, loss, last=last)
            if not last:
                # The other ranks wait for rank 0 in the next sum: one pace is enough for all.
                attempt.stop.wait(arguments.step_seconds_min - (time.monotonic() - started))
    # No rank may leave before the last checkpoint is safe: an engine may end a gang when its first rank ends.
    attempt.gang.barrier()
    return EXIT_STOPPED if stopping else 0


def _step(training: Training, attempt: Attempt) -> tuple[float, bool]:
    """One step of the whole gang: its mean loss in nats, and whether any rank was asked to stop."""
    launch, shape, seed = attempt.launch, attempt.shape, attempt.arguments.seed
    # Sums of a few float32 in float64 lose nothing that matters, so how they are split over ranks does not show.
    total = np.zeros(len(training.flat) + 2, dtype=np.float64)
    for shard in range(launch.rank, MICRO_SHARDS, launch.ranks):
        windows, targets = draw(attempt.corpus, shape.context, SHARD_SAMPLES, (seed, training.step, shard))
        loss, gradient = loss_and_gradient(training.flat, shape, windows, targets)
        total[:-2] += gradient
        total[-2] += loss
    total[-1] = attempt.stop.asked()
    total = attempt.gang.all_reduce(total)
    training.step += 1
    training.adam.update(training.flat, (total[:-2] / MICRO_SHARDS).astype(np.float32), training.step)
    return float(total[-2]) / MICRO_SHARDS, bool(total[-1] > 0)


if __name__ == "__main__":
    sys.exit(main())
