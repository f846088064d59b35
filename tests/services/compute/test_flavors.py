"""Flavors and key pairs."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from croft.services.compute import actions
from croft.services.compute.model import ssh_fingerprint
from tests.services.compute.cloud import ADMIN, Cloud

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF/v8CBFLjKGhKmU2pPCOWgGWxcE9f1GR7UrYh2qZyvR me@home"


def make(cloud: Cloud, **wishes: Any) -> Any:
    flavor = {"name": "f", "ram": 64, "vcpus": 1, "disk": 1} | wishes
    return cloud.ask("POST", "/flavors", {"flavor": flavor}, token=ADMIN)


def names(cloud: Cloud, query: str = "", token: str = "member:alpha") -> list[str]:
    return [each["name"] for each in cloud.ask("GET", "/flavors", query=query, token=token).json["flavors"]]


def test_the_first_flavors(cloud: Cloud) -> None:
    assert names(cloud) == ["m1.tiny", "m1.small", "m1.medium", "m1.large", "m1.xlarge"]
    actions.seed(cloud.db)
    cloud.ask("DELETE", "/flavors/1", token=ADMIN)
    actions.seed(cloud.db)
    assert len(names(cloud)) == 4


def test_flavors_are_made_by_operators_only_and_once(either: Cloud) -> None:
    assert either.ask("POST", "/flavors", {"flavor": {"name": "x", "ram": 1, "vcpus": 1, "disk": 1}}).status == 403
    made = make(either, id="42", name="answer", **{"OS-FLV-EXT-DATA:ephemeral": "3", "swap": 9, "rxtx_factor": "1.5"})
    assert made.status == 200
    shown = either.ask("GET", "/flavors/42").json["flavor"]
    assert shown == made.json["flavor"]
    assert (shown["OS-FLV-EXT-DATA:ephemeral"], shown["swap"], shown["rxtx_factor"]) == (3, 9, 1.5)
    assert make(either, id="42", name="other").status == 409
    assert make(either, name="answer").status == 409
    chosen = make(either, id="auto").json["flavor"]["id"]
    assert len(chosen) == 36
    assert either.ask("DELETE", "/flavors/42", token=ADMIN).status == 202
    assert either.ask("DELETE", "/flavors/42", token=ADMIN).status == 404
    assert either.ask("GET", "/flavors/42").status == 404


def test_a_server_outlives_its_flavor(cloud: Cloud) -> None:
    make(cloud, id="brief", ram=77)
    id = cloud.create(flavorRef="brief")
    cloud.ask("DELETE", "/flavors/brief", token=ADMIN)
    cloud.settle(700)
    assert cloud.show(id)["flavor"]["id"] == "brief"
    assert cloud.status(id) == "ACTIVE"


def test_flavors_are_paged_sorted_and_filtered(cloud: Cloud) -> None:
    assert names(cloud, "limit=2") == ["m1.tiny", "m1.small"]
    assert names(cloud, "limit=2&marker=2") == ["m1.medium", "m1.large"]
    assert names(cloud, "sort_key=memory_mb&sort_dir=desc&limit=2") == ["m1.xlarge", "m1.large"]
    assert names(cloud, "minRam=4096&minDisk=40") == ["m1.large", "m1.xlarge"]
    for bad in ("marker=nope", "minRam=x", "sort_key=nope", "sort_dir=up", "is_public=maybe"):
        assert cloud.ask("GET", "/flavors", query=bad, token=ADMIN).status == 400, bad


def test_private_flavors_are_for_those_they_are_opened_to(cloud: Cloud) -> None:
    assert make(cloud, id="p", name="private", **{"os-flavor-access:is_public": False}).status == 200
    access = "/flavors/p/os-flavor-access"
    assert cloud.ask("GET", "/flavors/p").status == 404
    assert cloud.post_server(flavorRef="p").status == 400
    assert cloud.ask("GET", access, token=ADMIN).json == {"flavor_access": []}
    add, remove = {"addTenantAccess": {"tenant": "alpha"}}, {"removeTenantAccess": {"tenant": "alpha"}}
    assert cloud.ask("POST", "/flavors/p/action", add).status == 403
    answer = cloud.ask("POST", "/flavors/p/action", add, token=ADMIN)
    assert answer.json == {"flavor_access": [{"flavor_id": "p", "tenant_id": "alpha"}]}
    assert cloud.ask("POST", "/flavors/p/action", add, token=ADMIN).status == 409
    assert "private" in names(cloud)
    assert "private" not in names(cloud, token="member:beta")
    assert "private" not in names(cloud, token=ADMIN)
    assert "private" in names(cloud, "is_public=None", token=ADMIN)
    assert names(cloud, "is_public=False", token=ADMIN) == ["private"]
    assert names(cloud, "is_public=False") == ["private"]
    assert cloud.post_server(flavorRef="p").status == 202
    assert cloud.ask("POST", "/flavors/p/action", remove, token=ADMIN).status == 200
    assert cloud.ask("POST", "/flavors/p/action", remove, token=ADMIN).status == 404
    assert cloud.ask("POST", "/flavors/p/action", {"fly": {}}, token=ADMIN).status == 400
    assert cloud.ask("GET", "/flavors/1/os-flavor-access", token=ADMIN).status == 404
    assert cloud.ask("POST", "/flavors/1/action", add, token=ADMIN).status == 409


def test_extra_specs(cloud: Cloud) -> None:
    path = "/flavors/1/os-extra_specs"
    assert cloud.ask("POST", path, {"extra_specs": {"hw:a": "1", "b": 2}}, token=ADMIN).status == 200
    assert cloud.ask("GET", path).json == {"extra_specs": {"hw:a": "1", "b": "2"}}
    assert cloud.ask("PUT", f"{path}/b", {"b": "3"}, token=ADMIN).json == {"b": "3"}
    assert cloud.ask("PUT", f"{path}/b", {"c": "3"}, token=ADMIN).status == 400
    assert cloud.ask("GET", f"{path}/b").json == {"b": "3"}
    assert cloud.ask("DELETE", f"{path}/b", token=ADMIN).status == 200
    assert cloud.ask("DELETE", f"{path}/b", token=ADMIN).status == 404
    assert cloud.ask("GET", f"{path}/b").status == 404
    assert cloud.ask("POST", path, {"extra_specs": {"x": "1"}}).status == 403


def keypair(cloud: Cloud, *, at: str = "2.37", token: str = "member:alpha", **wishes: Any) -> Any:
    return cloud.ask("POST", "/os-keypairs", {"keypair": {"name": "k"} | wishes}, at=at, token=token)


def test_a_generated_key_pair_is_told_once(either: Cloud) -> None:
    made = keypair(either)
    assert made.status == 201
    pair = made.json["keypair"]
    private = serialization.load_pem_private_key(pair["private_key"].encode(), None)
    line = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    assert pair["public_key"].startswith(line.decode())
    assert pair["fingerprint"] == ssh_fingerprint(pair["public_key"])
    shown = either.ask("GET", "/os-keypairs/k").json["keypair"]
    assert "private_key" not in shown
    assert (shown["type"], shown["user_id"]) == ("ssh", "user-member-alpha")
    assert keypair(either).status == 409
    assert either.ask("DELETE", "/os-keypairs/k").status == 204
    assert either.ask("DELETE", "/os-keypairs/k").status == 404
    assert either.ask("GET", "/os-keypairs/k").status == 404


def test_keys_are_imported_checked_and_listed_in_pages(cloud: Cloud) -> None:
    for name in ("b", "a", "c"):
        assert keypair(cloud, name=name, public_key=KEY).status == 201
    listed = cloud.ask("GET", "/os-keypairs", query="limit=2").json
    assert [each["keypair"]["name"] for each in listed["keypairs"]] == ["a", "b"]
    rest = cloud.ask("GET", "/os-keypairs", query="limit=2&marker=b").json["keypairs"]
    assert [each["keypair"]["name"] for each in rest] == ["c"]
    whole = cloud.ask("GET", "/os-keypairs", query="limit=1", at="2.34").json["keypairs"]
    assert len(whole) == 3
    for bad in ("rubbish", "ssh-rsa AAAA", "", "x" * 20000):
        assert keypair(cloud, name="bad", public_key=bad).status == 400, bad
    assert cloud.ask("GET", "/os-keypairs", query="marker=nope").status == 400
    assert cloud.ask("GET", "/os-keypairs/k%00x").status == 404


def test_key_pairs_belong_to_users(cloud: Cloud) -> None:
    assert keypair(cloud, public_key=KEY, token="member:alpha:ann").status == 201
    assert cloud.ask("GET", "/os-keypairs/k", token="member:beta:ann").status == 200
    assert cloud.ask("GET", "/os-keypairs/k", token="member:alpha:bob").status == 404
    assert cloud.ask("GET", "/os-keypairs?user_id=ann", token="member:alpha:bob").status == 403
    assert keypair(cloud, public_key=KEY, user_id="ann", token="member:alpha:bob").status == 403
    assert cloud.ask("GET", "/os-keypairs/k?user_id=ann", token=ADMIN).status == 200
    assert cloud.ask("GET", "/os-keypairs/k?user_id=ann", token=ADMIN, at="2.9").status == 404
    assert keypair(cloud, public_key=KEY, user_id="bob", token=ADMIN).status == 201
    assert cloud.ask("DELETE", "/os-keypairs/k?user_id=bob", token=ADMIN).status == 204


def test_x509_certificates(cloud: Cloud) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "me")])
    began = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, began, began + datetime.timedelta(days=9))
    text = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    made = keypair(cloud, type="x509", public_key=text)
    assert made.status == 201
    assert len(made.json["keypair"]["fingerprint"].split(":")) == 20
    generated = keypair(cloud, name="x", type="x509").json["keypair"]
    certificate = x509.load_pem_x509_certificate(generated["public_key"].encode())
    private = serialization.load_pem_private_key(generated["private_key"].encode(), None)
    assert certificate.public_key() == private.public_key()
    assert keypair(cloud, name="y", type="x509", public_key=KEY).status == 400
    assert keypair(cloud, name="y", type="x509", public_key=text, at="2.1").status == 400


def test_a_users_key_pairs_have_a_quota(either: Cloud) -> None:
    either.ask("PUT", "/os-quota-sets/alpha", {"quota_set": {"key_pairs": 1}}, token=ADMIN)
    assert keypair(either, public_key=KEY).status == 201
    assert keypair(either, name="second", public_key=KEY).status == 403
    assert keypair(either, public_key=KEY, token="member:alpha:bob").status == 201


@pytest.mark.parametrize("at", ["2.1", "2.2"])
def test_old_key_pairs_have_no_type(cloud: Cloud, at: str) -> None:
    made = keypair(cloud, public_key=KEY, at=at)
    assert (made.status, "type" in made.json["keypair"]) == ((200, False) if at == "2.1" else (201, True))
    assert cloud.ask("DELETE", "/os-keypairs/k", at=at).status == (202 if at == "2.1" else 204)
