"""Multihome: the control plane for AI compute bought from several providers under real contracts.

Imports only go up the listing in ARCHITECTURE.md; `.importlinter` enforces it.
"""
