"""Passwords made once per cloud, and the clouds.yaml that holds them: both readable by their owner only."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Passwords:
    admin: str = field(repr=False)
    demo: str = field(repr=False)


def ensure_passwords(path: Path) -> Passwords:
    """Reads them, or makes random ones at the first start."""
    if path.exists():
        return Passwords(**json.loads(path.read_text()))
    made = Passwords(secrets.token_urlsafe(18), secrets.token_urlsafe(18))
    write_private(path, json.dumps(asdict(made)) + "\n")
    return made


def ensure_vault_keys(path: Path) -> list[str]:
    """One a line, the newest first; made at the first start."""
    if not path.exists():
        write_private(path, base64.urlsafe_b64encode(os.urandom(32)).decode() + "\n")
    return [line.strip() for line in path.read_text().splitlines() if line.strip()]


def write_clouds(path: Path, url: str, ca: Path | None, region: str, passwords: Passwords) -> None:
    """clouds.yaml with `croft-admin` (operator) and `croft` (a member of project `demo`)."""
    content = yaml.safe_dump(
        {
            "clouds": {
                "croft-admin": _cloud(url, ca, region, "admin", "admin", passwords.admin),
                "croft": _cloud(url, ca, region, "croft", "demo", passwords.demo),
            }
        },
        sort_keys=False,
    )
    if not path.exists() or path.read_text() != content:
        write_private(path, content)


def _cloud(url: str, ca: Path | None, region: str, user: str, project: str, password: str) -> dict[str, Any]:
    cloud: dict[str, Any] = {
        "auth": {
            "auth_url": f"{url}/identity/v3",
            "username": user,
            "password": password,
            "project_name": project,
            "user_domain_id": "default",
            "project_domain_id": "default",
        },
        "region_name": region,
        "interface": "public",
        "identity_api_version": 3,
    }
    if ca is not None:
        cloud["cacert"] = str(ca)
    return cloud


def write_private(path: Path, content: str) -> None:
    """Writes 0600 from the first byte, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    partial.replace(path)
