"""Key pairs of a user: generated here (the private half is told once and kept nowhere) or imported."""

from __future__ import annotations

from croft.core.ctx import Ctx
from croft.core.errors import Conflict, Forbidden, Invalid, NotFound
from croft.core.page import Page
from croft.services.compute import store
from croft.services.compute.model import KeyPair, certificate_fingerprint, check_name, ssh_fingerprint

LONGEST = 16 << 10


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
        if kind != "ssh":
            raise Invalid("Only SSH keys are generated here; import the certificate instead.")
        public_key, private = generate()
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


def delete_keypair(ctx: Ctx, name: str, user: str) -> None:
    """Servers keep the public key they were made with."""
    owner = _owner(ctx, user)
    with ctx.write("compute.keypair.delete") as tx:
        if store.keypairs.find(tx, owner, name) is None:
            raise NotFound(f"Keypair {name[:64]} not found for user {owner}")
        store.keypairs.drop(tx, owner, name)
        tx.audit(name, name)
