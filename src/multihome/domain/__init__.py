"""Facts, commands and events in the field's words: frozen records and typed ids.

Stands on `units` alone. It decides nothing, reads nothing, and never knows what time it is.
Every record is a `msgspec.Struct`, so that the journal can be written and read a hundred thousand records a second.
"""
