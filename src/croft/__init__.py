"""Croft: a self-serve, multi-tenant cloud that speaks the OpenStack APIs."""

__version__ = "0.1.0"
