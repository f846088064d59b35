"""A service's registration, and the application that serves all of them: match, authenticate, handle, answer, log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from croft.core.audit import Origin
from croft.core.audit.ledger import Ledger
from croft.core.ctx import Ctx, Trail
from croft.core.db import Database, Tx
from croft.core.errors import CroftError, Forbidden, MethodNotAllowed, NotFound, Unauthorized, Unavailable
from croft.core.http import dialects, recording
from croft.core.http.message import Request, Response, reply
from croft.core.http.microversion import NONE, Microversions, Version
from croft.core.http.routes import Route, Router
from croft.core.ids import new_id, new_secret
from croft.core.log import pairs
from croft.core.policy import Actor, Policy, Rule
from croft.core.quota import Quotas
from croft.core.work import Reconciler

log = logging.getLogger("croft.http")
Authenticate = Callable[[str], Actor]
Left = Mapping[str, Sequence[str]]
"""What is not gone yet: names by the word for what bears them (`"server": ["web", "db"]`)."""


@dataclass(frozen=True)
class Service:
    """Everything the rest of Croft must know of a service. Laws, routes, quotas and reconcilers are all read off it."""

    name: str
    type: str
    """In the catalog: `compute`."""
    prefix: str
    """First path segment of all its routes: `/compute`."""
    endpoint: str
    """Path of the catalog's URL: `/compute/v2.1`."""
    dialect: dialects.Dialect
    rules: Sequence[Rule]
    routes: Sequence[Route]
    reconcilers: Sequence[Reconciler] = ()
    quotas: Mapping[str, int] = field(default_factory=dict)
    """Name (`compute.cores`) → default limit."""
    microversions: Microversions | None = None
    request_id_header: str = ""
    """An older name of `x-openstack-request-id` that this API's clients still read."""
    loose_slashes: bool = False
    """A slash at the end of a path means nothing, as in Keystone; elsewhere `/things/` is the thing with no name."""
    purge: Callable[[str], Left] | None = None
    """Asks for the end of everything a project holds here, and says what is left of it; nothing once all is gone."""
    halt: Callable[[str], Left] | None = None
    """Stops what runs of a project here, losing nothing, and says what still runs."""
    starters: Sequence[str] = ()
    """Kinds that give a new project what it begins with here; woken under its id in the commit that makes it."""
    holdings: Mapping[str, Callable[[Tx], set[str]]] = field(default_factory=dict)
    """An engine's list (`block`, `fabric.port`) → the names in it that this service's rows account for."""


@dataclass
class Arrival:
    """A request before routing, as the server hands it over."""

    method: str
    raw_path: str
    query_string: str
    headers: dict[str, str]
    client: str
    base: str
    """`https://host:port`"""


class Application:
    """All services behind one door. `prepare` picks the route, `handle` runs it in a worker thread."""

    def __init__(
        self, services: Iterable[Service], db: Database, policy: Policy, quotas: Quotas, authenticate: Authenticate
    ) -> None:
        self.services = {service.prefix.strip("/"): service for service in services}
        self._routers = {prefix: Router(service.routes) for prefix, service in self.services.items()}
        self._db, self._policy, self._quotas, self._authenticate = db, policy, quotas, authenticate
        self.ledger = Ledger(db)
        self.near = db.exclusive
        """Whether a read waits for nobody: no other process, and no network, between us and the rows."""

    def prepare(self, arrival: Arrival) -> Matched | Response:
        """The matched route, or the answer that says there is none."""
        request_id = f"req-{new_id()}"
        prefix, _, rest = arrival.raw_path.lstrip("/").partition("/")
        service = self.services.get(prefix)
        if service is None:
            return self._no_service(arrival, request_id)
        rest = rest.rstrip("/") if service.loose_slashes else rest
        matched = Matched(service, arrival, request_id, "/" + rest)
        try:
            if service.microversions:
                matched.version = service.microversions.negotiate(arrival.headers)
            matched.route, matched.params = self._routers[prefix].find(arrival.method, rest, matched.version)
        except CroftError as error:
            return self.refuse(matched, error)
        return matched

    def handle(self, matched: Matched, content: bytes, chunks: Iterator[bytes]) -> Response:
        """Authenticates, runs the handler, and words whatever goes wrong in the API's dialect. Never raises."""
        try:
            response = matched.route.handler(self._request(matched, content, chunks))
            recording.came_in(self.ledger, matched)
        except CroftError as error:
            recording.refused(self.ledger, matched, error)
            return self.refuse(matched, error)
        except Unavailable as error:
            return self.refuse(matched, Away(f"{error} Try again in a moment."))
        except Exception:
            number = new_secret(6)
            log.exception("fault=%s request=%s", number, matched.request_id)
            return self.refuse(matched, CroftError(f"Croft failed on this request. Tell an operator fault {number}."))
        return self._finish(matched, response)

    def refuse(self, matched: Matched, error: CroftError) -> Response:
        body, content_type = matched.service.dialect(error, matched.arrival.headers)
        headers = {"content-type": content_type, **error.headers}
        if error.status == 401:
            headers["www-authenticate"] = f'Keystone uri="{matched.arrival.base}/identity"'
        if isinstance(error, MethodNotAllowed):
            headers["allow"] = error.kind
        return self._finish(matched, Response(error.status, body, headers))

    def _request(self, matched: Matched, content: bytes, chunks: Iterator[bytes]) -> Request:
        arrival, ctx = matched.arrival, None
        if matched.route.action is not None:
            token = arrival.headers.get("x-auth-token", "") or bearer(arrival.headers)
            if not token:
                raise Unauthorized("The request you have made requires authentication.")
            matched.actor = self._authenticate(token)
            if not matched.actor.may_request(matched.service.type, arrival.method, matched.path):
                raise Forbidden("The access rules of this application credential do not cover the request.")
            ctx = Ctx(
                self._db,
                self._policy,
                self._quotas,
                matched.actor,
                matched.request_id,
                origin=matched.origin,
                trail=matched.trail,
                ledger=self.ledger,
            )
        return Request(
            method=arrival.method,
            path=matched.path,
            params=matched.params,
            query_string=arrival.query_string,
            headers=arrival.headers,
            content=content,
            base=arrival.base + matched.service.prefix,
            client=arrival.client,
            request_id=matched.request_id,
            version=matched.version,
            chunks=chunks,
            origin=matched.origin if ctx is None else ctx.origin,
            trail=matched.trail,
            _ctx=ctx,
        )

    def _finish(self, matched: Matched, response: Response) -> Response:
        response.headers["x-openstack-request-id"] = matched.request_id
        if matched.service.request_id_header:
            response.headers[matched.service.request_id_header] = matched.request_id
        if matched.service.microversions and matched.version is not NONE:
            response.headers.update(matched.service.microversions.headers(matched.version))
        if matched.arrival.method == "HEAD":
            if isinstance(response.body, bytes):
                response.headers.setdefault("content-length", str(len(response.body)))
            response.close()
            response.body = b""
        self._log(matched, response.status)
        return response

    def _log(self, matched: Matched, status: int) -> None:
        if not log.isEnabledFor(logging.INFO):
            return
        spent = (time.monotonic() - matched.began) * 1000
        actor = matched.actor
        log.info(
            "%s %s%s %s %.1fms %s",
            matched.arrival.method,
            matched.service.prefix,
            _printable(matched.path),
            status,
            spent,
            pairs(
                request=matched.request_id,
                user=actor.user if actor else None,
                project=actor.project if actor else None,
                client=matched.arrival.client,
            ),
        )

    def _no_service(self, arrival: Arrival, request_id: str) -> Response:
        path = arrival.raw_path.strip("/")
        if path == "healthz" and arrival.method in ("GET", "HEAD"):
            return self._health()
        if path == "" and arrival.method in ("GET", "HEAD"):
            return reply({s.type: arrival.base + s.endpoint for s in self.services.values()})
        body, content_type = dialects.identity(NotFound("The resource could not be found."), arrival.headers)
        return Response(404, body, {"content-type": content_type, "x-openstack-request-id": request_id})

    def _health(self) -> Response:
        try:
            with self._db.read():
                return reply({"status": "ok"})
        except Unavailable as error:
            return reply({"status": "unavailable", "why": str(error)}, 503)


def bearer(headers: Mapping[str, str]) -> str:
    """The token of `Authorization: Bearer …` (RFC 6750)."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


class Away(CroftError):
    status = 503
    title = "Service Unavailable"


@dataclass
class Matched:
    service: Service
    arrival: Arrival
    request_id: str
    path: str
    version: Version = NONE
    route: Route = None  # type: ignore[assignment]
    params: dict[str, str] = field(default_factory=dict)
    actor: Actor | None = None
    trail: Trail = field(default_factory=Trail)
    began: float = field(default_factory=time.monotonic)

    @property
    def origin(self) -> Origin:
        arrival = self.arrival
        asked = f"{arrival.method} {self.service.prefix}{self.path}"
        return Origin(arrival.client, arrival.headers.get("user-agent", ""), asked)


def _printable(path: str) -> str:
    return path if path.isascii() and path.isprintable() and len(path) <= 200 else ascii(path[:200])
