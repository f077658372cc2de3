"""Read models: what people and programs look at. A view changes nothing."""
