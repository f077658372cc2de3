"""The journal in a relational database: SQLite now, by `sqlite.open_sqlite`; the tables are fit for PostgreSQL too.

Knows rows, hashes and epochs. Never knows what a record's body means.
"""
