"""`python -m tools.mutate`: change every clause in every small way (mutmut) and say how many changes its tests notice.

Works in `mutants/`, anew each time. Which modules, and by which tests, stands in pyproject.toml under `[tool.mutmut]`.
"""
# ruff: noqa: TID251 -- it says how long the campaign took, which is what the clock of the machine is for

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping

from tools.source import ROOT

KILLED_BPS_MIN = 9_000
"""The share of mutants that must be killed."""
_FOLDER = ROOT / "mutants"
_MUTMUT = (sys.executable, "-m", "mutmut")


def main() -> int:
    """Run, list what survived, print the time and the share; the exit code is 1 below the share that must be killed."""
    began_s = time.perf_counter()
    shutil.rmtree(_FOLDER, ignore_errors=True)
    done = subprocess.run((*_MUTMUT, "run"), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout[-4_000:] + done.stderr[-4_000:])
        return done.returncode
    for line in _asked("results").splitlines():
        print(line.strip())
    _asked("export-cicd-stats")
    text, enough = share(json.loads((_FOLDER / "mutmut-cicd-stats.json").read_text(encoding="utf-8")))
    print(f"{(time.perf_counter() - began_s) / 60:.1f} minutes")
    print(text)
    return 0 if enough else 1


def _asked(command: str) -> str:
    return subprocess.run((*_MUTMUT, command), cwd=ROOT, capture_output=True, text=True, check=True).stdout


def share(stats: Mapping[str, int]) -> tuple[str, bool]:
    """The last line for mutmut's own statistics, and whether enough was killed; a mutant without tests survives."""
    total, killed = stats["total"], stats["killed"] + stats.get("timeout", 0)
    bps = killed * 10_000 // total if total else 0
    return f"{killed} of {total} mutants killed, {bps / 100:.2f} %", bps >= KILLED_BPS_MIN


if __name__ == "__main__":
    raise SystemExit(main())
