"""Clocks, ids, logs and settings: small parts that everything leans on."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from croft.core import config, ids, log
from croft.core.clock import ManualClock, SystemClock, iso, iso_bare, iso_micro, parse_iso
from croft.core.config import ConfigError, Secret


def test_times_are_written_as_each_api_wants_them() -> None:
    assert iso(1_700_000_000) == "2023-11-14T22:13:20Z"
    assert iso_micro(1_700_000_000) == "2023-11-14T22:13:20.000000Z"
    assert iso_bare(1_700_000_000) == "2023-11-14T22:13:20.000000"


@pytest.mark.parametrize(
    "text", ["2023-11-14T22:13:20Z", "2023-11-14T22:13:20", "2023-11-14T23:13:20+01:00", "2023-11-14 22:13:20.999"]
)
def test_times_are_read_however_they_are_written(text: str) -> None:
    assert parse_iso(text) == 1_700_000_000


def test_a_time_that_is_none_is_a_value_error() -> None:
    with pytest.raises(ValueError):
        parse_iso("yesterday")


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock()
    before = clock.now()
    clock.advance(5)
    assert clock.now() == before + 5
    assert abs(SystemClock().now() - time.time()) < 2


def test_ids_sort_by_time_and_look_as_each_api_expects() -> None:
    found = [ids.new_id() for _ in range(100)]
    assert found == sorted(found)
    assert all(map(ids.is_uuid, found))
    assert len(ids.new_hex_id()) == 32
    assert not ids.is_uuid(ids.new_hex_id())
    assert not ids.is_uuid(found[0] + "\n")
    assert len({ids.new_secret() for _ in range(100)}) == 100


def test_a_log_line_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert log.pairs(a=1, b="two words", c=None, d="x\ny", e='q"q', f="", g="ä") == (
        r'a=1 b="two words" d="x\ny" e="q\"q" f="" g=ä'
    )


def test_the_log_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        log.setup("WARNING")
        logging.getLogger("croft.test").info("too quiet")
        logging.getLogger("croft.test").warning("hello %s", log.pairs(name="a\nb"))
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith('W croft.test hello name="a\\nb"')


def test_settings_come_from_defaults_then_the_file_then_the_environment(tmp_path: Path) -> None:
    assert config.load(tmp_path, {}) == config.Config(tmp_path)
    (tmp_path / "croft.toml").write_text('region = "north"\nworkers = 3\nplain_http = true\nlisten = "10.0.0.1:1"\n')
    found = config.load(tmp_path, {"CROFT_WORKERS": "4", "OTHER": "x"}, {"region": "south", "engines": "fake"})
    assert (found.region, found.workers, found.engines, found.plain_http) == ("north", 4, "fake", True)
    assert found.url == "http://10.0.0.1:1"
    assert config.load(tmp_path, {"CROFT_PLAIN_HTTP": "no", "CROFT_PUBLIC_URL": "https://c.example/"}).url == (
        "https://c.example"
    )
    assert config.load(tmp_path, {}).people == {}
    assert config.load(tmp_path, {"CROFT_PLAIN_HTTP": "0"}).url == "https://10.0.0.1:1"


@pytest.mark.parametrize(
    "text",
    [
        "colour = 1",
        "workers = 'many'",
        "plain_http = 3",
        "region = 5",
        "database = 7",
        "broken",
        "people = 3",
        "[people]\nlab = 3",
    ],
)
def test_a_setting_that_cannot_be_refuses_to_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "croft.toml").write_text(text + "\n")
    with pytest.raises(ConfigError):
        config.load(tmp_path, {})


@dataclass(frozen=True)
class _Place:
    url: str
    names: tuple[str, ...] = ()
    secret: Secret = config.NO_SECRET


def test_a_table_of_the_file_becomes_a_record(tmp_path: Path) -> None:
    (tmp_path / "croft.toml").write_text('[people.lab]\nurl = "ldap://x"\nnames = ["a", "b"]\nsecret = "hunter2"\n')
    found = config.load(tmp_path, {})
    assert "hunter2" not in f"{found}"
    place = config.record(_Place, "[people.lab]", found.people["lab"])
    assert (place.url, place.names, place.secret.reveal()) == ("ldap://x", ("a", "b"), "hunter2")
    for wrong, says in (({}, "url is missing"), ({"url": "x", "ulr": "y"}, "unknown setting ulr"), ({"url": 3}, "str")):
        with pytest.raises(ConfigError, match=says):
            config.record(_Place, "[people.lab]", wrong)
    for names in ("a", ["a", 3]):
        with pytest.raises(ConfigError, match="names"):
            config.record(_Place, "[people.lab]", {"url": "x", "names": names})


def test_a_secret_does_not_print(tmp_path: Path) -> None:
    (tmp_path / "croft.toml").write_text('database = "postgresql://u:hunter2@h/d"\n')
    found = config.load(tmp_path, {})
    assert found.database_url == "postgresql://u:hunter2@h/d"
    assert config.load(tmp_path / "other", {}).database_url.startswith("sqlite:///")
    assert "hunter2" not in f"{found} {found.database} {found.database!r} {found.database:>5}"
    assert Secret("x").reveal() == "x"
