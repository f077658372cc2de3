"""A control plane starts without what it may never use."""

import subprocess
import sys

HEAVY = ("alembic", "cryptography", "highspy", "httpx", "rfc3161_client", "yaml")


def test_a_start_imports_nothing_that_only_some_requests_need() -> None:
    code = f"import sys, multihome.app.serve; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=50)
    assert done.stdout.strip() == "[]"
