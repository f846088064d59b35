"""All SQL of tenancy."""
