"""Runs `ip` and `nft`, in a network namespace where one is named, and puts their failures in the port's terms."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from croft.core.errors import Rejected, Unavailable

_TIMEOUT = 10


class Commands:
    """`netns`: a namespace's name or path; None is the one we live in."""

    def __init__(self, netns: str | None = None) -> None:
        path = None if netns is None else Path("/run/netns") / netns
        self._enter = [] if path is None else ["nsenter", f"--net={path}"]

    def run(self, *words: str, stdin: str = "") -> str:
        environment = {"PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin", "LC_ALL": "C"}
        try:
            done = subprocess.run(
                [*self._enter, *words],
                env=environment,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(f"{words[0]} did not finish within {_TIMEOUT} s.")
        except OSError as error:
            raise Unavailable(f"{words[0]} could not be run: {error.strerror}.") from error
        if done.returncode != 0:
            raise Rejected(done.stderr.strip() or f"{words[0]} ended with {done.returncode}.")
        return done.stdout

    def ip(self, *words: str) -> list[dict[str, Any]]:
        """What `ip` lists; protocols as numbers."""
        listed: list[dict[str, Any]] = json.loads(self.run("ip", "-json", "-N", *words) or "[]")
        return listed

    def nft(self, *words: str) -> list[dict[str, Any]]:
        """What `nft` lists."""
        listed: list[dict[str, Any]] = json.loads(self.run("nft", "--json", *words))["nftables"]
        return listed

    def nft_apply(self, changes: list[dict[str, Any]]) -> None:
        """All of them or none."""
        self.run("nft", "--json", "--file", "-", stdin=json.dumps({"nftables": changes}))
