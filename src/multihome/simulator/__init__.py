"""Simulated clock and engines that lag, lie and fail, driving the real runtime loop."""
