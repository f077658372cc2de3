"""What the figures of an option are made of: throughput, value, switching, elastic sizes, deadlines, data.

Facts + valuation + now -> rows with value and cost in micro-USD per round. Chooses nothing: it knows no room, no quota
and no other workload, and leaves out only what a standing rule forbids or a better option of its own class crowds out.
"""
