"""What the house needs from outside, as protocols: clock, ids, journal, engine.

Knows facts only. An adapter implements a port; nothing below `runtime` calls one.
"""
