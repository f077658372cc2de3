"""Snapshot + policy + now -> placements, reclaims and reasons.

The scheduler knows no engine, and asks no other decider.
"""
