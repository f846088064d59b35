"""Croft: a self-serve, multi-tenant cloud that speaks the OpenStack APIs."""

