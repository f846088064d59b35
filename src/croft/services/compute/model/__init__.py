"""Compute's values and pure decisions: no I/O, no clock."""

from croft.services.compute.model.flavor import (
    Flavor,
    KeyPair,
    certificate_fingerprint,
    public_key_blob,
    snapshot,
    ssh_fingerprint,
)
from croft.services.compute.model.host import IDLE, ZONE, Host, Load, Need, place
from croft.services.compute.model.names import (
    MAX_TAGS,
    check_description,
    check_items,
    check_name,
    check_tag,
    check_tags,
    hostname,
)
from croft.services.compute.model.server import (
    AcceptOff,
    Ensure,
    Hold,
    Server,
    Settled,
    States,
    allow,
    decide,
    hardware,
    states,
)

__all__ = [
    "AcceptOff",
    "Ensure",
    "Flavor",
    "Hold",
    "Host",
    "IDLE",
    "KeyPair",
    "Load",
    "MAX_TAGS",
    "Need",
    "Server",
    "Settled",
    "States",
    "ZONE",
    "allow",
    "certificate_fingerprint",
    "check_description",
    "check_items",
    "check_name",
    "check_tag",
    "check_tags",
    "decide",
    "hardware",
    "hostname",
    "place",
    "public_key_blob",
    "snapshot",
    "ssh_fingerprint",
    "states",
]
