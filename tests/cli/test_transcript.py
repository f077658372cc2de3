"""What a person sees, command by command: a golden transcript with ids and times made equal."""

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

TRANSCRIPT = Path(__file__).with_name("transcript.txt")
ID = re.compile(r"\bw-[a-z0-9]{10,13}\b")
REAL_TIME = re.compile(r"\(real \d\d:\d\dZ\)")
PORT = re.compile(r"127\.0\.0\.1:\d+")
PROCESS = re.compile(r"\bprocess \d+")
REAL_DATE = re.compile(r"real \d{4}-\d\d-\d\d \d\d:\d\dZ")
COUNTS = re.compile(r"\d+ records, \d+ events, head \d+|\brecord \d+")
CHECKED = re.compile(r"^(I\d+ .*?) +\d+ +(\d+)$", re.MULTILINE)
HASH = re.compile(r"\b[0-9a-f]{16}\b")


# A delivery of more than was ordered, a tranche that was left out, and a quota above its parent's.
BROKEN = """\
kind: delivery
name: D-9
tranche: order/h100
domains: 9
effective: 2025-01-02
source: s
---
kind: contract
name: order
title: An order
provider: site
from: 2025-01-01
until: 2030-01-01
source: assumed
clauses:
  - kind: take_or_pay
    name: top
    until: 2031-01-01
    share: 80%
    source: s
---
kind: tenant
name: lab/team
title: Team
approver: a
quotas:
  - {name: all, chips: 9, reclaim_after: 1s, notice: 1s}
---
kind: tenant
name: lab
title: Lab
approver: a
quotas:
  - {name: all, chips: 8, reclaim_after: 1s, notice: 1s}
"""


def equal_for_all(text: str, folder: Path) -> str:
    """Output without what differs from run to run."""
    text = text.replace(str(folder), "DIR")
    for pattern, word in ((ID, "w-ID"), (REAL_TIME, "(real HH:MMZ)"), (PORT, "HOST:PORT"), (HASH, "HASH")):
        text = pattern.sub(word, text)
    for pattern, word in ((PROCESS, "process N"), (REAL_DATE, "real DATE"), (CHECKED, r"\1  N  \2")):
        text = pattern.sub(word, text)
    text = COUNTS.sub(lambda found: re.sub(r"\d+", "N", found[0]), text)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def steps(transcript: str) -> list[tuple[str, int, str]]:
    """Command, exit code and output of each step."""
    parts = re.split(r"^\$ (.*)\n", transcript, flags=re.MULTILINE)[1:]
    found: list[tuple[str, int, str]] = []
    for command, output in zip(parts[::2], parts[1::2], strict=True):
        code = re.search(r"^\[exit (\d+)\]\n", output, flags=re.MULTILINE)
        found.append((command, int(code[1]) if code else 0, output.replace(code[0], "") if code else output))
    return found


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("site")
def test_the_transcript_is_what_is_printed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(
        "tenant: lab\nresources: {accelerators: H100:8}\nrun: echo hello\n", encoding="utf-8"
    )
    (tmp_path / "large.yaml").write_text(
        "tenant: lab\nresources: {accelerators: H100:8}\nnum_nodes: 9\nrun: echo hello\n", encoding="utf-8"
    )
    (tmp_path / "empty").mkdir()
    (tmp_path / "sized.yaml").write_text(
        "tenant: lab\nresources: {accelerators: H100:8, cpus: 8+, memory: 64+}\nrun: echo hello\n", encoding="utf-8"
    )
    (tmp_path / "broken.yaml").write_text(BROKEN, encoding="utf-8")
    (tmp_path / "wrong.yaml").write_text("tenant: lba\nresource: {}\nrun: 7\n", encoding="utf-8")
    expected = TRANSCRIPT.read_text(encoding="utf-8")
    seen = ""
    for command, code, _ in steps(expected):
        done = run(*shlex.split(command)[1:])
        ending = f"[exit {done.returncode}]\n" if done.returncode else ""
        seen += f"$ {command}\n{equal_for_all(done.stdout + done.stderr, tmp_path)}{ending}"
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == code, (command, seen)
    assert seen == expected
