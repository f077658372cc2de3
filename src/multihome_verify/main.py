"""The program `multihome-verify`: checks an evidence bundle offline. Exit code 0 without findings, 1 with, 2 unread."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import BinaryIO, NoReturn

from multihome_verify.bundle import Report, Trust, verify
from multihome_verify.chain import LINE_BYTES_MAX, Anchor
from multihome_verify.fields import UnreadableError
from multihome_verify.heads import read_public_key
from multihome_verify.stamps import read_certificates

SHOWN_MAX = 100
"""Findings that are shown to people; `--json` has them all."""
HASH_LETTERS = 64


def main() -> NoReturn:
    """Run from the command line."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Verify what the arguments name, print what was found, and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        trust = _trust(options)
        with Path(options.bundle).open("rb") as file:
            report = verify(_lines(file), trust)
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return 2
    except UnreadableError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(_json(report) if options.json else _words(report))
    return 1 if report.findings or (options.strict and _believed(report)) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="multihome-verify", description="Check an evidence bundle offline.")
    parser.add_argument("bundle", metavar="BUNDLE", help="the file that `multihome evidence export` wrote")
    parser.add_argument("--anchor", metavar="SEQ:HASH", help="a head that was written down elsewhere")
    parser.add_argument("--head", metavar="FILE", help="a signed head that was kept elsewhere")
    parser.add_argument("--stamp", metavar="FILE", help="the RFC 3161 time stamp of that head")
    parser.add_argument("--tsa-certificate", metavar="FILE", help="certificates of time-stamping authorities, in PEM")
    parser.add_argument("--public-key", metavar="FILE", help="the key that must have signed every head, in PEM")
    parser.add_argument("--contract", metavar="NAME", default="", help="verify this contract, whatever the bundle says")
    parser.add_argument("--strict", action="store_true", help="fail where an award rests on a document's word alone")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _trust(options: argparse.Namespace) -> Trust:
    if options.stamp and not options.head:
        msg = "--stamp is the time stamp of a head: give the head with --head"
        raise UnreadableError(msg)
    return Trust(
        anchor=_anchor(options.anchor) if options.anchor else None,
        head=Path(options.head).read_bytes() if options.head else b"",
        stamp=Path(options.stamp).read_bytes() if options.stamp else b"",
        public_key=read_public_key(Path(options.public_key).read_bytes()) if options.public_key else b"",
        authorities=read_certificates(Path(options.tsa_certificate).read_bytes()) if options.tsa_certificate else (),
        contract=options.contract,
    )


def _anchor(text: str) -> Anchor:
    seq, _, hash_ = text.partition(":")
    if not (seq.isascii() and seq.isdigit() and len(seq) < HASH_LETTERS and len(hash_) == HASH_LETTERS):
        msg = f"--anchor {text[:100]}: expected the number of a record, a colon, and {HASH_LETTERS} letters of its hash"
        raise UnreadableError(msg)
    return Anchor(int(seq), hash_)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    return iter(partial(file.readline, LINE_BYTES_MAX), b"")


def _json(report: Report) -> str:
    facts = asdict(report)
    facts["findings"] = [asdict(finding) | {"kind": finding.kind.value} for finding in report.findings]
    return json.dumps(facts) + "\n"


def _words(report: Report) -> str:
    lines = [f"{report.records} records by {_plain(report.program)}, head {report.head.seq}:{_plain(report.head.hash)}"]
    if not report.anchored:
        lines.append(
            "NOT ANCHORED: without --anchor or --head, a journal that was rolled back or rewritten looks whole"
        )
    if not report.key_given:
        lines.append("signatures were held against the bundle's own key: give the one you know with --public-key")
    for stamp in report.stamps:
        known = "authority verified" if stamp.authority_verified else "AUTHORITY NOT VERIFIED: give --tsa-certificate"
        lines.append(f"head {stamp.seq} was stamped at {stamp.time} ({known})")
    told = ", ".join(f"{count} on {_plain(code)}" for code, count in sorted(report.in_scope.items())) or "none"
    lines.append(
        f"contract {_plain(report.contract)}: awards in scope: {told}; runs on what was awarded: {report.runs}"
    )
    believed = _believed(report)
    if believed:
        lines.append(
            f"UNPROVEN: awards that rest on a document alone, not on a sequence in this journal: {believed}; --strict "
            f"does not accept them"
        )
    for finding in report.findings[:SHOWN_MAX]:
        under = f" [{finding.clause}{f', {finding.award}' if finding.award else ''}]" if finding.clause else ""
        lines.append(f"record {finding.seq}: {finding.kind.value}: {_plain(finding.text + under)}")
    count = len(report.findings)
    lines.append(f"{count} finding{'s' if count != 1 else ''}")
    return "\n".join(lines) + "\n"


def _believed(report: Report) -> int:
    """Awards in scope whose waiver or exemption was written down by hand."""
    return sum(count for code, count in report.in_scope.items() if code.endswith(" of a document"))


def _plain(text: str) -> str:
    """Text of a bundle as one harmless line: control characters of a hostile one do not reach the terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text).encode("utf-8", "replace").decode()


if __name__ == "__main__":
    main()
