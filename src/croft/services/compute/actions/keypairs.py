"""Key pairs of a user: generated here (the private half is told once and kept nowhere) or imported."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from croft.core.ctx import Ctx
from croft.core.errors import Conflict, Forbidden, Invalid, NotFound
from croft.core.page import Page
from croft.services.compute import store
from croft.services.compute.model import KeyPair, certificate_fingerprint, check_name, ssh_fingerprint

LONGEST = 16 << 10
_PRINCIPAL_NAME = "1.3.6.1.4.1.311.20.2.3"
"""Microsoft's user principal name."""


def _owner(ctx: Ctx, user: str) -> str:
    """Whose keys are meant: the caller's, unless an operator names somebody."""
    if user and user != ctx.actor.user and not ctx.allows("compute.keypair.others"):
        raise Forbidden("Policy doesn't allow os_compute_api:os-keypairs to be performed for other users.")
    return user or ctx.actor.user


def list_keypairs(ctx: Ctx, user: str, page: Page) -> list[KeyPair]:
    owner = _owner(ctx, user)
    with ctx.read("compute.keypair.list") as tx:
        return store.keypairs.page(tx, owner, page)


def show_keypair(ctx: Ctx, name: str, user: str) -> KeyPair:
    owner = _owner(ctx, user)
    with ctx.read("compute.keypair.show") as tx:
        found = store.keypairs.find(tx, owner, name)
    if found is None:
        raise NotFound(f"Keypair {name[:64]} not found for user {owner}")
    return found


def create_keypair(ctx: Ctx, name: str, kind: str, public_key: str | None, user: str) -> tuple[KeyPair, str]:
    """The pair and, when it was generated, the private key."""
    owner = _owner(ctx, user)
    ctx.policy.check(ctx.actor, "compute.keypair.create")
    check_name(name)
    if any(not (letter.isascii() and (letter.isalnum() or letter in "_- @.")) for letter in name):
        raise Invalid("Keypair data is invalid: Keypair name contains unsafe characters")
    private = ""
    if public_key is None:
        public_key, private = generate() if kind == "ssh" else generate_certificate(owner)
    elif len(public_key) > LONGEST:
        raise Invalid(f"Keypair data is invalid: a public key has at most {LONGEST} characters.")
    public_key = public_key.strip()
    fingerprint = ssh_fingerprint(public_key) if kind == "ssh" else certificate_fingerprint(public_key)
    with ctx.write("compute.keypair.create") as tx:
        tx.lock(f"user:{owner}")
        if store.keypairs.find(tx, owner, name) is not None:
            raise Conflict(f"Key pair '{name}' already exists.")
        tx.ensure_quota("compute.key_pairs", store.keypairs.count(tx, owner))
        row = {"user": owner, "name": name, "type": kind, "public_key": public_key, "fingerprint": fingerprint}
        store.keypairs.insert(tx, row | {"created": tx.now})
        tx.audit(name, name)
        made = store.keypairs.find(tx, owner, name)
    assert made is not None
    return made, private


def generate() -> tuple[str, str]:
    """An RSA key of 2048 bits, as Nova makes: what old clients and images understand."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return public.decode() + " Generated-by-Croft", private.decode()


def generate_certificate(user: str) -> tuple[str, str]:
    """A self-signed certificate by which a Windows guest lets its owner in, as Nova makes; good for ten years."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, user[:64])])
    login = f"{user[:64]}@localhost".encode()
    principal = x509.OtherName(x509.ObjectIdentifier(_PRINCIPAL_NAME), b"\x0c" + bytes([len(login)]) + login)
    began = datetime.now(UTC) - timedelta(days=1)
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=3650))
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([principal]), critical=False)
    )
    public = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return public.decode(), private.decode()


def delete_keypair(ctx: Ctx, name: str, user: str) -> None:
    """Servers keep the public key they were made with."""
    owner = _owner(ctx, user)
    with ctx.write("compute.keypair.delete") as tx:
        if store.keypairs.find(tx, owner, name) is None:
            raise NotFound(f"Keypair {name[:64]} not found for user {owner}")
        store.keypairs.drop(tx, owner, name)
        tx.audit(name, name)
