"""Whatever a bundle holds, the verifier answers with findings and never with an error."""

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multihome.simulator.refusal_campaign import _bundle, make_history
from multihome_verify.bundle import Trust, verify
from multihome_verify.chain import GENESIS_HASH
from multihome_verify.findings import FindingKind
from multihome_verify.history import History
from multihome_verify.main import run

LINES, TRUST = _bundle(make_history(3, planted=False))
BODIES = [json.loads(json.loads(line)["body"]) for line in LINES[1:]]
ODD = st.sampled_from(
    [None, True, -1, 0, 10**18, 10**400, 1.5, "", "x" * 300, "\ud800", "UTC/..", [], {}, [[]], {"type": 3}, "\x1b[31m"]
)


def paths(value: object, at: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    found = [at]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += paths(inner, (*at, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            found += paths(inner, (*at, place))
    return found


PATHS = [(place, path) for place, body in enumerate(BODIES) for path in paths(body)]


def chained(bodies: list[object]) -> list[bytes]:
    previous, lines = GENESIS_HASH, LINES[:1]
    for seq, body in enumerate(bodies, 1):
        text = json.dumps(body)
        previous = sha256(previous.encode() + text.encode()).hexdigest()
        lines = [*lines, json.dumps({"seq": seq, "hash": previous, "body": text}).encode() + b"\n"]
    return lines


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PATHS), ODD)
def test_a_field_that_is_odd_ends_in_findings(place: tuple[int, tuple[object, ...]], odd: object) -> None:
    number, path = place
    bodies: list[object] = json.loads(json.dumps(BODIES))
    holder: object = bodies
    for step in (number, *path)[:-1]:
        holder = holder[step]  # type: ignore[index]
    holder[(number, *path)[-1]] = odd  # type: ignore[index]
    report = verify(chained(bodies), Trust())
    assert report.findings, "the manifest names another head"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=5), st.sampled_from([[], LINES[:1], LINES]))
def test_lines_of_anything_end_in_findings(lines: list[bytes], before: list[bytes]) -> None:
    report = verify([*before, *(line + b"\n" for line in lines)], Trust())
    assert bool(report.findings) == (bool(lines) or before is not LINES)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(LINES[0]) - 2), st.integers(1, 255))
def test_a_manifest_that_was_spoilt_is_no_error(at: int, change: int) -> None:
    line = bytearray(LINES[0])
    line[at] ^= change
    verify([bytes(line), *LINES[1:]], TRUST)


@pytest.mark.parametrize(
    "line",
    [b"", b"[]", b"{}", b"[" * 100_000, b'{"multihome_bundle": 2}', b'{"multihome_bundle": 1}', b"\xff\xfe", b"null"],
)
def test_what_is_no_manifest_is_said_to_be_none(line: bytes) -> None:
    found = {finding.kind for finding in verify([line, *LINES[1:]], TRUST).findings}
    assert FindingKind.MANIFEST in found


def test_a_fact_spelt_with_escapes_is_read_all_the_same() -> None:
    history = History()
    for place, body in enumerate(BODIES):
        text = json.dumps(body).replace('"Contract"', '"\\u0043ontract"').replace('"Pool"', '"\\u0050ool"')
        history.take(place + 1, text.encode())
    assert "alpha-1" in history.contracts


def test_an_honest_bundle_has_no_finding_and_a_wrong_contract_one() -> None:
    assert verify(LINES, TRUST).findings == []
    [finding] = verify(LINES, Trust(contract="nobody")).findings
    assert finding.kind is FindingKind.NO_SUCH_CONTRACT


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = json.loads(LINES[0]) | {"program": "\x1b[31mred", "contract": "a\nb"}
    path = tmp_path / "bundle"
    path.write_bytes(b"".join([json.dumps(manifest).encode() + b"\n", *LINES[1:]]))
    assert run([str(path)]) == 1
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "a\nb" not in printed
    assert run([str(path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["program"] == "\x1b[31mred"


def test_the_program_reads_noise_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(sha256(b"noise").digest() * 1_000)
    command = [sys.executable, "-m", "multihome_verify.main", str(tmp_path / "noise")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert (done.returncode, done.stderr) == (1, "")
    assert "NOT ANCHORED" in done.stdout
