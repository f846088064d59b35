"""The bridge between the asynchronous server and synchronous handlers: bodies in, threads, answers out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from croft.core.errors import Invalid, TooLarge
from croft.core.http.message import Response
from croft.core.http.service import Application, Arrival, Matched

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
BODY_TIMEOUT = 30
"""Seconds a client may take to send a non-streamed body; and each piece of a streamed one."""


class Disconnected(Exception):
    """The client went away in the middle of its body."""


class Asgi:
    """An ASGI application. `threads` handlers run at once."""

    def __init__(self, application: Application, threads: int = 16, public_base: str = "") -> None:
        self._application = application
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="http")
        self._streams = ThreadPoolExecutor(8, thread_name_prefix="stream")
        self._public_base = public_base

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        arrival = _arrival(scope, self._public_base)
        matched = self._application.prepare(arrival)
        if isinstance(matched, Response):
            await _send_whole(matched, send)
            return
        loop = asyncio.get_running_loop()
        pool = self._streams if matched.route.stream else self._pool
        try:
            content, chunks = await self._body(matched, receive, loop)
            response = await loop.run_in_executor(pool, self._application.handle, matched, content, chunks)
        except (TooLarge, Invalid) as error:
            response = self._application.refuse(matched, error)
            response.headers["connection"] = "close"
        except Disconnected:
            return
        if isinstance(response.body, bytes):
            await _send_whole(response, send)
        else:
            await loop.run_in_executor(self._streams, _send_stream, response, send, loop)

    async def _body(
        self, matched: Matched, receive: Receive, loop: asyncio.AbstractEventLoop
    ) -> tuple[bytes, Iterator[bytes]]:
        if matched.route.stream:
            return b"", _chunks(receive, loop)
        length = matched.arrival.headers.get("content-length", "0")
        if length.isdigit() and int(length) > matched.route.limit:
            raise TooLarge(_too_large(matched.route.limit))
        try:
            return await asyncio.wait_for(_read(receive, matched.route.limit), BODY_TIMEOUT), iter(())
        except TimeoutError as error:
            raise Invalid("The request body did not arrive in time.") from error

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
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


def _chunks(receive: Receive, loop: asyncio.AbstractEventLoop) -> Iterator[bytes]:
    """The body, read from a worker thread; backpressure is the server's own. Raises `Invalid` when it breaks off."""

    async def next_message() -> Message:
        return await asyncio.wait_for(receive(), BODY_TIMEOUT)

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


def _send_stream(response: Response, send: Send, loop: asyncio.AbstractEventLoop) -> None:
    def wait(message: Message) -> None:
        asyncio.run_coroutine_threadsafe(_send(send, message), loop).result()

    assert not isinstance(response.body, bytes)
    try:
        wait(_start(response))
        for chunk in response.body:
            wait({"type": "http.response.body", "body": chunk, "more_body": True})
        wait({"type": "http.response.body", "body": b""})
    finally:
        close = getattr(response.body, "close", None)
        if close is not None:
            close()


async def _send(send: Send, message: Message) -> None:
    await send(message)


def _arrival(scope: MutableMapping[str, Any], public_base: str) -> Arrival:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    base = public_base or f"{scope['scheme']}://{headers.get('host', '')}"
    client = scope["client"][0] if scope.get("client") else "-"
    raw = scope["raw_path"].partition(b"?")[0].decode("latin-1")
    return Arrival(scope["method"], raw, scope["query_string"].decode("latin-1"), headers, client, base)
