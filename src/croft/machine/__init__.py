"""The embedded cloud: packages, namespaces and daemons on one machine, all of it in one state directory."""
