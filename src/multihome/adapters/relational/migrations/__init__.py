"""The steps from every older schema to the newest, run by Alembic in the transaction of `schema.prepare`."""
