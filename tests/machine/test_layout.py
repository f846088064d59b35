"""Names that never collide and always fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from croft.machine.layout import MAX_HOSTS, Layout

DEEP = Path("/srv") / ("deep" * 20) / ("deeper" * 10)
UNIX_SOCKET_PATH_MAX = 107
INTERFACE_NAME_MAX = 15


def test_two_state_directories_share_no_visible_name() -> None:
    one, other = Layout(Path("/srv/one")), Layout(Path("/srv/other"))
    assert one.tag != other.tag
    assert one.outside_device != other.outside_device
    assert one.namespace("h1") != other.namespace("h1")
    assert one.run != other.run
    assert one.unit != other.unit
    assert one.host(1).uuid != other.host(1).uuid


def test_names_are_the_same_at_every_start_and_by_every_path_to_the_directory(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    assert Layout(real).tag == Layout(tmp_path / "link").tag == Layout(real / ".." / "real").tag
    assert Layout(real).host(1).uuid == Layout(real).host(1).uuid


def test_hosts_of_one_cloud_differ() -> None:
    layout = Layout(Path("/srv/one"))
    first, second = layout.host(1), layout.host(2)
    assert first.uuid != second.uuid
    assert first.netns != second.netns
    assert first.underlay_address != second.underlay_address
    assert first.libvirt_uri != second.libvirt_uri


def test_the_device_name_fits_the_kernel() -> None:
    assert len(Layout(DEEP).outside_device) <= INTERFACE_NAME_MAX


def test_sockets_stay_short_however_deep_the_state_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    layout = Layout(DEEP)
    host = layout.host(MAX_HOSTS)
    sockets = [
        layout.northbound_socket,
        layout.southbound_socket,
        host.libvirt_socket,
        host.vswitchd_control,
        host.ovs_run / "ovn-controller.4194304.ctl",
    ]
    assert max(len(str(socket)) for socket in sockets) <= UNIX_SOCKET_PATH_MAX


@pytest.mark.parametrize("number", [0, -1, MAX_HOSTS + 1])
def test_there_is_no_such_host(number: int) -> None:
    with pytest.raises(ValueError, match="hosts 1 to"):
        Layout(Path("/srv/one")).host(number)
