"""`/v3/policies`, `/v3/OS-OAUTH1/consumers` and domains' configuration."""

from __future__ import annotations

from croft.core.http import Request, Response, Route, empty, reply
from croft.services.identity.actions import kept
from croft.services.identity.api.listing import changed, equal, listed, root
from croft.services.identity.wire import extras as wire
from croft.services.identity.wire.shapes import beyond


def list_policies(req: Request) -> Response:
    page = req.page()
    return listed(req, "policies", kept.list_policies(req.ctx, equal(req, type="type"), page), wire.policy, page)


def create_policy(req: Request) -> Response:
    wish, extra = req.decode(wire.CreatePolicy).policy, beyond(req.content, "policy", wire.NewPolicy)
    return reply({"policy": wire.policy(kept.create_policy(req.ctx, wish, extra), root(req))}, 201)


def show_policy(req: Request) -> Response:
    return reply({"policy": wire.policy(kept.show_policy(req.ctx, req.params["id"]), root(req))})


def update_policy(req: Request) -> Response:
    wish, extra = changed(req, wire.UpdatePolicy).policy, beyond(req.content, "policy", wire.PolicyChange)
    return reply({"policy": wire.policy(kept.update_policy(req.ctx, req.params["id"], wish, extra), root(req))})


def delete_policy(req: Request) -> Response:
    kept.delete_policy(req.ctx, req.params["id"])
    return empty()


def list_consumers(req: Request) -> Response:
    page = req.page()
    return listed(req, "consumers", kept.list_consumers(req.ctx, page), wire.consumer, page)


def create_consumer(req: Request) -> Response:
    wish, extra = req.decode(wire.CreateConsumer).consumer, beyond(req.content, "consumer", wire.ConsumerChange)
    row, secret = kept.create_consumer(req.ctx, wish, extra)
    return reply({"consumer": wire.consumer(row, root(req)) | {"secret": secret}}, 201)


def show_consumer(req: Request) -> Response:
    return reply({"consumer": wire.consumer(kept.show_consumer(req.ctx, req.params["id"]), root(req))})


def update_consumer(req: Request) -> Response:
    wish, extra = changed(req, wire.UpdateConsumer).consumer, beyond(req.content, "consumer", wire.ConsumerChange)
    return reply({"consumer": wire.consumer(kept.update_consumer(req.ctx, req.params["id"], wish, extra), root(req))})


def delete_consumer(req: Request) -> Response:
    kept.delete_consumer(req.ctx, req.params["id"])
    return empty()


def _part(req: Request) -> tuple[str, str]:
    return req.params.get("group", ""), req.params.get("option", "")


def show_config(req: Request) -> Response:
    return reply({"config": kept.show_config(req.ctx, req.params["id"], *_part(req))})


def show_compliance(req: Request) -> Response:
    return reply({"config": kept.compliance(req.ctx, req.params["id"], req.params.get("option", ""))})


def put_config(req: Request) -> Response:
    config, new = kept.put_config(req.ctx, req.params["id"], req.decode(wire.PutConfig).config)
    return reply({"config": config}, 201 if new else 200)


def update_config(req: Request) -> Response:
    group, option = _part(req)
    sent = req.decode(wire.UpdateOption).config if option else req.decode(wire.PutConfig).config
    return reply({"config": kept.update_config(req.ctx, req.params["id"], sent, group, option)})


def delete_config(req: Request) -> Response:
    kept.delete_config(req.ctx, req.params["id"], *_part(req))
    return empty()


def show_default(req: Request) -> Response:
    return reply({"config": kept.default_config(req.ctx, *_part(req))})


def _config_routes() -> list[Route]:
    whole, default = "/v3/domains/{id}/config", "/v3/domains/config"
    shown, told = "identity.domain_config_default.show", "identity.domain_compliance.show"
    found = [
        Route("PUT", whole, put_config, "identity.domain_config.create"),
        Route("GET", f"{whole}/security_compliance", show_compliance, told),
        Route("GET", f"{whole}/security_compliance/{{option}}", show_compliance, told),
        Route("GET", f"{default}/default", show_default, shown),
        Route("GET", f"{default}/{{group}}/default", show_default, shown),
        Route("GET", f"{default}/{{group}}/{{option}}/default", show_default, shown),
    ]
    for tail in ("", "/{group}", "/{group}/{option}"):
        found += [
            Route("GET", whole + tail, show_config, "identity.domain_config.show"),
            Route("PATCH", whole + tail, update_config, "identity.domain_config.update"),
            Route("DELETE", whole + tail, delete_config, "identity.domain_config.delete"),
        ]
    return found


_CONSUMERS = "/v3/OS-OAUTH1/consumers"
ROUTES = [
    Route("GET", "/v3/policies", list_policies, "identity.policy.list"),
    Route("POST", "/v3/policies", create_policy, "identity.policy.create"),
    Route("GET", "/v3/policies/{id}", show_policy, "identity.policy.show"),
    Route("PATCH", "/v3/policies/{id}", update_policy, "identity.policy.update"),
    Route("DELETE", "/v3/policies/{id}", delete_policy, "identity.policy.delete"),
    Route("GET", _CONSUMERS, list_consumers, "identity.consumer.list"),
    Route("POST", _CONSUMERS, create_consumer, "identity.consumer.create"),
    Route("GET", f"{_CONSUMERS}/{{id}}", show_consumer, "identity.consumer.show"),
    Route("PATCH", f"{_CONSUMERS}/{{id}}", update_consumer, "identity.consumer.update"),
    Route("DELETE", f"{_CONSUMERS}/{{id}}", delete_consumer, "identity.consumer.delete"),
    *_config_routes(),
]
