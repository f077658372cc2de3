"""Entry points: the only place that wires ports to adapters."""
