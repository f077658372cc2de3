"""Demand + offers + contracts -> model -> plan -> checks. Knows no run."""
