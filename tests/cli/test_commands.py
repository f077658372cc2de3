"""Every command has help; a control plane is refused where it must not run; nobody sees a traceback."""

import importlib
import json
import re
import socket
import stat
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from multihome.app.version import VERSION
from multihome.cli.main import command_line
from multihome.cli.tables import status
from multihome.views.status import StatusView

Run = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).resolve().parent.parent.parent


def command_paths() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [()]

    def walk(command: object, path: tuple[str, ...]) -> None:
        for name, inner in getattr(command, "commands", {}).items():
            found.append((*path, name))
            walk(inner, (*path, name))

    walk(typer.main.get_command(command_line()), ())
    return found


def test_there_are_all_commands() -> None:
    assert len(command_paths()) >= 28


@pytest.mark.parametrize("path", command_paths(), ids=" ".join)
def test_every_command_explains_itself(run: Run, path: tuple[str, ...]) -> None:
    done = run(*path, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_version_is_the_project_s(run: Run) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION
    assert run("version").stdout == f"multihome {VERSION}\n"


def test_a_second_control_plane_is_refused(run: Run, state: Path) -> None:
    assert run("up", "--port", "0").returncode == 0
    pid = json.loads((state / "server.json").read_text())["pid"]
    second = run("up", "--port", "0")
    assert second.returncode == 1
    assert f"process {pid} runs a control plane on {state} already" in second.stderr
    assert run("status").returncode == 0


def test_a_taken_port_is_said(run: Run, state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("up", "--port", str(port))
    assert done.returncode == 1
    assert f"127.0.0.1:{port} cannot be used: another program listens there" in done.stderr
    assert not (state / "server.json").exists()


def test_a_newer_state_directory_is_refused(run: Run, state: Path) -> None:
    state.mkdir()
    (state / "format.json").write_text('{"format": 99, "written_by": "Multihome 9.0"}')
    done = run("up", "--port", "0")
    assert done.returncode == 1
    assert "has format 99, written by Multihome 9.0" in done.stderr
    assert "use the newer version" in done.stderr
    assert list(state.glob("journal*")) == []


def _cannot_be_used(done: subprocess.CompletedProcess[str]) -> str:
    """The reason, which is all that is said."""
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    told = re.fullmatch(r"state directory \S+ cannot be used: (.+)", line)
    assert told, line
    return told[1]


@pytest.mark.parametrize("foreground", [(), ("--foreground",)], ids=["detached", "foreground"])
def test_a_state_directory_that_is_none_is_said(run: Run, state: Path, foreground: tuple[str, ...]) -> None:
    state.write_text("a file")
    for path in (state, state / "below"):
        done = run("up", "--port", "0", *foreground, "--state", str(path))
        assert _cannot_be_used(done) == "it is a file, or lies below one"
    assert state.read_text() == "a file"
    # Where nobody may make a directory, root neither.
    assert _cannot_be_used(run("up", "--port", "0", *foreground, "--state", "/proc/sys/multihome"))
    state.unlink()


# A limit of no bytes a file stands for a disk without room.
FULL_DISK = ("bash", "-c", 'ulimit -f 0; exec "$@"', "bash")


@pytest.mark.parametrize("foreground", [(), ("--foreground",)], ids=["detached", "foreground"])
def test_a_full_disk_is_said(run: Run, state: Path, foreground: tuple[str, ...]) -> None:
    assert _cannot_be_used(run("up", "--port", "0", *foreground, prefix=FULL_DISK)) == "File too large"
    assert run("up", "--port", "0").returncode == 0
    assert run("down").returncode == 0
    assert _cannot_be_used(run("up", "--port", "0", *foreground, prefix=FULL_DISK)) == "File too large"
    assert not (state / "server.json").exists()
    assert list(state.glob("*probe*")) == []


@pytest.mark.parametrize("date", ["garbage", "2025-06-02T00:00:00"])
def test_a_clock_start_that_is_no_instant_is_said(run: Run, date: str) -> None:
    done = run("up", "--port", "0", "--clock-start", date)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "expected a date like 2025-06-02" in done.stderr


def test_a_clock_start_on_a_journal_that_began_otherwise_is_refused_in_one_line(run: Run, state: Path) -> None:
    def up(date: str) -> subprocess.CompletedProcess[str]:
        return run("up", "--port", "0", "--clock-start", date)

    assert up("2025-06-02").returncode == 0
    assert run("down").returncode == 0
    other = up("2025-07-01")
    assert (other.returncode, other.stdout) == (1, "")
    assert other.stderr == (
        "clock: it cannot start at 2025-07-01 00:00Z: the scenario clock of this journal started at 2025-06-02 00:00Z\n"
    )
    assert not (state / "server.json").exists()
    assert up("2025-06-02").returncode == 0
    assert run("clock", "advance", "--by", "1d").returncode == 0
    assert run("down").returncode == 0
    assert up("2025-06-02").returncode == 0, "the start is the same, wherever the clock stands by now"
    assert "scenario 2025-06-03 00:00Z" in run("clock", "show").stdout


def test_a_clock_start_after_work_on_real_time_is_refused_in_one_line(run: Run, site: Path) -> None:
    assert run("up", "--port", "0").returncode == 0
    assert run("apply", str(site)).returncode == 0
    assert run("submit", "-", stdin=_HELLO).returncode == 0
    assert run("down").returncode == 0
    done = run("up", "--port", "0", "--clock-start", "2025-06-02")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "it cannot start at 2025-06-02 00:00Z: contract time is real time here" in done.stderr


@pytest.mark.parametrize("drill", ["outage", "restore"])
def test_a_drill_at_a_provider_that_is_not_there_is_refused(run: Run, state: Path, site: Path, drill: str) -> None:
    assert run("up", "--port", "0").returncode == 0
    assert run("apply", str(site)).returncode == 0
    done = run("drill", drill, "nosuch")
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.endswith("no local engine acts for 'nosuch'; known are site")
    assert [home.name for home in (state / "engines").iterdir()] == ["site"]
    assert run("drill", drill, "nosuch", "--state", str(state / "none")).stderr.endswith("known are none\n")


def test_a_newer_journal_is_refused(run: Run, state: Path) -> None:
    assert run("up", "--port", "0").returncode == 0
    assert run("down").returncode == 0
    _spoil(state / "journal.sqlite3", "UPDATE alembic_version SET version_num = '9999'")
    done = run("up", "--port", "0")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert f"the journal in {state} cannot be used: the journal has schema 9999" in line


def test_a_file_that_is_no_journal_is_refused(run: Run, state: Path) -> None:
    state.mkdir()
    (state / "journal.sqlite3").write_text("a shopping list, longer than the header of a database would be: eggs, milk")
    done = run("up", "--port", "0")
    assert done.returncode == 1
    assert "the journal" in done.stderr
    assert "Traceback" not in done.stderr


def test_secrets_are_their_owner_s(run: Run, state: Path) -> None:
    assert run("up", "--port", "0").returncode == 0
    modes = {name: stat.S_IMODE((state / name).stat().st_mode) for name in (".", "token", "server.json")}
    assert modes == {".": 0o700, "token": 0o600, "server.json": 0o600}
    token = (state / "token").read_text()
    assert run("down").returncode == 0
    assert not (state / "server.json").exists()
    assert run("up", "--port", "0").returncode == 0
    assert (state / "token").read_text() == token


def test_json_is_what_the_api_answers(run: Run, site: Path) -> None:
    assert run("up", "--port", "0").returncode == 0
    assert json.loads(run("apply", str(site), "--json").stdout)["changes"]
    view = msgspec.json.decode(run("status", "--json").stdout, type=StatusView)
    assert [row.id for row in view.pools] == ["site/h100"]
    assert status(view, ()) is not None
    made = json.loads(run("submit", "-", "--json", stdin=_HELLO).stdout)
    [workload_id] = made["workload_ids"]
    assert json.loads(run("explain", workload_id, "--json").stdout)["name"] == "stdin"
    assert json.loads(run("clock", "show", "--json").stdout)["scenario"] is False
    assert json.loads(run("audit", "verify", "--json").stdout)["records"] > 0


def test_json_is_one_object_where_no_api_answers(run: Run, site: Path, tmp_path: Path) -> None:
    def told(*arguments: str) -> dict[str, object]:
        done = run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert told("version") == {"version": VERSION}
    pid = told("up", "--port", "0")["pid"]
    assert run("apply", str(site)).returncode == 0
    say_two = "tenant: lab\nresources: {accelerators: H100:8}\nrun: printf 'one\\nzwölf\\nlast'\n"
    assert run("submit", "-", "--wait", "--name", "two", stdin=say_two).returncode == 0
    logs = told("logs", "two")
    assert logs["lines"] == [
        {"offset": 0, "text": "one"},
        {"offset": 4, "text": "zwölf"},
        {"offset": 11, "text": "last"},
    ]
    assert logs["next_offset"] == 15
    assert run("logs", "two", "--follow", "--json").returncode == 2
    assert told("backup", str(tmp_path / "copy"))["file"] == str(tmp_path / "copy")
    assert told("drill", "outage", "site") == {"provider": "site", "runs": 0}
    assert told("drill", "restore", "site") == {"provider": "site"}
    assert told("down") == {"stopped_pid": pid}
    assert told("down") == {"stopped_pid": None}
    restored = told("restore", str(tmp_path / "copy"), "--state", str(tmp_path / "other"))
    assert restored["state"] == str(tmp_path / "other")
    assert told("campaign", "simulation", "--seeds", "1")["failed"] == []


def test_every_error_is_one_object_with_json(run: Run, site: Path, tmp_path: Path) -> None:
    """On standard output, with nothing beside it; what the words say on standard error is in it."""

    def told(code: int, *arguments: str, stdin: str = "") -> dict[str, Any]:
        done = run(*arguments, "--json", stdin=stdin)
        assert (done.returncode, done.stderr) == (code, "")
        return json.loads(done.stdout)

    assert list(told(1, "status")) == ["failure"]
    assert run("up", "--port", "0").returncode == 0
    (tmp_path / "empty").mkdir()
    (problem,) = told(2, "apply", "empty")["problems"]
    assert (problem["file"], problem["line"]) == ("empty", 0)
    assert run("apply", str(site)).returncode == 0
    (problem,) = told(2, "submit", "-", stdin=_HELLO.replace("run: ", "run: [") + "]")["problems"]
    assert (problem["file"], problem["line"], problem["field"]) == ("standard input", 3, "run")
    assert told(2, "submit", "-", "--env", "x", stdin=_HELLO)["failure"].startswith("--env x")
    late = (site / "delivery.yaml").read_text().replace("D-1", "D-2").replace("2025-01-02", "2031-01-01")
    (tmp_path / "late.yaml").write_text(f"# Too much, and too late.\n{late}", encoding="utf-8")
    for command in ("apply", "diff"):
        refusal = told(1, command, "late.yaml")["refusal"]
        (other,) = refusal.pop("others")
        assert [(part["code"], part["subject"]) for part in (refusal, other)] == [
            ("bad_dates", "delivery D-2"),
            ("wrong_state", "delivery D-2"),
        ]
        assert refusal["places"] == other["places"] == [{"file": "late.yaml", "line": 2, "column": 1}]
        assert set(refusal) == set(other)
    large = _HELLO + "num_nodes: 99\n"
    for arguments in (("--name", "large"), ("--name", "large", "--dry-run")):
        refusal = told(1, "submit", "-", *arguments, stdin=large)["refusal"]
        assert (refusal["code"], refusal["subject"]) == ("gang_too_large", "workload lab/large")
        assert refusal["places"] == [{"file": "standard input", "line": 1, "column": 1}]
    refusal = told(1, "drain", "nobody", "--why", "a test")["refusal"]
    assert (refusal["code"], refusal["places"], refusal["others"]) == ("not_found", [], [])


def test_every_command_but_the_show_has_json() -> None:
    command = typer.main.get_command(command_line())

    def without(inner: object, path: str) -> Iterator[str]:
        below = getattr(inner, "commands", {})
        for name, command in below.items():
            yield from without(command, f"{path} {name}")
        if not below and not any("--json" in parameter.opts for parameter in getattr(inner, "params", [])):
            yield path

    assert list(without(command, "")) == [" demo"]


_HELLO = "tenant: lab\nresources: {accelerators: H100:8}\nrun: echo hello\n"


def test_a_broken_chain_fails_the_audit(run: Run, state: Path) -> None:
    assert run("up", "--port", "0").returncode == 0
    assert run("down").returncode == 0
    assert run("audit", "verify").returncode == 0
    _spoil(state / "journal.sqlite3", _OTHER_LETTERS)
    done = run("audit", "verify")
    assert done.returncode == 1
    assert "DOES NOT HOLD" in done.stdout


def test_a_record_that_was_made_text_is_seen(run: Run, state: Path) -> None:
    """With the same letters: only the type in the database differs."""
    assert run("up", "--port", "0").returncode == 0
    assert run("down").returncode == 0
    # Without the snapshot the next start reads all records.
    _spoil(state / "journal.sqlite3", "UPDATE journal SET body = CAST(body AS TEXT)", "DELETE FROM snapshots")
    done = run("audit", "verify", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    broken = {line["invariant"]: line["violations"] for line in json.loads(done.stdout)["lines"] if line["violations"]}
    assert list(broken) == ["I9"]
    assert broken["I9"][0]["subject"] == "record 1"
    done = run("up", "--port", "0")
    assert done.returncode == 1
    assert done.stderr == (
        f"the journal in {state} cannot be used: record 1 does not follow from record 0: "
        "the journal was changed or damaged\n"
    )


_OTHER_LETTERS = (
    "UPDATE journal SET body = CAST(replace(CAST(body AS TEXT), 'multihome', 'multihomf') AS BLOB) WHERE seq = 1"
)


def _spoil(journal: Path, *statements: str) -> None:
    sqlite = importlib.import_module("pysqlite3.dbapi2")
    connection = sqlite.connect(str(journal))
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
