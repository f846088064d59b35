"""Guest images built here from Debian packages; apt is the only source. Results are cached by recipe and versions."""

from croft.machine.guests.build import NAMES, PACKAGES, BuiltImage, build

__all__ = ["NAMES", "PACKAGES", "BuiltImage", "build"]
