"""Every error a person or a client may read. Services raise these; `core.http` renders them in each API's dialect.

CroftError
├── Invalid (400) ── TooLarge (413), UnsupportedMedia (415)
├── Unauthorized (401)
├── Forbidden (403) ── QuotaExceeded
├── NotFound (404)
├── MethodNotAllowed (405)
├── NotAcceptable (406)
├── Conflict (409)
├── Gone (410)
├── PreconditionFailed (412)
├── TooManyRequests (429)
└── NotImplementedHere (501)

EngineError: raised by drivers, read by the work loop, never by HTTP
├── Unavailable: the engine did not answer; worth trying soon
└── Rejected: the engine answered no; its own reason is shown to the user
"""

from __future__ import annotations


class CroftError(Exception):
    """A refusal with an HTTP status and a sentence that says what happened and what to do."""

    status = 500
    title = "Internal Server Error"

    def __init__(self, message: str, *, kind: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.headers: dict[str, str] = {}
        """Further headers of the answer."""
        self.kind = kind
        """The dialect's own name for this error, where it has one (Neutron's `NetworkNotFound`)."""


class Invalid(CroftError):
    status = 400
    title = "Bad Request"


class TooLarge(Invalid):
    status = 413
    title = "Request Entity Too Large"


class UnsupportedMedia(Invalid):
    status = 415
    title = "Unsupported Media Type"


class Unauthorized(CroftError):
    status = 401
    title = "Unauthorized"


class Forbidden(CroftError):
    status = 403
    title = "Forbidden"


class QuotaExceeded(Forbidden):
    """`name` is the quota, `limit` its value, `used` what is taken already, `asked` what would come on top."""

    def __init__(self, name: str, limit: int, used: int, asked: int) -> None:
        super().__init__(f"Quota exceeded for {name}: requested {asked}, already used {used} of {limit}.")
        self.name, self.limit, self.used, self.asked = name, limit, used, asked


class NotFound(CroftError):
    status = 404
    title = "Not Found"


class MethodNotAllowed(CroftError):
    status = 405
    title = "Method Not Allowed"


class NotAcceptable(CroftError):
    status = 406
    title = "Not Acceptable"


class Conflict(CroftError):
    status = 409
    title = "Conflict"


class Gone(CroftError):
    status = 410
    title = "Gone"


class PreconditionFailed(CroftError):
    status = 412
    title = "Precondition Failed"


class TooManyRequests(CroftError):
    status = 429
    title = "Too Many Requests"

    def __init__(self, message: str, seconds: int) -> None:
        """`seconds` until it is worth asking again."""
        super().__init__(message)
        self.headers["retry-after"] = str(seconds)


class NotImplementedHere(CroftError):
    status = 501
    title = "Not Implemented"


class EngineError(Exception):
    """What a driver may raise; nothing else may leave it."""


class Unavailable(EngineError):
    """The engine did not answer, or not in time."""


class Rejected(EngineError):
    """The engine refused, in its own words."""
