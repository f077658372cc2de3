"""Asks a time-stamping authority's question and reads its answer, as RFC 3161 writes them.

Sends nothing: how the question travels is not its business. Trusts no authority; that is for whoever verifies.
"""
