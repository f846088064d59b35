"""Compute on the wire: structs in, dicts out, by microversion."""
