"""Verifies that a journal is whole, unedited and an extension of a head that was anchored elsewhere.

Each record carries SHA-256, in hex, over the previous record's hash (64 ASCII letters; zeros before the first) and its
body. That alone catches careless tampering; who rewrites all hashes, or cuts the end off, is caught by the anchor: the
number and hash of a record that left the machine in time. Trusts nothing but the anchor, and reads hostile input:
whatever a line holds, the answer is a finding.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import count, islice
from pathlib import Path
from typing import Any

from multihome_verify.findings import FINDINGS_MAX, Finding, FindingKind

GENESIS_HASH = "0" * 64
"""The hash before record 1."""

LINE_BYTES_MAX = 64 * 1024 * 1024
"""A longer line of an export is unreadable."""


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
    return list(islice(chain_findings(rows, _anchors(anchor)), FINDINGS_MAX))


def verify_export(path: Path, anchor: Anchor | None) -> list[Finding]:
    """All findings on an exported journal, which has one JSON object a line.

    An object holds `seq`, `hash`, and either `body` (text, hashed as UTF-8) or `body_base64`.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        lines = iter(partial(file.readline, LINE_BYTES_MAX), b"")
        return list(islice(chain_findings(map(read_record, count(1), lines), _anchors(anchor)), FINDINGS_MAX))


def chain_findings(rows: Iterable[tuple[int, bytes, str] | Finding], anchors: Sequence[Anchor]) -> Iterator[Finding]:
    """Walk once. After a finding the walk goes on from what the record claims, so that one fault is told once."""
    expected, previous = 1, GENESIS_HASH
    anchored = {anchor.seq: anchor.hash for anchor in anchors}
    for anchor in anchors:
        if anchor.hash != anchored[anchor.seq] or (anchor.seq == 0 and anchor.hash != GENESIS_HASH):
            yield Finding(FindingKind.FORKED, anchor.seq, f"anchors contradict each other at record {anchor.seq}")
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
        if anchored.get(seq, hash_) != hash_:
            yield Finding(FindingKind.FORKED, seq, f"record {seq} was anchored with another hash")
        expected, previous = seq + 1, hash_
    last = max(anchored, default=0)
    if expected <= last:
        yield Finding(
            FindingKind.TRUNCATED, expected, f"the journal ends at {expected - 1}, below the anchor at {last}"
        )


def _anchors(anchor: Anchor | None) -> Sequence[Anchor]:
    return () if anchor is None else (anchor,)


def read_record(number: int, line: bytes) -> tuple[int, bytes, str] | Finding:
    """The record of a line of an export, or why there is none."""
    # RecursionError is thousands of open brackets, AttributeError a body that is no text; the others are bad JSON,
    # base64 or UTF-8, and fields that are missing or of another type.
    try:
        return _record_of(json.loads(line.decode()))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        return Finding(FindingKind.UNREADABLE, number, f"line {number} holds no record: {type(error).__name__}")


def _record_of(found: dict[str, Any]) -> tuple[int, bytes, str]:
    seq, hash_ = found["seq"], found["hash"]
    if type(seq) is not int or type(hash_) is not str or ("body" in found) == ("body_base64" in found):
        raise TypeError
    if "body" in found:
        return seq, found["body"].encode(), hash_
    return seq, base64.b64decode(found["body_base64"], validate=True), hash_
