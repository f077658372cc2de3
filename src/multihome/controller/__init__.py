"""The one mutable state: decide(state, input, now) -> events and effects; apply(state, event).

Nothing here acts, and nothing here knows what time it is.
"""
