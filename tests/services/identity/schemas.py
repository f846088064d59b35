"""Keystone's own schemas, as data: in a folder beside the repository, or where CROFT_KEYSTONE_SCHEMAS says."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

_BESIDE = Path(__file__).parents[3].parent / "shared" / "conformance" / "schemas" / "keystone-schemas.json"
PLACE = Path(os.environ.get("CROFT_KEYSTONE_SCHEMAS", _BESIDE))
_PARAMETER = re.compile(r"<string:\w+>|\{\w+\}")


@cache
def _records() -> list[tuple[re.Pattern[str], int, str, Any, Any]]:
    """(path, how many parameters, method, request schema, response schema), the most literal paths first."""
    if not PLACE.exists():
        return []
    found = []
    for record in json.loads(PLACE.read_text()):
        parts = _PARAMETER.split(record["path"])
        pattern = re.compile("[^/]+".join(re.escape(part) for part in parts))
        found.append((pattern, len(parts), record["method"], record["request"], record["response"]))
    return sorted(found, key=lambda record: record[1])


def find(method: str, path: str) -> tuple[Any, Any]:
    """The schemas of a request's and an answer's body, or None. `path` may be a route's or a real one."""
    real = _PARAMETER.sub("x", path)
    for pattern, _, verb, request, response in _records():
        if verb == method and pattern.fullmatch(real):
            return request, response
    return None, None


@cache
def _validator(text: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(text))


def problems(schema: Any, value: Any) -> list[str]:
    found = _validator(json.dumps(schema, sort_keys=True)).iter_errors(value)
    return [f"{error.json_path}: {error.message[:200]}" for error in found]
