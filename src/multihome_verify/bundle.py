"""Verifies a bundle: a manifest, then the records, one JSON object a line. Reads it once, and holds no record back.

What the bundle says of itself proves nothing by itself. The head and the key that somebody kept elsewhere do.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice

from cryptography import x509

from multihome_verify.chain import Anchor, chain_findings, read_record
from multihome_verify.fields import Fields, UnreadableError
from multihome_verify.findings import FINDINGS_MAX, Finding, FindingKind
from multihome_verify.first_refusal import Judge
from multihome_verify.heads import is_signed, read_head, read_public_key
from multihome_verify.history import History
from multihome_verify.stamps import check_stamp

BUNDLE_FORMAT = 1


@dataclass(frozen=True)
class Trust:
    """What was kept elsewhere. Empty or None where nothing was: then the bundle's own word is all there is.

    `head` is a signed head and `stamp` its time stamp, each as its file has it; `public_key` has 32 bytes. `contract`
    names the contract to be verified, where it is not the one that the manifest names.
    """

    anchor: Anchor | None = None
    head: bytes = b""
    stamp: bytes = b""
    public_key: bytes = b""
    authorities: Sequence[x509.Certificate] = ()
    contract: str = ""


@dataclass(frozen=True)
class Stamped:
    """A head that was stamped: which, when, and whether the authority's signature was verified."""

    seq: int
    time: str
    authority_verified: bool


@dataclass
class Report:
    """What was verified, and everything that is wrong."""

    contract: str = ""
    program: str = ""
    records: int = 0
    head: Anchor = field(default_factory=lambda: Anchor(0, ""))
    anchored: bool = False
    key_given: bool = False
    stamps: list[Stamped] = field(default_factory=list[Stamped])
    in_scope: dict[str, int] = field(default_factory=dict[str, int])
    runs: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])


@dataclass(frozen=True)
class Manifest:
    """A bundle's first line: what it says it holds."""

    program: str
    contract: str
    head: Anchor
    public_key: bytes
    signed_head: bytes
    stamps: tuple[tuple[bytes, bytes], ...]


def verify(lines: Iterable[bytes], trust: Trust) -> Report:
    """Verify the lines of a bundle against what is trusted; a report without findings is a proof that holds."""
    report = Report(key_given=bool(trust.public_key))
    rest = iter(lines)
    manifest = _manifest(next(rest, b""), report)
    anchors = list(_anchors(manifest, trust, report))
    report.anchored = trust.anchor is not None or bool(trust.head)
    history = History()
    found = list(islice(chain_findings(_watched(rest, history, report), anchors), FINDINGS_MAX))
    report.findings.extend(found)
    report.records = history.records
    if manifest is not None and report.head != manifest.head:
        text = f"the last record is not {manifest.head.seq}, which the manifest names"
        report.findings.append(Finding(FindingKind.MANIFEST, report.head.seq, text))
    report.contract = trust.contract or (manifest.contract if manifest else "")
    _judge(history, report)
    return report


def read_manifest(line: bytes) -> Manifest:
    """The manifest in a bundle's first line.

    Raises:
        UnreadableError: there is none, or of another format.
    """
    try:
        fields = Fields(json.loads(line))
        if fields.whole("multihome_bundle") != BUNDLE_FORMAT:
            msg = f"this program reads bundles of format {BUNDLE_FORMAT}"
            raise UnreadableError(msg)
        head = fields.inner("head")
        return Manifest(
            fields.text("program"),
            fields.text("contract"),
            Anchor(head.whole("seq"), head.text("hash")),
            read_public_key(fields.text("public_key").encode()),
            fields.text("signed_head").encode(),
            fields.each("stamps", _stamp),
        )
    except (ValueError, RecursionError) as error:
        msg = f"the first line is no manifest: {type(error).__name__}"
        raise UnreadableError(msg) from error


def _stamp(fields: Fields) -> tuple[bytes, bytes]:
    return fields.text("head").encode(), base64.b64decode(fields.text("token"), validate=True)


def _manifest(line: bytes, report: Report) -> Manifest | None:
    try:
        manifest = read_manifest(line)
    except UnreadableError as error:
        report.findings.append(Finding(FindingKind.MANIFEST, 0, str(error)))
        return None
    report.program = manifest.program
    return manifest


def _anchors(manifest: Manifest | None, trust: Trust, report: Report) -> Iterator[Anchor]:
    """Every head that the journal must extend: those that were kept elsewhere, and those the bundle brings."""
    if trust.anchor is not None:
        yield trust.anchor
    key = trust.public_key or (manifest.public_key if manifest else b"")
    if trust.head:
        yield from _signed(trust.head, trust.public_key, report)
        if trust.stamp:
            _check_stamp(trust.head, trust.stamp, trust, report)
    if manifest is None:
        return
    yield from _signed(manifest.signed_head, key, report)
    for head, token in manifest.stamps:
        yield from _signed(head, key, report)
        _check_stamp(head, token, trust, report)


def _signed(text: bytes, public_key: bytes, report: Report) -> Iterator[Anchor]:
    """The anchor in a head; without a key, one that was kept elsewhere is verified by the key within it."""
    try:
        head = read_head(text)
    except UnreadableError as error:
        report.findings.append(Finding(FindingKind.SIGNATURE, 0, str(error)))
        return
    if not is_signed(head, public_key or head.public_key):
        text_ = f"the head at record {head.anchor.seq} is not signed by the key"
        report.findings.append(Finding(FindingKind.SIGNATURE, head.anchor.seq, text_))
    yield head.anchor


def _check_stamp(head: bytes, token: bytes, trust: Trust, report: Report) -> None:
    seq = _seq_of(head)
    try:
        stamp = check_stamp(token, head, trust.authorities)
    except UnreadableError as error:
        report.findings.append(Finding(FindingKind.STAMP, seq, str(error)))
        return
    report.stamps.append(Stamped(seq, stamp.time, stamp.authority_verified))


def _seq_of(head: bytes) -> int:
    try:
        return read_head(head).anchor.seq
    except UnreadableError:
        return 0


def _watched(lines: Iterator[bytes], history: History, report: Report) -> Iterator[tuple[int, bytes, str] | Finding]:
    """The records for the chain's walk; the history takes each as it passes."""
    for number, line in zip(count(2), lines, strict=False):
        row = read_record(number, line)
        if not isinstance(row, Finding):
            seq, body, hash_ = row
            history.take(seq, body)
            report.head = Anchor(seq, hash_)
        yield row


def _judge(history: History, report: Report) -> None:
    report.findings.extend(history.findings)
    judge = Judge(history, report.contract)
    try:
        report.findings.extend(islice(judge.findings(), FINDINGS_MAX))
    # Instants and zones are anybody's: an unknown zone is a ValueError, a day beyond the year 9999 an OverflowError.
    except (ValueError, OverflowError) as error:
        text = f"the clauses of {report.contract[:100]} cannot be judged: {str(error)[:200]}"
        report.findings.append(Finding(FindingKind.UNREADABLE, 0, text))
    report.in_scope = dict(judge.coverage.in_scope)
    report.runs = judge.coverage.runs
