"""Runs reconcilers: one dispatcher claims due rows, a few threads run them, a watchdog ends a process that hangs.

A run that outlasts the watchdog would outlive its lease and could race with its successor, so the whole process ends
and its supervisor starts it afresh; nothing is lost, since every step is repeatable.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from croft.core import work
from croft.core.db import Database
from croft.core.errors import Rejected, Unavailable
from croft.core.ids import new_secret
from croft.core.work import Claim, Gone, Reconciler, Wait

WATCHDOG = 90
POLL = 1.0
"""Seconds between looks for rows that fell due, or that another process woke."""
log = logging.getLogger("croft.work")


def abort_process() -> None:
    """Writes every thread's stack to the log and ends the process without ceremony."""
    faulthandler.dump_traceback(file=sys.stderr)
    os._exit(70)


class Loop:
    """`notify` makes the dispatcher look at once; it is cheap and may be called from anywhere."""

    def __init__(
        self,
        db: Database,
        reconcilers: Iterable[Reconciler],
        *,
        threads: int = 8,
        watchdog: int = WATCHDOG,
        on_hang: Callable[[], None] = abort_process,
    ) -> None:
        self.db = db
        self.reconcilers = {each.kind: each for each in reconcilers}
        self._threads = threads
        self._watchdog = watchdog
        self._on_hang = on_hang
        self._changed = threading.Condition()
        self._woken = False
        self._stopping = False
        self._running: dict[str, float] = {}
        self._dispatcher: threading.Thread | None = None
        self._pool: ThreadPoolExecutor | None = None

    def start(self) -> None:
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="work")
        self._dispatcher = threading.Thread(target=self._dispatch, name="dispatcher", daemon=True)
        self._dispatcher.start()

    def stop(self) -> None:
        """Lets running reconcilers finish; claims nothing more."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._dispatcher:
            self._dispatcher.join()
        if self._pool:
            self._pool.shutdown(wait=True)

    def notify(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def run_due(self, most: int = 100) -> int:
        """Runs what is due in this thread and returns how many; for tests and the shell."""
        claims = work.claim(self.db, most)
        for claim in claims:
            self.run(claim)
        return len(claims)

    def run(self, claim: Claim) -> None:
        """One look at one resource, and its note."""
        try:
            result = self.reconcilers[claim.kind].reconcile(claim.id)
        except Unavailable as error:
            pause = min(work.BACKOFF_MAX, 2 ** min(claim.tries, 9)) * random.uniform(0.5, 1.0)  # noqa: S311
            self._release(claim, max(1, round(pause)), "unavailable", str(error), tries=claim.tries)
        except Rejected as error:
            self._release(claim, work.REJECTED_AGAIN, "rejected", str(error), tries=claim.tries)
        except Exception:  # any bug of ours: told to the user by number, kept from stopping the loop
            number = new_secret(6)
            log.exception("fault=%s kind=%s id=%s", number, claim.kind, claim.id)
            message = f"Croft failed on this; an operator finds why under fault {number} in the log."
            self._release(claim, work.FAULT_AGAIN, "fault", message, tries=claim.tries)
        else:
            self._settle(claim, result)

    def _settle(self, claim: Claim, result: work.Result) -> None:
        if isinstance(result, Gone):
            work.forget(self.db, claim)
        elif isinstance(result, Wait):
            self._release(claim, result.after, "waiting", result.why, tries=0)
        else:
            resync = self.reconcilers[claim.kind].resync * random.uniform(0.9, 1.1)  # noqa: S311
            self._release(claim, round(resync) if result.again is None else result.again, tries=0)

    def _release(self, claim: Claim, after: int, code: str = "", message: str = "", *, tries: int) -> None:
        if not work.release(self.db, claim, self.db.clock.now() + after, code, message, tries=tries):
            log.warning("lease lost kind=%s id=%s", claim.kind, claim.id)

    def _dispatch(self) -> None:
        assert self._pool is not None
        woken = False
        while not self._stopping:
            free = self._threads - len(self._running)
            try:
                claims = work.claim(self.db, free, sure=woken) if free > 0 else []
            except Unavailable as error:
                log.warning("database away: %s", error)
                claims = []
            except Exception:  # a bug of ours; without its dispatcher the process would only seem alive
                log.exception("claiming failed")
                claims = []
            for claim in claims:
                key = f"{claim.kind} {claim.id}"
                with self._changed:
                    self._running[key] = time.monotonic()
                self._pool.submit(self._run_in_pool, claim, key)
            woken = self._pause()
            self._watch()

    def _run_in_pool(self, claim: Claim, key: str) -> None:
        try:
            self.run(claim)
        except Unavailable as error:
            log.warning("database away, the lease of %s will run out: %s", key, error)
        except Exception:
            log.exception("releasing %s failed", key)
        finally:
            with self._changed:
                self._woken = self._woken or len(self._running) >= self._threads
                del self._running[key]
                self._changed.notify_all()

    def _pause(self) -> bool:
        """Waits for a wake, for a thread to come free when none was, or for the next poll; whether it was woken."""
        with self._changed:
            if not self._woken and not self._stopping:
                self._changed.wait(POLL)
            woken, self._woken = self._woken, False
            return woken

    def _watch(self) -> None:
        now = time.monotonic()
        with self._changed:
            late = [key for key, began in self._running.items() if now - began > self._watchdog]
        if late:
            log.critical("hanging: %s; ending this process before its leases run out", ", ".join(late))
            self._on_hang()
