"""The kernel: it knows no service and no engine."""
