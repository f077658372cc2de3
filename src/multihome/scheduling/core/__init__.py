"""The core of placement: one problem in columns, prices for its limits, whole gangs, and a proof of their quality.

Knows no contract, provider, workload or name: only columns.
"""
