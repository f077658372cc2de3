"""Brings a database to the newest schema, or refuses it. Imports Alembic only when there is something to migrate."""

from importlib import resources

from sqlalchemy import Connection, inspect, select

from multihome.adapters.relational.tables import alembic_version, meta, metadata
from multihome.ports.journal import JournalBrokenError

NEWEST_REVISION = "0001"
"""The last of `migrations/versions`; a test compares."""


def prepare(connection: Connection, program: str) -> None:
    """Create, migrate or accept the schema, within the transaction the caller has begun.

    Raises:
        JournalBrokenError: the database was written by a version that `program` does not know.
    """
    if not inspect(connection).has_table(alembic_version.name):
        create(connection)
        return
    revision = connection.scalar(select(alembic_version.c.version_num))
    if revision != NEWEST_REVISION:
        migrate(connection, str(revision), program)


def create(connection: Connection) -> None:
    """The short road for an empty database: all tables at once, stamped as the newest revision."""
    metadata.create_all(connection)
    alembic_version.create(connection)
    connection.execute(alembic_version.insert(), {"version_num": NEWEST_REVISION})


def migrate(connection: Connection, revision: str | None, program: str) -> None:
    """The long road: from a revision, or from nothing, through every later one.

    Raises:
        JournalBrokenError: no migration has that revision, so a newer version wrote it.
    """
    # Importing Alembic costs 0.3 CPU-seconds, which no ordinary start should pay.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    with resources.as_file(resources.files("multihome.adapters.relational") / "migrations") as directory:
        config = Config()
        config.set_main_option("script_location", str(directory).replace("%", "%%"))
        config.attributes["connection"] = connection
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if revision is not None and revision not in known:
            raise JournalBrokenError(_newer(connection, revision, program))
        command.upgrade(config, "head")


def _newer(connection: Connection, revision: str, program: str) -> str:
    written_by = connection.scalar(select(meta.c.written_by))
    return (
        f"the journal has schema {revision} and was written by {written_by}; "
        f"{program} knows schemas up to {NEWEST_REVISION}"
    )
