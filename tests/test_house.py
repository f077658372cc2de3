"""The rules of the house hold, and the checks that enforce them catch a planted fault."""

import ast
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "tests", "bench", "tools", "examples")
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
CATCH_ALL_NAMES = {"common", "helper", "helpers", "misc", "structs", "util", "utils"}

# Spelt in two halves, so that this file passes its own test.
REGISTRY_HOSTS = [
    ".".join(labels)
    for labels in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
    )
]
MACHINE_PATHS = ["/" + path for path in ("work/", "root/", "opt/pypi", "opt/wheels")]
NOT_PORTABLE = re.compile("|".join([*map(re.escape, REGISTRY_HOSTS), rf"(?<![\w.~-])(?:{'|'.join(MACHINE_PATHS)})"]))


def python_files() -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def tracked_files(root: Path) -> list[Path]:
    # The owner of a checkout need not be who tests it.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return [root / name for name in listed.split("\0") if name and (root / name).is_file()]


def functions(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def long_functions(source: str) -> list[str]:
    return [
        f"{node.name} (line {node.lineno})"
        for node in functions(source)
        if (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]


def test_files_are_short() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in python_files()}
    assert lengths
    assert {path: length for path, length in lengths.items() if length > FILE_LINES_MAX} == {}


def test_functions_fit_a_screen() -> None:
    found = {path: long_functions(path.read_text()) for path in python_files()}
    assert {path: names for path, names in found.items() if names} == {}


def test_a_long_function_is_seen() -> None:
    fits = "def f():\n" + "    pass\n" * (FUNCTION_LINES_MAX - 1)
    assert long_functions(fits) == []
    assert long_functions(fits + "    pass\n") == ["f (line 1)"]


def test_no_module_is_a_catch_all() -> None:
    assert [path for path in python_files() if CATCH_ALL_NAMES & {path.stem, path.parent.name}] == []


def test_every_package_says_what_it_is() -> None:
    folders = {path.parent for path in (ROOT / "src").rglob("*.py")}
    silent = [
        folder
        for folder in sorted(folders)
        if not (folder / "__init__.py").is_file()
        or not ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    ]
    assert folders
    assert silent == []


def test_nothing_tracked_names_a_registry_or_this_machine() -> None:
    files = tracked_files(ROOT)
    assert files
    found = {path: NOT_PORTABLE.findall(path.read_bytes().decode(errors="replace")) for path in files}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "text", [f"https://{REGISTRY_HOSTS[0]}/simple", f"open('{MACHINE_PATHS[0]}x')", MACHINE_PATHS[1]]
)
def test_a_registry_or_a_machine_path_is_seen(text: str) -> None:
    assert NOT_PORTABLE.search(text)


def test_a_relative_path_is_no_machine_path() -> None:
    assert not NOT_PORTABLE.search("docs" + MACHINE_PATHS[0] + "map.md")


PLANTED = {
    "layers": ("multihome/controller/planted.py", "import multihome.adapters\n"),
    "siblings": ("multihome/scheduling/planted.py", "import multihome.ledger\n"),
    "faces": ("multihome/cli/planted.py", "import multihome.api\n"),
    "unplaced": ("multihome/unplaced/__init__.py", '"""A package nobody placed."""\n'),
    "pure": ("multihome/scheduling/planted.py", "import subprocess\n"),
    "pure-thread": ("multihome/ledger/planted.py", "from threading import Lock\n"),
    "ports": ("multihome/ports/planted.py", "import multihome.controller\n"),
    "adapters": ("multihome/adapters/planted.py", "import multihome.wire\n"),
    "adapters-blind": ("multihome/adapters/planted_one.py", "import multihome.adapters.planted_other\n"),
    "pydantic": ("multihome/files/planted.py", "import pydantic\n"),
    "relational": ("multihome/runtime/planted.py", "import sqlalchemy\n"),
    "recount": ("multihome/views/recount.py", "import multihome.ledger\n"),
    "resettling": ("multihome/views/resettling.py", "import multihome.controller.settlements\n"),
    "solver": ("multihome/runtime/planted.py", "import highspy\n"),
    "results": ("multihome/simulator/traces/planted.py", "import matplotlib\n"),
    "verifier": ("multihome_verify/planted.py", "import multihome.units\n"),
}
CONTRACT_OF = {"siblings": "layers", "faces": "layers", "unplaced": "layers", "pure-thread": "pure"}


def lint_imports(tree: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    """Check the contracts on `tree`, which comes before the installed source."""
    command = [
        str(Path(sys.executable).with_name("lint-imports")),
        "--config",
        str(ROOT / ".importlinter"),
        "--no-cache",
    ]
    chosen = [argument for contract in contracts for argument in ("--contract", contract)]
    environment = os.environ | {"PYTHONPATH": str(tree)}
    return subprocess.run(
        [*command, *chosen], cwd=tree, env=environment, check=False, capture_output=True, text=True, timeout=50
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    copy = tmp_path / "src"
    shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_the_contracts_hold(tree: Path) -> None:
    done = lint_imports(tree)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_import_is_seen(tree: Path, fault: str) -> None:
    name, source = PLANTED[fault]
    (tree / "multihome/adapters/planted_other.py").write_text('"""Another adapter."""\n')
    (tree / name).parent.mkdir(exist_ok=True)
    (tree / name).write_text(source)
    done = lint_imports(tree, CONTRACT_OF.get(fault, fault))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout
    assert any(name in done.stdout for name in ("planted", "unplaced", "views.recount ->", "views.resettling ->"))


def test_every_contract_has_a_planted_fault() -> None:
    contracts = re.findall(r"^\[importlinter:contract:(.+)\]$", (ROOT / ".importlinter").read_text(), re.MULTILINE)
    assert contracts
    assert set(contracts) == {CONTRACT_OF.get(fault, fault) for fault in PLANTED}


def run_pytest(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    """Run `source` as a test under the conftest of the house, where no skip is allowed."""
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "test_planted.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    environment = os.environ | {"MULTIHOME_NO_SKIPS": "1"}
    return subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=50)


SKIPS = {
    "test": "import pytest\ndef test_it(): pytest.skip('no reason')\n",
    "mark": "import pytest\n@pytest.mark.skip\ndef test_it(): pass\n",
    "module": "import pytest\npytest.skip('no reason', allow_module_level=True)\n",
}


@pytest.mark.parametrize("kind", SKIPS)
def test_a_skip_fails_where_none_is_allowed(tmp_path: Path, kind: str) -> None:
    done = run_pytest(tmp_path, SKIPS[kind])
    assert done.returncode != 0
    assert "allows no skip" in done.stdout


def test_a_pass_is_no_skip(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, "def test_it(): pass\n").returncode == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "127.250.7.9"])
def test_all_of_loopback_is_open(host: str) -> None:
    with socket.create_server((host, 0)) as server, socket.create_connection(server.getsockname(), timeout=5) as client:
        assert client.getpeername()[0] == host


# The guard warns as well as raising, and a warning is an error here.
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_nothing_beyond_loopback_is_open() -> None:
    # An address that documentation reserves: nothing answers there, even where the guard failed.
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 80), timeout=0.2)
