"""Public traces in one neutral form: one reader a file, and `table.FORMATS` that lists them.

A reader knows its format and `facts`. It never knows a tenant tree, a contract, a scheduler or a clock, and it never
raises over what stands in a file: what is wrong comes back as problems with their places.
"""
