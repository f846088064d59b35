"""All SQL of identity. Its rows belong to nobody's project, so most functions take the ids they may touch."""
