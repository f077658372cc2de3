"""The tables of the newest schema. What an older database lacks, `migrations` adds; a test compares the two roads."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table

metadata = MetaData()

journal = Table(
    "journal",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("hash", String(64), nullable=False),
)

history = Table(
    "history",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("key", String, nullable=False),
    Column("workload", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    # One index for each way `Journal.history` is asked; `id` ends each, so that a page is read in order, unsorted.
    # Key and workload come before the kind, so that they also serve who asks for all kinds, at the price of sorting
    # the few rows of one key or workload.
    Index("history_by_seq", "seq", "id"),
    Index("history_by_kind", "kind", "seq", "id"),
    Index("history_by_key", "key", "kind", "seq", "id"),
    Index("history_by_workload", "workload", "kind", "seq", "id"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

meta = Table(
    "meta",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    # Every later version keeps this column: by it an older program says what it cannot read.
    Column("written_by", String, nullable=False),
)
"""One row, `id` 1: the writer's epoch, and the program that last opened the journal for writing."""

alembic_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), primary_key=True),
)
"""Alembic's own table, outside `metadata` because Alembic makes it itself on its road."""
