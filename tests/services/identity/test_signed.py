"""Signed requests (EC2, S3): which signatures open, and what is tried with those that should not."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import pytest
from keystoneclient.contrib.ec2.utils import Ec2Signer

from croft.core.clock import ManualClock, iso
from croft.core.db import Database
from croft.services.identity.model.signatures import Signed, ec2_claim
from tests.services.identity.house import V3, House, project_scope
from tests.world import Answer

NEUTRAL = "The request you have made requires authentication."
EMPTY = hashlib.sha256(b"").hexdigest()


class Tenant:
    """ada of project tower, with an EC2 pair."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.user, self.project = house.resident()
        self.token = house.login("ada", scope=project_scope(self.project))
        path = f"/users/{self.user}/credentials/OS-EC2"
        pair = house.ask("POST", path, {"tenant_id": self.project}, token=self.token).json["credential"]
        self.access, self.secret = pair["access"], pair["secret"]

    def stamp(self, late: int = 0) -> str:
        return iso(self.house.clock.now() - late).replace("-", "").replace(":", "")

    def v2(self, late: int = 0) -> dict[str, Any]:
        params = {
            "Action": "DescribeInstances",
            "AWSAccessKeyId": self.access,
            "SignatureVersion": "2",
            "SignatureMethod": "HmacSHA256",
            "Timestamp": iso(self.house.clock.now() - late),
            "Filter": "tilde~ space ä/+",
        }
        found = {"access": self.access, "host": "cloud.test:8773", "verb": "GET", "path": "/", "params": params}
        return self.signed(found)

    def v4(self, late: int = 0, verb: str = "GET") -> dict[str, Any]:
        stamp = self.stamp(late)
        scope = f"{stamp[:8]}/RegionOne/ec2/aws4_request"
        names = "host;x-amz-date"
        headers = {
            "Host": "cloud.test:8773",
            "X-Amz-Date": stamp,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={self.access}/{scope},SignedHeaders={names},Signature=x",
        }
        found = {
            "access": self.access,
            "host": "cloud.test:8773",
            "verb": verb,
            "path": "/",
            "params": {"Action": "DescribeInstances", "Version": "2014-10-01"},
            "headers": headers,
            "body_hash": EMPTY,
        }
        return self.signed(found)

    def link(self, life: int = 3600, late: int = 0) -> dict[str, Any]:
        """A signed link: everything is in the query."""
        stamp = self.stamp(late)
        params = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{self.access}/{stamp[:8]}/RegionOne/ec2/aws4_request",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(life),
            "X-Amz-SignedHeaders": "host",
        }
        headers = {"host": "cloud.test"}
        found = {"access": self.access, "host": "cloud.test", "verb": "GET", "path": "/a", "params": params}
        return self.signed(found | {"headers": headers, "body_hash": "UNSIGNED-PAYLOAD"})

    def signed(self, request: dict[str, Any]) -> dict[str, Any]:
        """By OpenStack's own client, so that ours is not its own judge."""
        copy = {**request, "params": dict(request["params"])}
        return request | {"signature": Ec2Signer(self.secret).generate(copy)}

    def s3(self, text: str, **words: Any) -> dict[str, Any]:
        return {"access": self.access, "token": base64.urlsafe_b64encode(text.encode()).decode(), **words}

    def s3_v4(self, late: int = 0, service: str = "s3") -> dict[str, Any]:
        stamp = self.stamp(late)
        words = (stamp[:8], "RegionOne", service, "aws4_request")
        text = "\n".join(("AWS4-HMAC-SHA256", stamp, "/".join(words), EMPTY))
        key = f"AWS4{self.secret}".encode()
        for word in words:
            key = hmac.new(key, word.encode(), hashlib.sha256).digest()
        return self.s3(text, signature=hmac.new(key, text.encode(), hashlib.sha256).hexdigest())

    def s3_v2(self, date: str, *more: str) -> dict[str, Any]:
        text = "\n".join(("GET", "", "", date, *more, "/bucket/thing"))
        digest = hmac.new(self.secret.encode(), text.encode(), hashlib.sha1).digest()
        return self.s3(text, signature=base64.b64encode(digest).decode())

    def ec2_token(self, request: dict[str, Any], token: str = "", name: str = "ec2Credentials") -> Answer:
        return self.house.ask("POST", "/ec2tokens", {name: request}, token=token)

    def s3_token(self, request: dict[str, Any], token: str = "") -> Answer:
        return self.house.ask("POST", "/s3tokens", {"credentials": request}, token=token)


@pytest.fixture
def ada(house: House) -> Tenant:
    return Tenant(house)


def advance(house: House, seconds: int) -> None:
    assert isinstance(house.clock, ManualClock)
    house.clock.advance(seconds)


class TestEc2:
    def test_each_version_opens(self, db: Database) -> None:
        ada = Tenant(House(db))
        for request in (ada.v2(), ada.v4(), ada.v4(verb="POST"), ada.link()):
            answer = ada.ec2_token(request)
            assert answer.status == 200, answer.body
            token = answer.json["token"]
            assert (token["user"]["id"], token["project"]["id"]) == (ada.user, ada.project)
            assert token["methods"] == ["ec2credential"]
            assert [role["name"] for role in token["roles"]] == ["member", "reader"]
            assert ada.house.valid(answer.headers["x-subject-token"])

    @pytest.mark.parametrize("name", ["credentials", "credential", "ec2Credentials"])
    def test_callers_have_several_names_for_it(self, ada: Tenant, name: str) -> None:
        assert ada.ec2_token(ada.v4(), name=name).status == 200

    def test_amazons_own_example_of_version_4(self) -> None:
        """AWS General Reference: GET iam ListUsers, 2015-08-30."""
        secret, date = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830T123600Z"
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "Host": "iam.amazonaws.com",
            "X-Amz-Date": date,
            "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79",
        }
        params = {"Action": "ListUsers", "Version": "2010-05-08"}
        request = Signed("AKIDEXAMPLE", "", "iam.amazonaws.com", "GET", "/", params, headers, EMPTY)
        claim = ec2_claim(secret, request)
        assert claim.signature == "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"

    @pytest.mark.parametrize("made", [Tenant.v2, Tenant.v4])
    @pytest.mark.parametrize("late", [901, 86_400, -901])
    def test_old_and_future_signatures_open_nothing(
        self, ada: Tenant, made: Callable[[Tenant, int], dict[str, Any]], late: int
    ) -> None:
        assert ada.ec2_token(made(ada, late)).json["error"]["message"] == NEUTRAL
        assert ada.ec2_token(made(ada, late // abs(late) * 800)).status == 200

    def test_a_link_counts_as_long_as_it_says_and_a_week_at_most(self, ada: Tenant) -> None:
        link = ada.link(3600)
        advance(ada.house, 3500)
        ada.house._admin = ""
        assert ada.ec2_token(link).status == 200
        advance(ada.house, 100)
        ada.house._admin = ""
        assert ada.ec2_token(link).status == 401
        assert ada.ec2_token(ada.link(8 * 86_400)).status == 401
        assert ada.ec2_token(ada.link(3600, late=-1000)).status == 401

    def test_what_is_not_signed_does_not_prolong(self, ada: Tenant) -> None:
        request = ada.v4(late=1000, verb="POST")
        request["params"]["X-Amz-Expires"] = "604800"
        assert ada.ec2_token(request).status == 401

    @pytest.mark.parametrize("part", ["host", "verb", "path", "params", "body_hash", "signature", "access"])
    def test_a_changed_request_opens_nothing(self, ada: Tenant, part: str) -> None:
        for request in (ada.v2(), ada.v4()):
            changed = dict(request)
            if part == "params":
                changed["params"] = request["params"] | {"Action": "TerminateInstances"}
            elif part == "host":
                changed["host"] = "evil.test"
                changed["headers"] = request.get("headers", {}) | {"Host": "evil.test"}
            else:
                changed[part] = f"{request.get(part, '')}x"
            if part == "body_hash" and "body_hash" not in request:
                continue
            assert ada.ec2_token(changed).status in {400, 401}, part

    @pytest.mark.parametrize(
        "change",
        [
            {"params": {"SignatureVersion": "1"}},
            {"params": {"SignatureVersion": "2", "SignatureMethod": "HmacSHA1"}},
            {"params": {"SignatureVersion": "2", "Timestamp": "yesterday"}},
            {"params": {}},
            {"params": {"X-Amz-Algorithm": "AWS4-HMAC-SHA256"}},
            {"headers": {"Authorization": "AWS4-HMAC-SHA256 nonsense"}},
        ],
    )
    def test_what_cannot_be_checked_is_a_bad_request(self, ada: Tenant, change: dict[str, Any]) -> None:
        assert ada.ec2_token(ada.v2() | {"headers": {}} | change).status == 400

    def test_without_any_time_it_opens_nothing(self, ada: Tenant) -> None:
        request = ada.v2()
        del request["params"]["Timestamp"]
        assert ada.ec2_token(ada.signed(request)).status == 401

    def test_version_2_may_say_when_it_ends(self, ada: Tenant) -> None:
        request = ada.v2()
        del request["params"]["Timestamp"]
        request["params"]["Expires"] = iso(ada.house.clock.now() + 60)
        signed = ada.signed(request)
        assert ada.ec2_token(signed).status == 200
        advance(ada.house, 60)
        assert ada.ec2_token(signed).status == 401


class TestWho:
    def test_only_services_and_operators_may_ask(self, ada: Tenant) -> None:
        for token in (ada.token, ada.house.demo()):
            assert ada.ec2_token(ada.v4(), token).status == 403
            assert ada.s3_token(ada.s3_v4(), token).status == 403
        assert ada.house.call("POST", f"{V3}/ec2tokens", {"credentials": ada.v4()}, token=None).status == 401
        swift = ada.house.made("user", name="swift")["id"]
        ada.house.grant(swift, "service", ada.project)
        service = ada.house.login("swift", scope=project_scope(ada.project))
        assert ada.ec2_token(ada.v4(), service).status == 200
        assert ada.s3_token(ada.s3_v4(), service).status == 200

    def test_nothing_says_whether_a_key_exists(self, ada: Tenant) -> None:
        code = {"credential": {"type": "cert", "blob": "x", "user_id": ada.user}}
        other = ada.house.ask("POST", "/credentials", code, token=ada.token).json["credential"]["id"]
        answers = [
            ada.ec2_token(ada.v2() | {"access": "0" * 32}),
            ada.ec2_token(ada.v2() | {"access": other}),
            ada.ec2_token(ada.v2() | {"signature": "x"}),
        ]
        assert {(answer.status, answer.body) for answer in answers} == {(401, answers[0].body)}

    def test_it_gives_no_more_than_the_user_has_now(self, ada: Tenant) -> None:
        house = ada.house
        token = ada.ec2_token(ada.v4()).headers["x-subject-token"]
        house.revoke(ada.user, "member", ada.project)
        assert not house.valid(token)
        assert ada.ec2_token(ada.v4()).status == 401
        house.grant(ada.user, "reader", ada.project)
        roles = ada.ec2_token(ada.v4()).json["token"]["roles"]
        assert [role["name"] for role in roles] == ["reader"]
        house.ask("PATCH", f"/users/{ada.user}", {"user": {"enabled": False}})
        assert ada.ec2_token(ada.v4()).status == 401
        house.ask("PATCH", f"/users/{ada.user}", {"user": {"enabled": True}})
        house.ask("PATCH", f"/projects/{ada.project}", {"project": {"enabled": False}})
        assert ada.ec2_token(ada.v4()).status == 401

    def test_a_deleted_key_opens_nothing(self, ada: Tenant) -> None:
        path = f"/users/{ada.user}/credentials/OS-EC2/{ada.access}"
        assert ada.house.ask("DELETE", path, token=ada.token).status == 204
        assert ada.ec2_token(ada.v4()).status == 401

    def test_its_token_hands_nothing_on(self, ada: Tenant) -> None:
        house = ada.house
        token = ada.ec2_token(ada.v4()).headers["x-subject-token"]
        key = {"credential": {"type": "ec2", "user_id": ada.user, "project_id": ada.project, "blob": "{}"}}
        wish = {"application_credential": {"name": "more"}}
        assert house.ask("POST", "/credentials", key, token=token).status == 403
        assert house.ask("POST", f"/users/{ada.user}/application_credentials", wish, token=token).status == 403
        pairs = house.ask("GET", f"/users/{ada.user}/credentials/OS-EC2", token=token).json["credentials"]
        assert [pair["secret"] for pair in pairs] == [""]
        auth = {"identity": {"methods": ["token"], "token": {"id": token}}}
        assert house.call("POST", f"{V3}/auth/tokens", {"auth": auth}, token=None).status == 403

    def test_an_application_credential_makes_no_pair_that_outgrows_it(self, ada: Tenant) -> None:
        house = ada.house
        wish = {"application_credential": {"name": "free", "unrestricted": True, "roles": [{"name": "reader"}]}}
        made = house.ask("POST", f"/users/{ada.user}/application_credentials", wish, token=ada.token).json
        key = made["application_credential"]
        proof = {"id": key["id"], "secret": key["secret"]}
        identity = {"methods": ["application_credential"], "application_credential": proof}
        bound = house.call("POST", f"{V3}/auth/tokens", {"auth": {"identity": identity}}, token=None)
        token = bound.headers["x-subject-token"]
        path = f"/users/{ada.user}/credentials/OS-EC2"
        assert house.ask("POST", path, {"tenant_id": ada.project}, token=token).status == 403
        blob = '{"access": "a", "secret": "b"}'
        key = {"type": "ec2", "user_id": ada.user, "project_id": ada.project, "blob": blob}
        assert house.ask("POST", "/credentials", {"credential": key}, token=token).status == 403

    def test_a_lost_vault_opens_nothing(self, ada: Tenant) -> None:
        lost = House(ada.house.db)
        assert lost.ask("POST", "/ec2tokens", {"credentials": ada.v4()}).status == 401


class TestS3:
    def test_both_versions_tell_who_it_is_and_give_no_token(self, db: Database) -> None:
        ada = Tenant(House(db))
        for request in (
            ada.s3_v4(),
            ada.s3_v2("Tue, 14 Nov 2023 22:13:20 GMT"),
            ada.s3_v2("", "x-amz-date:Tue, 14 Nov 2023 22:13:20 +0000"),
            ada.s3_v2(str(ada.house.clock.now() + 3600)),
        ):
            answer = ada.s3_token(request)
            assert answer.status == 200, answer.body
            assert answer.json["token"]["user"]["id"] == ada.user
            assert "x-subject-token" not in answer.headers

    def test_old_ones_open_nothing(self, ada: Tenant) -> None:
        for request in (
            ada.s3_v4(late=901),
            ada.s3_v2("Tue, 14 Nov 2023 21:13:20 GMT"),
            ada.s3_v2(str(ada.house.clock.now() - 1)),
            ada.s3_v4() | {"signature": "x"},
            ada.s3_v4() | {"access": "x"},
        ):
            assert ada.s3_token(request).json["error"]["message"] == NEUTRAL

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "GET\n\n\n\n",
            "\n\n\nMon, 99 Nov\n/a",
            "AWS4-HMAC-SHA256\n20231114T221320Z\na/b\nx",
            "GET\nshort",
        ],
    )
    def test_what_cannot_be_checked_is_a_bad_request(self, ada: Tenant, text: str) -> None:
        assert ada.s3_token(ada.s3(text, signature="x")).status == 400
        assert ada.s3_token(ada.s3_v4(service="ec2")).status == 400
        assert ada.s3_token({"access": ada.access, "token": "ä", "signature": "x"}).status == 400
        assert ada.house.ask("POST", "/s3tokens", {}).status == 400
