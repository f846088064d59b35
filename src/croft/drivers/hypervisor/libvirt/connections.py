"""One connection per libvirtd, reopened when dead; calls bounded in time; libvirt's errors in the port's terms."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

import libvirt

from croft.core.errors import EngineError, Rejected, Unavailable

T = TypeVar("T")
log = logging.getLogger("croft.hypervisor")

BOUND = 25.0
"""Seconds until a call is given up on; its thread stays with it until libvirt lets go."""
_KEEPALIVE = (5, 2)
"""Seconds between questions, and how many may stay unanswered."""
_REOPEN = 10.0
"""Seconds between looks at whether each host still is connected."""

_REFUSALS = frozenset(
    {
        libvirt.VIR_ERR_XML_ERROR,
        libvirt.VIR_ERR_XML_DETAIL,
        libvirt.VIR_ERR_XML_INVALID_SCHEMA,
        libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
        libvirt.VIR_ERR_INVALID_ARG,
        libvirt.VIR_ERR_INVALID_MAC,
        libvirt.VIR_ERR_NO_SUPPORT,
        libvirt.VIR_ERR_OS_TYPE,
        libvirt.VIR_ERR_DOM_EXIST,
        libvirt.VIR_ERR_OPERATION_DENIED,
        libvirt.VIR_ERR_OPERATION_UNSUPPORTED,
        libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
        libvirt.VIR_ERR_ACCESS_DENIED,
        libvirt.VIR_ERR_DEVICE_MISSING,
    }
)
"""Codes by which libvirt blames what was asked. All others may pass: a daemon away, a race, a file not there yet."""

_events_lock = threading.Lock()
_events_thread: threading.Thread | None = None


def translated(error: libvirt.libvirtError) -> EngineError:
    reason = error.get_error_message() or "libvirt gave no reason"
    return (Rejected if error.get_error_code() in _REFUSALS else Unavailable)(reason)


class Connections:
    """`happened(host, domain name)` is called from a thread of its own for each start, stop, crash or pause."""

    def __init__(self, uris: Mapping[str, str], happened: Callable[[str, str], None]) -> None:
        _run_events()
        self._uris = dict(uris)
        self._happened = happened
        self._open: dict[str, tuple[Any, int]] = {}
        """By host: the connection, and the number of its event subscription, which alone would keep it alive."""
        self._locks = {host: threading.Lock() for host in uris}
        self._heard: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        self._listening: list[threading.Thread] = []
        self._closed = threading.Event()
        self._guard = threading.Lock()

    def call(self, host: str, work: Callable[[Any], T]) -> T:
        """Runs `work(connection)`; `Unavailable` if it takes too long."""
        if host not in self._uris:
            raise Unavailable(f"Host {host} is not one of this cloud's.")
        answer: Future[T] = Future()
        threading.Thread(target=self._work, args=(host, work, answer), name=f"libvirt-{host}", daemon=True).start()
        try:
            return answer.result(BOUND)
        except TimeoutError:
            raise Unavailable(f"Host {host} did not answer within {BOUND:.0f} s.")
        except libvirt.libvirtError as error:
            raise translated(error) from error

    def listen(self) -> None:
        """From now on keeps a connection to each host open, to hear its events."""
        with self._guard:
            if not self._listening:
                threads = ((self._keep_open, "libvirt-keep-open"), (self._dispatch, "libvirt-watch"))
                self._listening = [threading.Thread(target=work, name=name, daemon=True) for work, name in threads]
                for thread in self._listening:
                    thread.start()

    def close(self) -> None:
        self._closed.set()
        self._heard.put(None)
        for thread in self._listening:
            thread.join(BOUND)
        for host, lock in self._locks.items():
            with lock:
                held = self._open.pop(host, None)
            if held is not None:
                _close(*held)

    def _work(self, host: str, work: Callable[[Any], T], answer: Future[T]) -> None:
        try:
            answer.set_result(work(self._connection(host)))
        except BaseException as error:  # noqa: BLE001 - raised again where the answer is awaited
            answer.set_exception(error)

    def _connection(self, host: str) -> Any:
        with self._locks[host]:
            held = self._open.get(host)
            if held is not None:
                if held[0].isAlive():
                    return held[0]
                del self._open[host]
                _close(*held)
            connection = libvirt.open(self._uris[host])
            connection.setKeepAlive(*_KEEPALIVE)
            lifecycle = libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE
            subscription = connection.domainEventRegisterAny(None, lifecycle, self._lifecycle, host)
            self._open[host] = (connection, subscription)
            return connection

    def _lifecycle(self, connection: Any, domain: Any, event: int, detail: int, host: str) -> None:
        """Runs in libvirt's event thread, which must not be held up."""
        if event not in (libvirt.VIR_DOMAIN_EVENT_DEFINED, libvirt.VIR_DOMAIN_EVENT_UNDEFINED):
            self._heard.put((host, domain.name()))

    def _dispatch(self) -> None:
        while (heard := self._heard.get()) is not None:
            try:
                self._happened(*heard)
            except Exception:
                log.exception("A watcher of %s failed.", heard[0])

    def _keep_open(self) -> None:
        while True:
            for host in self._uris:
                with contextlib.suppress(EngineError):
                    self.call(host, lambda connection: None)
            if self._closed.wait(_REOPEN):
                return


def _close(connection: Any, subscription: int) -> None:
    """A dead connection objects to both; there is nothing left to do about it."""
    with contextlib.suppress(libvirt.libvirtError):
        connection.domainEventDeregisterAny(subscription)
    with contextlib.suppress(libvirt.libvirtError):
        connection.close()


def _run_events() -> None:
    """libvirt's event loop is one per process, and must be there before the first connection."""
    global _events_thread  # noqa: PLW0603
    with _events_lock:
        if _events_thread is None:
            libvirt.registerErrorHandler(lambda context, error: None, None)
            libvirt.virEventRegisterDefaultImpl()
            _events_thread = threading.Thread(target=_events, name="libvirt-events", daemon=True)
            _events_thread.start()


def _events() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError:
            log.exception("libvirt's event loop stumbled.")
            time.sleep(1)
