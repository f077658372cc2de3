"""The HTTP client. It knows the wire and nothing of the controller."""
