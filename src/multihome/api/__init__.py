"""The HTTP face: requests to commands, views to bytes. Decides nothing, and reads no state that is not durable.

Every request passes `guard` first (token, size, latency); `submit` is the one route that must be fast; all others are
FastAPI's. Knows no adapter: `app` hands it what it serves.
"""
