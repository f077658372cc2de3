"""YAML documents to wire models and back, with the place of every error. Applies nothing."""
