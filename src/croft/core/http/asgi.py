"""The bridge between the asynchronous server and synchronous handlers: bodies in, threads, answers out."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from croft.core.errors import CroftError, Invalid, TooLarge
from croft.core.http.message import Response
from croft.core.http.service import Application, Arrival, Matched

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
PATIENCE = 30.0
"""Seconds a client may take to send a whole body, or to send or take one piece of a streamed one."""
SLOW = max(1, len(os.sched_getaffinity(0)) - 1)
"""Slow handlers at once: hashing a password fills a core, and one core stays for everybody else."""
QUEUE = 100
"""Slow requests that may wait for each of those; some twenty seconds of logins. Further ones are told to come back."""
RETRY = 10
STREAMS = 32
"""Uploads and downloads at once; each has a thread that mostly waits."""
log = logging.getLogger("croft.http")


class Disconnected(Exception):
    """The client went away in the middle of its body."""


class Busy(CroftError):
    status = 503
    title = "Service Unavailable"


class Asgi:
    """An ASGI application. `threads` handlers run at once."""

    def __init__(
        self,
        application: Application,
        threads: int = 16,
        public_base: str = "",
        patience: float = PATIENCE,
        queue: int = QUEUE,
    ) -> None:
        self._application = application
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="http")
        self._slow = ThreadPoolExecutor(SLOW, thread_name_prefix="slow")
        self._streams = ThreadPoolExecutor(STREAMS, thread_name_prefix="stream")
        self._public_base = public_base
        self._patience = patience
        self._queued, self._most_queued = 0, SLOW * (queue + 1)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        arrival = _arrival(scope, self._public_base)
        matched = self._application.prepare(arrival)
        if isinstance(matched, Response):
            await _send_whole(matched, send)
            return
        loop = asyncio.get_running_loop()
        try:
            content, chunks = await self._body(matched, receive, loop)
            response = await self._handle(matched, content, chunks, loop)
        except (TooLarge, Invalid, Busy) as error:
            response = self._application.refuse(matched, error)
            response.headers["connection"] = "close"
        except Disconnected:
            return
        if isinstance(response.body, bytes):
            await _send_whole(response, send)
        else:
            await self._stream(response, receive, send)

    async def _handle(
        self, matched: Matched, content: bytes, chunks: Iterator[bytes], loop: asyncio.AbstractEventLoop
    ) -> Response:
        """In this thread what is over before another would begin; in one of a pool what may take its time."""
        if matched.route.quick and self._application.near:
            return self._application.handle(matched, content, chunks)
        if not matched.route.slow:
            pool = self._streams if matched.route.stream else self._pool
            return await loop.run_in_executor(pool, self._application.handle, matched, content, chunks)
        if self._queued >= self._most_queued:
            error = Busy("Too many are logging in at this moment. Try again in a few seconds.")
            error.headers["retry-after"] = str(RETRY)
            raise error
        self._queued += 1
        try:
            return await loop.run_in_executor(self._slow, self._application.handle, matched, content, chunks)
        finally:
            self._queued -= 1

    async def _stream(self, response: Response, receive: Receive, send: Send) -> None:
        """Sends from a worker thread, until the end or until nobody takes it any more."""
        loop = asyncio.get_running_loop()
        gone = asyncio.ensure_future(receive())  # the body was read: all that can come is the client's leaving

        async def bounded(message: Message) -> None:
            await asyncio.wait_for(send(message), self._patience)

        def put(message: Message) -> bool:
            asyncio.run_coroutine_threadsafe(bounded(message), loop).result()
            return not gone.done()

        try:
            await loop.run_in_executor(self._streams, _send_stream, response, put)
        finally:
            gone.cancel()

    async def _body(
        self, matched: Matched, receive: Receive, loop: asyncio.AbstractEventLoop
    ) -> tuple[bytes, Iterator[bytes]]:
        if matched.route.stream:
            return b"", _chunks(receive, loop, self._patience)
        headers = matched.arrival.headers
        if "content-length" not in headers and "transfer-encoding" not in headers:
            await receive()  # the end of a body that never was: nothing to wait for, so no watch over it
            return b"", iter(())
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > matched.route.limit:
            raise TooLarge(_too_large(matched.route.limit))
        try:
            async with asyncio.timeout(self._patience):
                return await _read(receive, matched.route.limit), iter(())
        except TimeoutError as error:
            raise Invalid("The request body did not arrive in time.") from error

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._slow.shutdown(wait=True, cancel_futures=True)
        self._streams.shutdown(wait=False, cancel_futures=True)


def _too_large(limit: int) -> str:
    return f"Request is too large: a body of at most {limit} bytes is taken here."


async def _read(receive: Receive, limit: int) -> bytes:
    message = await receive()
    if not message.get("more_body") and message["type"] == "http.request":
        whole: bytes = message.get("body", b"")
        if len(whole) > limit:
            raise TooLarge(_too_large(limit))
        return whole
    parts, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise TooLarge(_too_large(limit))
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def _chunks(receive: Receive, loop: asyncio.AbstractEventLoop, patience: float) -> Iterator[bytes]:
    """The body, read from a worker thread; backpressure is the server's own. Raises `Invalid` when it breaks off."""

    async def next_message() -> Message:
        return await asyncio.wait_for(receive(), patience)

    while True:
        try:
            message = asyncio.run_coroutine_threadsafe(next_message(), loop).result()
        except TimeoutError as error:
            raise Invalid("The upload stalled and was given up.") from error
        if message["type"] == "http.disconnect":
            raise Invalid("The upload broke off.")
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


def _start(response: Response) -> Message:
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in response.headers.items()]
    return {"type": "http.response.start", "status": response.status, "headers": headers}


async def _send_whole(response: Response, send: Send) -> None:
    assert isinstance(response.body, bytes)
    if "content-length" not in response.headers and response.status not in (204, 304):
        response.headers["content-length"] = str(len(response.body))
    await send(_start(response))
    await send({"type": "http.response.body", "body": response.body})


def _send_stream(response: Response, put: Callable[[Message], bool]) -> None:
    """`put` is False once the client is gone. What breaks is logged; the client sees the connection end too early."""
    assert not isinstance(response.body, bytes)
    try:
        put(_start(response))
        for chunk in response.body:
            if not put({"type": "http.response.body", "body": chunk, "more_body": True}):
                return
        put({"type": "http.response.body", "body": b""})
    except TimeoutError:
        log.warning("a client stopped taking its download; it is cut off")
    except Exception:
        log.exception("a download broke off")
    finally:
        response.close()


def _arrival(scope: MutableMapping[str, Any], public_base: str) -> Arrival:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    base = public_base or f"{scope['scheme']}://{headers.get('host', '')}"
    client = scope["client"][0] if scope.get("client") else "-"
    raw = scope["raw_path"].partition(b"?")[0].decode("latin-1")
    return Arrival(scope["method"], raw, scope["query_string"].decode("latin-1"), headers, client, base)
