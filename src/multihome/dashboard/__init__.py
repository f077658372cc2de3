"""The web face; not built yet. It will compute nothing."""
