"""Tools of the repository: what a developer runs, and no user needs."""
