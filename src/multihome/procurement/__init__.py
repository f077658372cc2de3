"""Offers + contracts + now -> notices, answers held against them, awards and what stands against them.

Knows no scheduler, no ledger and no journal. What a clause means it asks of `clauses`.
"""
