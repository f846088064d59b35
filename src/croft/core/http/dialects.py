"""How the OpenStack APIs word an error. Each dialect makes (body, content type) of one."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping

import msgspec

from croft.core.errors import CroftError

Dialect = Callable[[CroftError, Mapping[str, str]], tuple[bytes, str]]
JSON = "application/json"

_NOVA_NAMES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    406: "computeFault",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}


def compute(error: CroftError, headers: Mapping[str, str]) -> tuple[bytes, str]:
    """Nova, Cinder: `{"itemNotFound": {"code": 404, "message": …}}`."""
    name = _NOVA_NAMES.get(error.status, "computeFault")
    return msgspec.json.encode({name: {"code": error.status, "message": error.message}}), JSON


def identity(error: CroftError, headers: Mapping[str, str]) -> tuple[bytes, str]:
    """Keystone: `{"error": {"code": 404, "title": "Not Found", "message": …}}`."""
    return msgspec.json.encode({"error": {"code": error.status, "message": error.message, "title": error.title}}), JSON


_NEUTRON_NAMES = {
    400: "HTTPBadRequest",
    401: "Unauthorized",
    403: "PolicyNotAuthorized",
    404: "HTTPNotFound",
    409: "Conflict",
    413: "HTTPRequestEntityTooLarge",
    501: "HTTPNotImplemented",
}


def network(error: CroftError, headers: Mapping[str, str]) -> tuple[bytes, str]:
    """Neutron: `{"NeutronError": {"type": "PortNotFound", "message": …, "detail": ""}}`."""
    name = error.kind or ("OverQuota" if hasattr(error, "asked") else _NEUTRON_NAMES.get(error.status, "HTTPError"))
    return msgspec.json.encode({"NeutronError": {"type": name, "message": error.message, "detail": ""}}), JSON


def image(error: CroftError, headers: Mapping[str, str]) -> tuple[bytes, str]:
    """Glance: JSON for those who accept it, else a small HTML page, as WebOb words it."""
    title = f"{error.status} {error.title}"
    if "application/json" in headers.get("accept", ""):
        content = {"code": title, "title": error.title, "message": f"{error.message}<br /><br />"}
        return msgspec.json.encode(content), JSON
    head = f"<html>\n <head>\n  <title>{title}</title>\n </head>\n"
    says = html.escape(error.message, quote=False)
    page = f"{head} <body>\n  <h1>{title}</h1>\n  {says}<br /><br />\n\n\n\n </body>\n</html>"
    return page.encode(), "text/html; charset=UTF-8"
