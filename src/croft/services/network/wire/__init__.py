"""Neutron's API v2.0 on the wire: bodies and queries in, dicts out."""
