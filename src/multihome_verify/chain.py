"""Verifies that a journal is whole, unedited and an extension of a head that was anchored elsewhere.

Each record carries SHA-256, in hex, over the previous record's hash (64 ASCII letters; zeros before the first) and its
body. That alone catches careless tampering; who rewrites all hashes, or cuts the end off, is caught by the anchor: the
number and hash of a record that left the machine in time. Trusts nothing but the anchor, and reads hostile input:
whatever a line holds, the answer is a finding.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from hashlib import sha256
from itertools import count, islice
from pathlib import Path
from typing import Any

GENESIS_HASH = "0" * 64
"""The hash before record 1."""

FINDINGS_MAX = 1_000
"""Reading stops at this many findings; what follows them is not looked at."""

LINE_BYTES_MAX = 64 * 1024 * 1024
"""A longer line of an export is unreadable."""


class FindingKind(Enum):
    """What is wrong."""

    GAP = "gap"
    """Records are missing before this one."""
    REORDERED = "reordered"
    """This record stands after a later one, or comes again."""
    EDITED = "edited"
    """The body, or the hash beside it, is not what the previous hash leads to."""
    TRUNCATED = "truncated"
    """The journal ends before the anchored record."""
    FORKED = "forked"
    """The anchored record is there, with another hash: the past was rewritten."""
    UNREADABLE = "unreadable"
    """A line of an export holds no record; here `seq` is the line's number."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and at which record."""

    kind: FindingKind
    seq: int
    text: str


@dataclass(frozen=True)
class Anchor:
    """The head of the journal as it was when it was last written down elsewhere."""

    seq: int
    hash: str


def verify_chain(rows: Iterable[tuple[int, bytes, str]], anchor: Anchor | None) -> list[Finding]:
    """All findings on (seq, body, hash) rows, which should start at record 1; none means that they hold together.

    Without an anchor, a journal whose end was cut off, or whose hashes were all computed anew, cannot be told from an
    honest one.
    """
    return list(islice(_findings(rows, anchor), FINDINGS_MAX))


def verify_export(path: Path, anchor: Anchor | None) -> list[Finding]:
    """All findings on an exported journal, which has one JSON object a line.

    An object holds `seq`, `hash`, and either `body` (text, hashed as UTF-8) or `body_base64`.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        lines = iter(partial(file.readline, LINE_BYTES_MAX), b"")
        return list(islice(_findings(map(_record, count(1), lines), anchor), FINDINGS_MAX))


def _findings(rows: Iterable[tuple[int, bytes, str] | Finding], anchor: Anchor | None) -> Iterator[Finding]:
    """Walk once. After a finding the walk goes on from what the record claims, so that one fault is told once."""
    expected, previous = 1, GENESIS_HASH
    if anchor is not None and anchor.seq == 0 and anchor.hash != GENESIS_HASH:
        yield Finding(FindingKind.FORKED, 0, "the anchor's hash is not the one before record 1")
    for row in rows:
        if isinstance(row, Finding):
            yield row
            continue
        seq, body, hash_ = row
        if seq < expected:
            yield Finding(FindingKind.REORDERED, seq, f"record {seq} comes late or again; {expected} was due")
            continue
        if seq > expected:
            yield Finding(FindingKind.GAP, seq, f"records {expected} to {seq - 1} are missing")
        elif sha256(previous.encode(errors="backslashreplace") + body).hexdigest() != hash_:
            yield Finding(FindingKind.EDITED, seq, f"the hash of record {seq} does not follow from what is there")
        if anchor is not None and seq == anchor.seq and hash_ != anchor.hash:
            yield Finding(FindingKind.FORKED, seq, f"record {seq} was anchored with another hash")
        expected, previous = seq + 1, hash_
    if anchor is not None and expected <= anchor.seq:
        yield Finding(
            FindingKind.TRUNCATED, expected, f"the journal ends at {expected - 1}, below the anchor at {anchor.seq}"
        )


def _record(number: int, line: bytes) -> tuple[int, bytes, str] | Finding:
    # RecursionError is thousands of open brackets, AttributeError a body that is no text; the others are bad JSON,
    # base64 or UTF-8, and fields that are missing or of another type.
    try:
        return _record_of(json.loads(line))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        return Finding(FindingKind.UNREADABLE, number, f"line {number} holds no record: {type(error).__name__}")


def _record_of(found: dict[str, Any]) -> tuple[int, bytes, str]:
    seq, hash_ = found["seq"], found["hash"]
    if type(seq) is not int or type(hash_) is not str or ("body" in found) == ("body_base64" in found):
        raise TypeError
    if "body" in found:
        return seq, found["body"].encode(), hash_
    return seq, base64.b64decode(found["body_base64"], validate=True), hash_
