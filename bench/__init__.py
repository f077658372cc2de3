"""Benchmarks, each a figure in one registry. `python -m bench` runs them; tests run them all at smoke size.

Add one: a function under `@figure(...)` in a module of this package, and its name in `tests/bench/test_smoke.py`.
"""
