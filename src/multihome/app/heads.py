"""Heads of the journal, signed, kept in the state directory, published and stamped."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from multihome.adapters.clock_os.clock import OsClock, OsIdMint
from multihome.adapters.signer_ed25519.signer import Ed25519Signer, KeyUnusableError, open_signer
from multihome.adapters.stamper_rfc3161.stamper import QUERY_TYPE, NotStampedError, question_of, time_in
from multihome.app.journals import at_rest
from multihome.app.state_directory import holder_pid
from multihome.cli.launchers import KeptHead, LaunchError, Published
from multihome.client.client import Client
from multihome.client.outside import OutsideError, post
from multihome.ports.journal import GENESIS_HASH
from multihome.ports.signer import SignedHead, sign_head

HEADS_FOLDER = "heads"
STAMP_SUFFIX = ".tsr"
"""A time stamp lies beside its head, under the head's name with this behind it."""
_HASH_LETTERS_SHOWN = 12


def sign(state: Path) -> KeptHead:
    """Sign the head that the journal has now, and keep it. A head that was kept already is the same one still.

    Raises:
        LaunchError: there is no journal or no usable key, or the head cannot be kept.
    """
    return keep_signed(state, _head(state))


def keep_signed(state: Path, head: tuple[int, str]) -> KeptHead:
    """Sign a head and keep it, as `sign` does.

    Raises:
        LaunchError: the journal is empty, there is no usable key, or the head cannot be kept.
    """
    seq, hash_ = head
    if hash_ == GENESIS_HASH:
        msg = f"{state} has an empty journal: there is nothing to sign"
        raise LaunchError(msg)
    path = state / HEADS_FOLDER / f"{seq}-{hash_[:_HASH_LETTERS_SHOWN]}.json"
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            write_whole(path, msgspec.json.encode(sign_head(signer_of(state), head, OsClock().wall_ms())) + b"\n")
        return _kept(path)
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise LaunchError(msg) from error


def publish(state: Path, targets: Sequence[str]) -> Published:
    """Sign the head and take it to each target: a file, which is replaced at once, or an address, where it is posted.

    One that fails keeps it from no other.

    Raises:
        LaunchError: it was not signed.
    """
    head = sign(state)
    return Published(head, {target: _not_taken(target, head.text.encode()) for target in targets})


def _not_taken(target: str, body: bytes) -> str:
    """Take a head to one target; why it did not arrive, or nothing where it did."""
    try:
        if "://" in target:
            post(target, body, "application/json")
        else:
            write_whole(Path(target), body)
    except OSError as error:
        return f"{target}: {error.strerror}"
    except OutsideError as error:
        return str(error)
    return ""


def stamp(state: Path, authority: str, head: Path | None) -> tuple[str, Path]:
    """Have a time-stamping authority stamp a head, the journal's of now where none is named; the token lies beside it.

    Raises:
        LaunchError: there is no head, or the authority did not stamp it.
    """
    file = head or sign(state).file
    token = file.with_name(file.name + STAMP_SUFFIX)
    try:
        document = file.read_bytes()
        question = question_of(document)
        answer = post(authority, question.as_bytes(), QUERY_TYPE)
        stamped = time_in(answer, question, document)
        write_whole(token, answer)
    except OSError as error:
        msg = f"{error.filename}: {error.strerror}"
        raise LaunchError(msg) from error
    except (OutsideError, NotStampedError, ValueError) as error:
        msg = f"{authority} did not stamp {file}: {error}"
        raise LaunchError(msg) from error
    return stamped.isoformat(), token


def public_key(state: Path) -> str:
    """The public key of a state directory, in PEM.

    Raises:
        LaunchError: there is no usable key.
    """
    return signer_of(state).public_pem()


def signer_of(state: Path) -> Ed25519Signer:
    """The signer of a state directory.

    Raises:
        LaunchError: its key cannot be used.
    """
    try:
        return open_signer(state)
    except KeyUnusableError as error:
        raise LaunchError(str(error)) from error


def stamped_heads(state: Path) -> list[tuple[str, bytes]]:
    """The texts of all heads that were kept and stamped, each with its token, oldest first.

    Raises:
        LaunchError: one of them cannot be read.
    """
    found: list[tuple[int, str, bytes]] = []
    for token in (state / HEADS_FOLDER).glob(f"*{STAMP_SUFFIX}"):
        try:
            head = _kept(token.with_name(token.name.removesuffix(STAMP_SUFFIX)))
            found.append((head.seq, head.text, token.read_bytes()))
        except OSError as error:
            msg = f"{error.filename}: {error.strerror}"
            raise LaunchError(msg) from error
    return [(text, token) for _, text, token in sorted(found)]


def write_whole(path: Path, body: bytes) -> None:
    """Give a file its whole content at once: whoever reads it finds the old one or the new one.

    Raises:
        OSError: it cannot be written; the old one is as it was.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _kept(path: Path) -> KeptHead:
    text = path.read_bytes()
    try:
        head = msgspec.json.decode(text, type=SignedHead)
        return KeptHead(head.seq, head.hash, text.decode(), path)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        msg = f"{path} holds no signed head: {error}"
        raise LaunchError(msg) from error


def _head(state: Path) -> tuple[int, str]:
    if holder_pid(state) is not None:
        with Client(state, OsIdMint().mint, "head") as client:
            head = client.head().value
            return head.seq, head.hash
    with at_rest(state) as journal:
        return journal.head()
