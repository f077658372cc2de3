"""Pool health, prices and commitments -> route weights and replicas. Knows no proxy."""
