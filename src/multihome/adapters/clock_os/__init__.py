"""The machine's clock and dice: the only place where either is read."""
