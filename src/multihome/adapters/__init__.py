"""The edges: one package a port. Mutually blind; they import ports and facts only."""
