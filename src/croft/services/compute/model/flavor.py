"""Flavors and key pairs as rows."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import msgspec

from croft.core.errors import Invalid

KEY_FORMS = frozenset(
    {
        "ssh-rsa",
        "ssh-dss",
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    }
)


class Flavor(msgspec.Struct, frozen=True, gc=False):
    id: str
    name: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    ephemeral_gib: int = 0
    swap_mib: int = 0
    rxtx_factor: str = "1.0"
    is_public: bool = True
    extra_specs: dict[str, str] = {}
    created: int = 0
    description: str | None = None


class KeyPair(msgspec.Struct, frozen=True, gc=False):
    number: int
    user: str
    name: str
    type: str
    public_key: str
    fingerprint: str
    created: int


def public_key_blob(text: str) -> bytes:
    """The binary key inside an OpenSSH public key line; `Invalid` when it is none."""
    words = text.split(None, 2)
    try:
        if len(words) < 2 or words[0] not in KEY_FORMS:
            raise ValueError
        blob = base64.b64decode(words[1], validate=True)
        length = int.from_bytes(blob[:4], "big")
        if blob[4 : 4 + length] != words[0].encode() or len(blob) <= 4 + length:
            raise ValueError
    except ValueError:
        raise Invalid("Keypair data is invalid: failed to generate fingerprint") from None
    return blob


def ssh_fingerprint(text: str) -> str:
    """MD5 in pairs, as Nova has always shown SSH keys."""
    digest = hashlib.md5(public_key_blob(text), usedforsecurity=False).hexdigest()
    return ":".join(digest[at : at + 2] for at in range(0, 32, 2))


def certificate_fingerprint(text: str) -> str:
    """SHA-1 in pairs of an X.509 certificate in PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    try:
        digest = x509.load_pem_x509_certificate(text.encode()).fingerprint(hashes.SHA1()).hex()  # noqa: S303
    except ValueError:
        raise Invalid("Keypair data is invalid: failed to generate X509 fingerprint.") from None
    return ":".join(digest[at : at + 2] for at in range(0, 40, 2)).upper()


def snapshot(flavor: Flavor) -> dict[str, Any]:
    """The columns a server keeps of its flavor, whatever becomes of the flavor."""
    return {
        "flavor": flavor.id,
        "flavor_name": flavor.name,
        "vcpus": flavor.vcpus,
        "memory_mib": flavor.memory_mib,
        "disk_gib": flavor.disk_gib,
        "ephemeral_gib": flavor.ephemeral_gib,
        "swap_mib": flavor.swap_mib,
        "extra_specs": flavor.extra_specs,
    }
