"""Ports to the engines that do the work: one folder per port, a Protocol, a fake and one file per engine."""
