"""A journal with facts that no file describes here, in a state directory on which a control plane can be started."""

from pathlib import Path

from multihome.adapters.relational.sqlite import open_sqlite
from multihome.domain.commands import Accepted, Apply, Command, DeclareClock, Document, Install, Request
from multihome.runtime.loop import Runtime
from multihome.simulator.clock import SimClock
from tests.builders import START_MS


def seed(state: Path, *documents: Document) -> None:
    """A journal whose scenario clock stands at the first day of 2026, and that knows these facts."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    journal = open_sqlite(state, "test")
    runtime = Runtime(journal, SimClock(START_MS))
    commands: tuple[Command, ...] = (
        Install(installation_id="seeded"),
        DeclareClock(start_ms=START_MS),
        Apply(documents=documents, workloads=()),
    )
    batch = runtime.decide(
        [
            Request(key=f"seed-{number}", body_sha256="", minted_id=f"seed{number}", actor="test", command=command)
            for number, command in enumerate(commands)
        ]
    )
    assert all(isinstance(answer, Accepted) for answer in batch.answers), batch.answers
    runtime.commit(batch)
    journal.close()
