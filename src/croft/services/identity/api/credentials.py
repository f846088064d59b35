"""Application credentials, access rules and other credentials of users."""

from __future__ import annotations

from dataclasses import dataclass

from croft.core.http import Request, Response, Route, empty, reply
from croft.services.identity.actions import credentials
from croft.services.identity.actions.keys import Keys
from croft.services.identity.api.listing import equal, listed, root
from croft.services.identity.model import Settings
from croft.services.identity.wire import delegation as wire


@dataclass(frozen=True)
class CredentialsApi:
    settings: Settings
    keys: Keys

    def create(self, req: Request) -> Response:
        wish = req.decode(wire.CreateApplicationCredential).application_credential
        parts, secret = credentials.create_credential(req.ctx, req.params["user"], wish, self.settings)
        shown = wire.application_credential(*parts, root(req)) | {"secret": secret}
        return reply({"application_credential": shown}, 201)

    def list_keys(self, req: Request) -> Response:
        page = req.page()
        rows = self.keys.list_(req.ctx, equal(req, user="user_id", type="type"), page)
        return listed(req, "credentials", rows, wire.credential, page)

    def create_key(self, req: Request) -> Response:
        row = self.keys.create(req.ctx, req.decode(wire.CreateCredential).credential)
        return reply({"credential": wire.credential(row, root(req))}, 201)

    def show_key(self, req: Request) -> Response:
        return reply({"credential": wire.credential(self.keys.show(req.ctx, req.params["id"]), root(req))})

    def update_key(self, req: Request) -> Response:
        row = self.keys.update(req.ctx, req.params["id"], req.decode(wire.UpdateCredential).credential)
        return reply({"credential": wire.credential(row, root(req))})

    def delete_key(self, req: Request) -> Response:
        self.keys.delete(req.ctx, req.params["id"])
        return empty()

    def list_ec2(self, req: Request) -> Response:
        return listed(req, "credentials", self.keys.list_ec2(req.ctx, req.params["user"]), wire.ec2)

    def create_ec2(self, req: Request) -> Response:
        row = self.keys.create_ec2(req.ctx, req.params["user"], req.decode(wire.NewEc2).tenant_id)
        return reply({"credential": wire.ec2(row, root(req))}, 201)

    def show_ec2(self, req: Request) -> Response:
        row = self.keys.show_ec2(req.ctx, req.params["user"], req.params["id"])
        return reply({"credential": wire.ec2(row, root(req))})

    def delete_ec2(self, req: Request) -> Response:
        self.keys.delete_ec2(req.ctx, req.params["user"], req.params["id"])
        return empty()

    def routes(self) -> list[Route]:
        one, many = "/v3/users/{user}/application_credentials/{id}", "/v3/users/{user}/application_credentials"
        ec2 = "/v3/users/{user}/credentials/OS-EC2"
        return [
            Route("GET", many, list_, "identity.application_credential.list"),
            Route("POST", many, self.create, "identity.application_credential.create", slow=True),
            Route("GET", one, show, "identity.application_credential.show"),
            Route("DELETE", one, delete, "identity.application_credential.delete"),
            Route("GET", "/v3/users/{user}/access_rules", list_rules, "identity.access_rule.list"),
            Route("GET", "/v3/users/{user}/access_rules/{id}", show_rule, "identity.access_rule.show"),
            Route("DELETE", "/v3/users/{user}/access_rules/{id}", delete_rule, "identity.access_rule.delete"),
            Route("GET", "/v3/credentials", self.list_keys, "identity.credential.list"),
            Route("POST", "/v3/credentials", self.create_key, "identity.credential.create"),
            Route("GET", "/v3/credentials/{id}", self.show_key, "identity.credential.show"),
            Route("PATCH", "/v3/credentials/{id}", self.update_key, "identity.credential.update"),
            Route("DELETE", "/v3/credentials/{id}", self.delete_key, "identity.credential.delete"),
            Route("GET", ec2, self.list_ec2, "identity.ec2_credential.list"),
            Route("POST", ec2, self.create_ec2, "identity.ec2_credential.create"),
            Route("GET", f"{ec2}/{{id}}", self.show_ec2, "identity.ec2_credential.show"),
            Route("DELETE", f"{ec2}/{{id}}", self.delete_ec2, "identity.ec2_credential.delete"),
        ]


def list_(req: Request) -> Response:
    found = credentials.list_credentials(req.ctx, req.params["user"], equal(req, name="name"))
    return listed(req, "application_credentials", found, lambda row, base: wire.application_credential(*row, base))


def show(req: Request) -> Response:
    parts = credentials.show_credential(req.ctx, req.params["user"], req.params["id"])
    return reply({"application_credential": wire.application_credential(*parts, root(req))})


def delete(req: Request) -> Response:
    credentials.delete_credential(req.ctx, req.params["user"], req.params["id"])
    return empty()


def list_rules(req: Request) -> Response:
    wanted = equal(req, service="service", path="path", method="method")
    return listed(req, "access_rules", credentials.list_rules(req.ctx, req.params["user"], wanted), wire.access_rule)


def show_rule(req: Request) -> Response:
    row = credentials.show_rule(req.ctx, req.params["user"], req.params["id"])
    return reply({"access_rule": wire.access_rule(row, root(req))})


def delete_rule(req: Request) -> Response:
    credentials.delete_rule(req.ctx, req.params["user"], req.params["id"])
    return empty()
