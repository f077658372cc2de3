"""Request, response and document schemas. Pydantic lives only here, and nothing here decides."""
