"""One folder per API, all of one shape (docs/guide/architecture.md)."""
