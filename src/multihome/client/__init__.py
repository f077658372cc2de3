"""The HTTP client: typed methods over the API of a control plane on this machine or another. Decides nothing."""
