"""What the composition root decides by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from croft.app import resolvers


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        ("none", ()),
        ("198.18.0.53, 2001:db8::53", ("198.18.0.53", "2001:db8::53")),
        ("auto", ("198.18.0.1", "2001:db8::1")),
    ],
)
def test_guests_are_told_of_resolvers_they_can_reach(tmp_path: Path, wish: str, found: tuple[str, ...]) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text(
        "search example\nnameserver 127.0.0.53\nnameserver 198.18.0.1\nnameserver 2001:db8::1\nnameserver\n"
    )
    assert resolvers(wish, file) == found


def test_a_machine_without_resolvers_tells_of_none(tmp_path: Path) -> None:
    assert resolvers("auto", tmp_path / "absent") == ()
