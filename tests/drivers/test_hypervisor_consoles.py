"""Console logs: bounded, read from their end, robust against whatever a guest prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from croft.drivers.hypervisor.libvirt.consoles import Consoles


@pytest.fixture
def consoles(tmp_path: Path) -> Iterator[Consoles]:
    consoles = Consoles(tmp_path / "logs", limit=1000)
    yield consoles
    consoles.close()


def test_an_absent_log_reads_empty_and_its_removal_succeeds(consoles: Consoles) -> None:
    assert consoles.read("g", None) == ""
    consoles.remove("g")


@pytest.mark.parametrize(
    ("lines", "text"),
    [(None, "one\r\ntwo\nthree\n"), (0, ""), (1, "three\n"), (2, "two\nthree\n"), (99, "one\r\ntwo\nthree\n")],
)
def test_the_last_lines_are_read(consoles: Consoles, lines: int | None, text: str) -> None:
    consoles.path("g").write_bytes(b"one\r\ntwo\nthree\n")
    assert consoles.read("g", lines) == text


def test_a_line_without_end_counts(consoles: Consoles) -> None:
    consoles.path("g").write_bytes(b"boot\nlogin: ")
    assert consoles.read("g", 1) == "login: "


def test_bytes_that_are_no_text_are_replaced(consoles: Consoles) -> None:
    consoles.path("g").write_bytes(b"\xff\xfeok\n")
    assert consoles.read("g", None) == "\ufffd\ufffdok\n"


def test_a_long_log_is_cut_under_its_writer_at_a_line(consoles: Consoles) -> None:
    with consoles.path("g").open("ab", buffering=0) as writer:
        for number in range(200):
            writer.write(b"line %d\n" % number)
        consoles.trim()
        writer.write(b"after the cut\n")
    assert consoles.path("g").stat().st_size < 600
    lines = consoles.read("g", None).splitlines()
    assert lines[-2:] == ["line 199", "after the cut"]
    assert lines == [f"line {number}" for number in range(200 - len(lines) + 1, 200)] + ["after the cut"]


def test_a_log_without_any_line_end_is_cut_all_the_same(consoles: Consoles) -> None:
    consoles.path("g").write_bytes(b"x" * 5000)
    consoles.trim()
    assert consoles.path("g").stat().st_size <= 500


def test_a_short_log_is_left_alone(consoles: Consoles) -> None:
    consoles.path("g").write_bytes(b"x" * 1000)
    consoles.trim()
    assert consoles.path("g").stat().st_size == 1000
