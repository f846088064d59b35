"""`croft up | status | logs | env | down` as people type them, on a cloud of fake engines."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from croft.cli import main
from croft.cli.status import duration
from croft.cli.up import ConsoleProgress, explained, parse_listen
from croft.machine.embedded import Embedded
from croft.machine.layout import Layout
from croft.machine.progress import Silent, StepFailed
from tests.machine.conftest import until


def croft(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("commands") / "state"
    try:
        done = croft("up", "--state", str(path), "--engines", "fake")
        assert done.exit_code == 0, done.output
        yield str(path)
    finally:
        Embedded(Layout(path)).down(Silent(), purge=True)


@pytest.mark.engines
class TestOnARunningCloud:
    def test_status_says_all_is_well(self, state: str) -> None:
        shown = croft("status", "--state", state)
        assert shown.exit_code == 0
        assert "Everything is up." in shown.output

    def test_status_for_programs(self, state: str) -> None:
        document = json.loads(croft("status", "--state", state, "--json").output)
        assert document["healthy"] is True
        assert document["api"] == {"healthy": True}
        assert [daemon["name"] for daemon in document["daemons"]] == ["serve"]

    def test_status_fails_while_something_is_stuck_and_names_it(self, state: str) -> None:
        (daemon,) = Embedded(Layout(Path(state))).status()
        os.kill(daemon.pid, signal.SIGSTOP)
        try:
            shown = croft("status", "--state", state)
        finally:
            os.kill(daemon.pid, signal.SIGCONT)
        assert shown.exit_code == 1
        assert "croft logs serve" in shown.output
        until(lambda: croft("status", "--state", state).exit_code == 0)

    def test_a_killed_api_answers_again(self, state: str) -> None:
        (daemon,) = Embedded(Layout(Path(state))).status()
        os.kill(daemon.pid, signal.SIGKILL)
        until(lambda: all(each.healthy and each.pid != daemon.pid for each in Embedded(Layout(Path(state))).status()))

    def test_up_again_finds_everything_in_place(self, state: str) -> None:
        (before,) = Embedded(Layout(Path(state))).status()
        again = croft("up", "--state", state)
        assert again.exit_code == 0
        assert [daemon.pid for daemon in Embedded(Layout(Path(state))).status()] == [before.pid]

    def test_up_restarts_the_api_when_it_shall_listen_elsewhere(self, state: str) -> None:
        before = json.loads(croft("status", "--state", state, "--json").output)["url"]
        assert croft("up", "--state", state, "--listen", "127.0.0.1:9655").exit_code == 0
        after = json.loads(croft("status", "--state", state, "--json").output)
        assert after["url"] != before
        assert after["healthy"]

    def test_logs_of_one_and_of_all(self, state: str) -> None:
        assert "schema migrated" in croft("logs", "--state", state, "serve", "-n", "500").output
        assert "serve" in croft("logs", "--state", state, "-n", "1").output
        refused = croft("logs", "--state", state, "nobody")
        assert refused.exit_code == 1
        assert "There are: serve" in refused.output

    def test_env_points_the_clients_here(self, state: str) -> None:
        lines = croft("env", "--state", state, "--cloud", "croft-admin").output.splitlines()
        assert f"export OS_CLIENT_CONFIG_FILE={state}/clouds.yaml" in lines
        assert "export OS_CLOUD=croft-admin" in lines

    def test_only_the_owner_reads_the_state(self, state: str) -> None:
        assert Path(state).stat().st_mode & 0o077 == 0

    def test_other_engines_are_refused_with_advice(self, state: str) -> None:
        refused = croft("up", "--state", state, "--engines", "real")
        assert refused.exit_code == 1
        assert "croft down --purge" in refused.output


@pytest.mark.parametrize("command", ["status", "logs", "env"])
def test_without_a_cloud_it_says_how_to_start_one(command: str, tmp_path: Path) -> None:
    shown = croft(command, "--state", str(tmp_path))
    assert shown.exit_code == 1
    assert "croft up" in shown.output


@pytest.mark.parametrize(
    ("text", "found"), [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:8443", ("::1", 8443)), (None, (None, None))]
)
def test_where_to_listen(text: str | None, found: tuple[str | None, int | None]) -> None:
    assert parse_listen(text) == found


@pytest.mark.parametrize("text", ["", "8443", ":8443", "host:", "host:0", "host:65536", "host:http"])
def test_nowhere_to_listen(text: str) -> None:
    with pytest.raises(click.BadParameter):
        parse_listen(text)


def test_a_failed_step_names_itself_its_log_and_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "current"
    log.write_text("first line\nlast line\n")
    progress = ConsoleProgress()
    with pytest.raises(SystemExit), explained(progress), progress.step("the daemons"):
        raise StepFailed("it broke", advice="Mend it.", log=log)
    said = capsys.readouterr().err
    for part in ("the daemons", "it broke", str(log), "last line", "Mend it."):
        assert part in said


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59, "59 s"), (3599, "59 min"), (7200, "2 h"), (90000, "1 d")]
)
def test_durations(seconds: int, text: str) -> None:
    assert duration(seconds) == text
