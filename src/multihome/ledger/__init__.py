"""Runs -> usage -> charges -> postings; commitments. The ledger knows no scheduler."""
