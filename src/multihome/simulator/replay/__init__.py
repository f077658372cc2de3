"""Replays a trace through the real loop: cluster and jobs become documents, commands and reports of an engine.

It feeds and listens, and decides nothing: who runs where is the control plane's doing. It never knows a policy's rules.
"""
