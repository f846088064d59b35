"""The Identity API v3's reference: each of its operations is answered here, or refused with a reason, and each is in
docs/api/identity.md with the test that shows it. So neither the list nor the page can rot."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from croft.core.http.microversion import NONE
from croft.core.http.routes import Router
from tests.laws.test_routes import MISSING
from tests.services.identity.house import House

ROOT = Path(__file__).parents[3]
REFERENCE = Path(__file__).with_name("reference.txt")
PAGE = ROOT / "docs/api/identity.md"
_ROW = re.compile(r"^\| `([A-Z, ]+) (/\S*)` \| (.+) \|$")
_TEST = re.compile(r"`(\S+\.py)::(?:\w+::)?(\w+)`")


def reference() -> list[tuple[str, str]]:
    """(method, path) of every operation."""
    lines = [line.split() for line in REFERENCE.read_text().splitlines() if line and not line.startswith("#")]
    return [(method, path) for methods, path in lines for method in methods.split(",")]


def written() -> dict[tuple[str, str], str]:
    """(method, path) → what the page says of it."""
    found = [_ROW.match(line) for line in PAGE.read_text().splitlines()]
    return {(verb, row[2]): row[3] for row in found if row for verb in row[1].split(", ")}


@cache
def functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.fixture
def router(house: House) -> Router:
    return Router(house.services[0].routes)


def test_every_operation_is_routed(router: Router) -> None:
    for method, path in reference():
        router.find(method, path, NONE)


def test_the_page_lists_every_operation_and_no_other() -> None:
    assert sorted(written()) == sorted(reference())


def test_every_test_named_on_the_page_is_there() -> None:
    for operation, says in written().items():
        tests = _TEST.findall(says)
        assert tests or re.match(r"(501|410): \w", says), operation
        for path, name in tests:
            assert name in functions(path), (operation, path, name)


def test_the_page_says_501_exactly_where_the_answer_is(house: House) -> None:
    for (method, path), says in written().items():
        real = re.sub(r"\{\w+\}", MISSING, path)
        answer = house.call(method, f"/identity{real}", token=house.admin)
        assert (answer.status in {410, 501}) == says.startswith(("410", "501")), (method, path, answer.status)
        if says.startswith(("410", "501")):
            assert str(answer.status) == says[:3], (method, path)
            if method != "HEAD":
                assert answer.json["error"]["message"] in says, (method, path)


def test_head_answers_as_get_without_a_body(house: House) -> None:
    for method, path in reference():
        if method != "HEAD" or "{" in path:
            continue
        head, get = (house.call(verb, f"/identity{path}", token=house.admin) for verb in ("HEAD", "GET"))
        assert get.status != 404, path
        assert (head.status, head.body) == (get.status, b""), path


def test_what_is_nowhere_in_the_reference_is_404_in_keystones_words(house: House) -> None:
    answer = house.ask("GET", "/unheard-of")
    assert (answer.status, answer.json["error"]["title"]) == (404, "Not Found")
