"""A replay that was interrupted, in a file: written whole or not at all, and taken up by the same story only."""

import hashlib
from pathlib import Path

import msgspec

from multihome.simulator.replay.driver import Checkpoint, Replay, ReplayError, Story

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Checkpoint)


def story_sha256(story: Story) -> str:
    """A fingerprint of all that is replayed."""
    return hashlib.sha256(msgspec.json.encode(story)).hexdigest()


def checkpoint_of(replay: Replay) -> Checkpoint:
    """Where a replay stands between two rounds."""
    return Checkpoint(story_sha256(replay.story), replay.snapshot(), replay.standing)


def save_checkpoint(replay: Replay, path: Path) -> None:
    """Write where a replay stands.

    Raises:
        ReplayError: the file cannot be written.
    """
    beside = path.with_name(f"{path.name}.new")
    try:
        beside.write_bytes(_ENCODER.encode(checkpoint_of(replay)))
        beside.replace(path)
    except OSError as error:
        msg = f"no checkpoint in {path}: {error.strerror}"
        raise ReplayError(msg) from error


def load_checkpoint(path: Path, story: Story) -> Checkpoint:
    """Read where a replay of this story stood.

    Raises:
        ReplayError: there is no checkpoint, it cannot be read, or it is of another story.
    """
    try:
        found = _DECODER.decode(path.read_bytes())
    except OSError as error:
        msg = f"no checkpoint in {path}: {error.strerror}; leave out --resume to begin anew"
        raise ReplayError(msg) from error
    except msgspec.MsgspecError as error:
        msg = f"{path} is no checkpoint of a simulation: {error}"
        raise ReplayError(msg) from error
    if found.story_sha256 != story_sha256(story):
        msg = f"{path} is of another simulation: trace, cluster, policy and seed must be the same"
        raise ReplayError(msg)
    return found
