"""What a simulation leaves: columns, a summary reckoned from them, Parquet files and a report in HTML.

It looks at what happened and decides nothing. It never knows the loop, the policy or the clock that made the columns,
and nothing here runs while a simulation does. The only importer of pyarrow and matplotlib, each where it is needed.
"""
