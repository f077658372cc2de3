"""The command line. Asks through the client, and shows what it is told; computes nothing.

Imports nothing heavy before a command runs, so that `--help` is quick. What it starts, `app` hands it as `Launchers`.
"""
