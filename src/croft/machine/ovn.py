"""OVN: the central databases and northd, and on each host an Open vSwitch and an ovn-controller."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

from croft.machine.commands import run
from croft.machine.layout import PHYSNET, HostLayout, Layout
from croft.machine.plumbing import CENTRAL, CENTRAL_ADDRESS, UNDERLAY_LENGTH, UNDERLAY_MTU
from croft.machine.supervisor import Daemon
from croft.machine.unixctl import NoAnswer, ask, listens

SOUTHBOUND_PORT = 6642
OVN_SCHEMAS = Path("/usr/share/ovn")
OVS_SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
PROBE_MS = 60000
"""Between a database and its clients; the default of 5 s drops sessions on a busy machine."""

QUIET = ("-vPATTERN:console:%c|%p|%m", "-vconsole:info", "-vsyslog:off")


def answers(control: Path, command: str = "version", *, expect: str = "") -> bool:
    try:
        return expect in ask(control, command)
    except NoAnswer:
        return False


def central_daemons(layout: Layout) -> list[Daemon]:
    run_dir, data = layout.central_run, layout.ovn
    enter = ("nsenter", f"--net=/run/netns/{layout.namespace(CENTRAL)}")
    environment = {
        "OVN_RUNDIR": str(run_dir),
        "OVN_DBDIR": str(data),
        "OVN_LOGDIR": str(layout.log),
        "OVN_SYSCONFDIR": str(data),
        "OVS_RUNDIR": str(run_dir),
    }
    return [
        _database(layout, "ovn-nb", layout.northbound_socket, OVN_SCHEMAS / "ovn-nb.ovsschema", enter, environment),
        _database(
            layout,
            "ovn-sb",
            layout.southbound_socket,
            OVN_SCHEMAS / "ovn-sb.ovsschema",
            enter,
            environment,
            "--remote=db:OVN_Southbound,SB_Global,connections",
        ),
        Daemon(
            name="ovn-northd",
            argv=(
                "ovn-northd",
                *QUIET,
                f"--unixctl={run_dir}/northd.ctl",
                f"--ovnnb-db=unix:{layout.northbound_socket}",
                f"--ovnsb-db=unix:{layout.southbound_socket}",
            ),
            enter=enter,
            environment=environment,
            prepare=_prepare_central(layout),
            after=(layout.northbound_socket, layout.southbound_socket),
            ready=lambda: answers(run_dir / "northd.ctl", "status", expect="active"),
        ),
    ]


def _database(
    layout: Layout,
    name: str,
    socket: Path,
    schema: Path,
    enter: tuple[str, ...],
    environment: dict[str, str],
    *options: str,
) -> Daemon:
    return Daemon(
        name=name,
        argv=(
            "ovsdb-server",
            *QUIET,
            f"--unixctl={layout.central_run}/{name}.ctl",
            f"--remote=punix:{socket}",
            *options,
            str(layout.ovn / f"{name}.db"),
        ),
        enter=enter,
        environment=environment,
        prepare=_prepare_database(layout.ovn / f"{name}.db", schema, socket),
        ready=lambda: listens(socket),
    )


def _prepare_database(database: Path, schema: Path, socket: Path) -> str:
    file, form = shlex.quote(str(database)), shlex.quote(str(schema))
    return (
        f"mkdir -p {shlex.quote(str(socket.parent))}\n"
        f"rm -f {shlex.quote(str(socket))}\n"
        f"if [ ! -e {file} ]; then ovsdb-tool create {file} {form}\n"
        f'elif [ "$(ovsdb-tool needs-conversion {file} {form})" = yes ]; then ovsdb-tool convert {file} {form}; fi'
    )


def _prepare_central(layout: Layout) -> str:
    south = f"ovn-sbctl --timeout=10 --db=unix:{layout.southbound_socket}"
    target = f"ptcp:{SOUTHBOUND_PORT}:{CENTRAL_ADDRESS}"
    return (
        f"ovn-nbctl --timeout=10 --db=unix:{layout.northbound_socket} --no-wait init\n"
        f"{south} init\n"
        f'[ "$({south} get-connection)" = {target} ] ||\n'
        f"    {south} set-connection {target} -- set connection . inactivity_probe={PROBE_MS}"
    )


def chassis_daemons(layout: Layout, host: HostLayout, datapath: str) -> list[Daemon]:
    """`datapath` is `netdev` (userspace) or `system` (the kernel's module)."""
    data = host.directory / "ovs"
    directories = {"RUNDIR": host.ovs_run, "DBDIR": data, "LOGDIR": layout.log, "SYSCONFDIR": data}
    remote = f"unix:{host.ovsdb_socket}"

    def daemon(name: str, *argv: str, prepare: str, ready: Callable[[], bool], after: tuple[Path, ...] = ()) -> Daemon:
        return Daemon(
            name=f"{host.name}-{name}",
            argv=argv,
            enter=("nsenter", f"--net={host.netns}"),
            environment={f"{part}_{name}": str(path) for part in ("OVS", "OVN") for name, path in directories.items()},
            prepare=prepare,
            after=after,
            ready=ready,
            host=host.name,
        )

    return [
        daemon(
            "ovsdb",
            *("ovsdb-server", *QUIET, f"--unixctl={host.ovs_run}/ovsdb-server.ctl"),
            *(f"--remote=punix:{host.ovsdb_socket}", str(data / "conf.db")),
            prepare=f"mkdir -p {shlex.quote(str(data))}\n"
            + _prepare_database(data / "conf.db", OVS_SCHEMA, host.ovsdb_socket),
            ready=lambda: listens(host.ovsdb_socket),
        ),
        daemon(
            "vswitchd",
            *("ovs-vswitchd", remote, *QUIET, f"--unixctl={host.vswitchd_control}"),
            prepare=_prepare_switch(host, datapath),
            after=(host.ovsdb_socket,),
            ready=lambda: switch_works(host),
        ),
        daemon(
            "controller",
            *("ovn-controller", remote, *QUIET, f"--pidfile={host.ovs_run}/ovn-controller.pid"),
            prepare=_prepare_controller(host),
            after=(host.vswitchd_control,),
            ready=lambda: _controller_connected(host),
        ),
    ]


def _prepare_switch(host: HostLayout, datapath: str) -> str:
    """The bridges, and the underlay address: userspace tunnels must leave through an OVS bridge that holds it. The
    bridge's device goes and comes with vswitchd, so the address is put there by whoever starts vswitchd."""
    vsctl = f"ovs-vsctl --timeout=10 --no-wait --db=unix:{host.ovsdb_socket}"
    enter = f"nsenter --net={host.netns}"
    identity = {
        "system-id": host.name,
        "hostname": host.name,
        "ovn-remote": f"tcp:{CENTRAL_ADDRESS}:{SOUTHBOUND_PORT}",
        "ovn-encap-type": "geneve",
        "ovn-encap-ip": host.underlay_address,
        "ovn-bridge-datapath-type": datapath,
        "ovn-bridge-mappings": f"{PHYSNET}:br-ex",
        "ovn-cms-options": "enable-chassis-as-gw",
        "ovn-monitor-all": "true",
        "ovn-remote-probe-interval": str(PROBE_MS),
        "ovn-openflow-probe-interval": str(PROBE_MS // 1000),
    }
    settings = " ".join(shlex.quote(f"external_ids:{name}={json.dumps(value)}") for name, value in identity.items())
    bridges = " ".join(
        f"-- --may-exist add-br {bridge} -- set bridge {bridge} datapath_type={datapath}"
        f" -- --may-exist add-port {bridge} {port}"
        for bridge, port in (("br-phy", "un"), ("br-ex", "ex"))
    )
    address = f"{host.underlay_address}/{UNDERLAY_LENGTH}"
    return (
        f"rm -f {host.vswitchd_control}\n"
        f"{vsctl} init -- set Open_vSwitch . {settings} other_config:n-handler-threads=1 {bridges}\n"
        f"( tries=0; until {enter} ip link set br-phy up mtu {UNDERLAY_MTU} 2>/dev/null &&\n"
        f"      {enter} ip addr replace {address} dev br-phy && {enter} ip link set br-ex up; do\n"
        '    tries=$((tries + 1)); [ "$tries" -lt 300 ] || break; sleep 0.1\n'
        "  done & )"
    )


def _prepare_controller(host: HostLayout) -> str:
    """Waits for the tunnel address: a first connection refused would cost a second before the next try."""
    show = f"ip -n {host.namespace} -oneline addr show dev br-phy"
    return (
        f"rm -f {host.ovs_run}/ovn-controller.*.ctl {host.ovs_run}/ovn-controller.pid\n"
        f'tries=0; until {show} 2>/dev/null | grep -qF " {host.underlay_address}/"; do\n'
        '    tries=$((tries + 1)); [ "$tries" -lt 300 ] || exit 1; sleep 0.05\ndone'
    )


def switch_works(host: HostLayout) -> bool:
    """vswitchd answers and the tunnel address is in place."""
    if not answers(host.vswitchd_control):
        return False
    listed = run("ip", "-n", host.namespace, "-json", "addr", "show", "dev", "br-phy", check=False)
    return any(
        address.get("local") == host.underlay_address
        for device in json.loads(listed or "[]")
        for address in device.get("addr_info", ())
    )


def _controller_connected(host: HostLayout) -> bool:
    controls = list(host.ovs_run.glob("ovn-controller.*.ctl"))
    return any(answers(control, "connection-status", expect="connected") for control in controls)
