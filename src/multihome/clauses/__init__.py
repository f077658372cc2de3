"""What each kind of clause means: its scope test, what it permits, charges and says.

A clause knows no workload queue, no engine and no clock.
"""
