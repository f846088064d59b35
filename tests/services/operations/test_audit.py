"""Reading the audit: who sees which lines, filters, pages, CADF, `croft audit`, and how lines go in the end."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click
import pytest
from click.testing import CliRunner
from pycadf import attachment, credential, event, host, reason, resource

from croft.cli import audit as cli
from croft.cli.client import Client, ClientError
from croft.core import audit, work
from croft.core.clock import ManualClock, iso
from croft.core.db import Database
from croft.core.http.service import Matched
from croft.core.policy import Actor
from croft.services import operations
from croft.services.operations.wire import cadf
from tests.cloud import Cloud
from tests.world import World

PATH = "/operations/v1/audit"
pytestmark = pytest.mark.filterwarnings("ignore:Invalid uuid")
"""pycadf wishes for UUIDs and takes any name."""
SYSTEM = {
    "reader": Actor("sys-reader", roles=frozenset({"reader"}), system=True),
    "auditor": Actor("watcher", roles=frozenset({"auditor"}), system=True),
    "nobody": Actor("other", roles=frozenset({"other"}), system=True),
    "domain": Actor("dom", roles=frozenset({"auditor", "admin"}), domain="default"),
}


@pytest.fixture
def world(db: Database) -> World:
    return World(db, [operations.service(db, dict, {}, 400)], SYSTEM.__getitem__)


def write(world: World, **given: Any) -> str:
    actor = Actor(given.pop("user", "u"), given.pop("user_name", "una"), **given.pop("who", {}))
    origin = audit.Origin("192.0.2.7", "curl/8", "DELETE /network/v2.0/ports/1?x")
    words = {"project": "alpha", "request": "req-1", "action": "network.port.delete", "target": "t", "name": "eth"}
    own = {key: given.pop(key) for key in words if key in given}
    with world.db.write() as tx:
        return audit.write(tx, audit.values_of(actor, origin, **(words | own)) | given)


def ask(world: World, token: str = "reader:alpha", **query: str) -> list[dict[str, Any]]:
    answer = world.call("GET", PATH, token=token, query="&".join(f"{name}={value}" for name, value in query.items()))
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.json["audit"]
    return found


def targets(world: World, token: str = "reader:alpha", **query: str) -> list[str]:
    return [each["target"] for each in ask(world, token, **query)]


def test_a_project_reads_its_own_and_auditors_everything(world: World) -> None:
    for project in ("alpha", "beta", ""):
        write(world, project=project, target=f"in-{project}")
    assert targets(world) == ["in-alpha"]
    assert targets(world, project_id="alpha") == ["in-alpha"]
    for token in ("admin:alpha", "reader", "auditor"):
        assert targets(world, token) == ["in-", "in-beta", "in-alpha"], token
        assert targets(world, token, project_id="beta") == ["in-beta"]
    assert world.call("GET", PATH, token="manager:alpha", query="project_id=beta").status == 404
    for token in ("none:alpha", "reader:-", "nobody", "domain"):
        assert world.call("GET", PATH, token=token).status == 403, token


def test_filters_and_pages(world: World) -> None:
    clock = world.clock
    assert isinstance(clock, ManualClock)
    times = []
    for number in range(5):
        times.append(iso(clock.now()))
        odd = {"outcome": "refused", "status": 403, "why": "No."} if number % 2 else {}
        write(world, target=str(number), user=f"u{number % 2}", request=f"req-{number}", action=f"a.b{number}.c", **odd)
        clock.advance(60)
    assert targets(world) == ["4", "3", "2", "1", "0"]
    assert targets(world, sort_dir="asc", limit="2") == ["0", "1"]
    assert targets(world, outcome="refused") == ["3", "1"]
    assert targets(world, user_id="u1") == ["3", "1"]
    assert targets(world, action="a.b2") == ["2"]
    assert targets(world, target="3", request_id="req-3") == ["3"]
    assert targets(world, since=times[1], until=times[3]) == ["2", "1"]
    assert targets(world, since=times[4].replace("Z", "%2B00:00")) == ["4"]
    first = ask(world, limit="2")
    assert targets(world, limit="2", marker=first[-1]["id"]) == ["2", "1"]
    assert first[1] | {"id": ""} == {
        "id": "",
        "at": times[3],
        "request_id": "req-3",
        "user_id": "u1",
        "user_name": "una",
        "project_id": "alpha",
        "action": "a.b3.c",
        "target": "3",
        "name": "eth",
        "outcome": "refused",
        "status": 403,
        "why": "No.",
        "times": 1,
        "application_credential_id": "",
        "trust_id": "",
        "trustor_user_id": "",
        "impersonator_user_id": "",
        "client_address": "192.0.2.7",
        "user_agent": "curl/8",
        "request": "DELETE /network/v2.0/ports/1?x",
    }


@pytest.mark.parametrize(
    "query", ["since=yesterday", "outcome=maybe", "sort_dir=up", "username=x", "until=99999-01-01"]
)
def test_an_odd_filter_is_refused_and_not_ignored(world: World, query: str) -> None:
    for path in (PATH, f"{PATH}/cadf"):
        if not (query.startswith("sort_dir") and path.endswith("cadf")):
            assert world.call("GET", path, query=query).status == 400


def parsed(line: str) -> event.Event:
    """As pycadf reads it; it refuses what CADF does not know."""
    told = json.loads(line)
    assert told.pop("typeURI") == event.TYPE_URI_EVENT
    path, attached = told.pop("requestPath", None), told.pop("attachments")
    assert path is None or path.startswith("/")
    for name in ("initiator", "target", "observer"):
        given = told[name]
        given.pop("project_id", None)
        given["host"] = host.Host(**given["host"]) if "host" in given else None
        given["credential"] = credential.Credential(**given["credential"]) if "credential" in given else None
        told[name] = resource.Resource(**given)
    told["reason"] = reason.Reason(**told["reason"]) if "reason" in told else None
    made = event.Event(**told)
    for each in attached:
        made.add_attachment(attachment.Attachment(**each))
    return made


def test_every_line_of_a_whole_cloud_is_a_cadf_event(sqlite_cloud: Cloud) -> None:
    world = sqlite_cloud.world
    made = world.call("POST", "/network/v2.0/networks", {"network": {"name": "n"}}).json["network"]["id"]
    world.call("DELETE", f"/network/v2.0/networks/{made}", token="member:beta")
    world.call("DELETE", f"/network/v2.0/networks/{made}", headers={"user-agent": "tofu"})
    world.call("POST", "/network/v2.0/networks", {"network": {"name": "n"}}, token="reader:alpha")
    write(world, who={"application_credential": "cred"})
    write(world, who={"trust": "trust", "trustor": "u", "impersonator": "robot"})
    write(world, user="", user_name="", action="identity.token.create", outcome="refused", status=401, why="No.")
    answer = world.call("GET", f"{PATH}/cadf", token="admin:alpha")
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = answer.body.decode().splitlines()
    assert len(lines) == len(ask(world, "admin:alpha"))
    assert all(parsed(line).is_valid() for line in lines)
    told = [json.loads(line) for line in lines]
    of_network = [each for each in told if each["target"]["id"] == made]
    assert [(each["action"], each["outcome"]) for each in of_network] == [
        ("create/network/network", "success"),
        ("delete/network/network", "failure"),
        ("delete/network/network", "success"),
    ]
    assert of_network[1]["reason"] == {"reasonType": "HTTP", "reasonCode": "404"}
    assert of_network[1]["initiator"]["id"] == "user-member-beta"
    assert of_network[2]["initiator"]["host"] == {"address": "127.0.0.1", "agent": "tofu"}
    assert of_network[2]["requestPath"] == f"/network/v2.0/networks/{made}"
    by_credential, by_trust, login = told[-3:]
    assert by_credential["initiator"]["credential"] == {"type": "application_credential", "token": "cred"}
    assert by_trust["initiator"]["id"] == "robot"
    assert by_trust["attachments"][0]["content"]["in_the_name_of"] == "u"
    assert (login["action"], login["initiator"]["id"]) == ("authenticate/login", "unknown")


def test_each_write_has_its_word_in_cadfs_taxonomy() -> None:
    known = {
        "network.port.create": "create/network/port",
        "images.image.upload": "create/images/image/upload",
        "compute.server.reboot": "update/compute/server/reboot",
        "compute.server.stop": "stop/compute/server",
        "identity.token.delete": "revoke/token",
        "audit.many": "update/audit/many",
    }
    assert {name: cadf.action(name) for name in known} == known


def test_an_export_holds_one_page_at_a_time(sqlite_db: Database) -> None:
    """Its memory is the same for 7,500 lines as for 2,500."""
    world = World(sqlite_db, [operations.service(sqlite_db, dict, {})])
    peaks = []
    for _ in range(3):
        with world.db.write() as tx:
            values = audit.values_of(
                Actor("u"), audit.NOWHERE, project="p", request="r", action="a", target="t", name=""
            )
            for _ in range(2500):
                audit.write(tx, values)
        tracemalloc.start()
        count = sum(1 for _ in streamed(world, f"{PATH}/cadf"))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert count == 7500
    assert peaks[2] < peaks[0] * 1.3


def streamed(world: World, path: str, token: str = "admin:alpha") -> Iterator[bytes]:
    from croft.core.http.service import Arrival

    path, _, query = path.partition("?")
    arrival = Arrival("GET", path, query, {"x-auth-token": token}, "127.0.0.1", "https://cloud.test")
    matched = world.application.prepare(arrival)
    assert isinstance(matched, Matched)
    response = world.application.handle(matched, b"", iter(()))
    assert response.status == 200
    assert not isinstance(response.body, bytes)
    yield from response.body


def test_what_is_old_goes_and_says_so(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_OLDEST", audit._OLDEST.limit(3))
    world = World(db, [operations.service(db, dict, {}, 400)])
    clock = world.clock
    assert isinstance(clock, ManualClock)
    for number in range(8):
        write(world, target=str(number))
        clock.advance(3600)
    clock.advance(400 * 86_400 - 3660)
    operations.actions.seed(world.db, [])
    world.settle(30)
    found = ask(world, "admin:alpha")
    assert {each["target"] for each in found if each["action"] != "operations.audit.expire"} == {"7"}
    said = [each["name"] for each in found if each["action"] == "operations.audit.expire"]
    assert [each.split()[0] for each in said] == ["1", "3", "3"]
    clock.advance(7200)
    world.settle(10)
    assert len(ask(world, "admin:alpha", action="operations.audit.expire")) == 4


def test_for_ever_is_for_ever(sqlite_db: Database) -> None:
    world = World(sqlite_db, [operations.service(sqlite_db, dict, {})])
    write(world)
    operations.actions.seed(world.db, [])
    assert isinstance(world.clock, ManualClock)
    world.clock.advance(10_000 * 86_400)
    world.settle(10)
    assert len(ask(world, "admin:alpha")) == 1
    with world.db.read() as tx:
        assert work.entries(tx, "audit") == []


class Near(Client):
    """`croft`'s client to a world, without a socket."""

    def __init__(self, world: World) -> None:
        self.world = world

    def request(self, service_type: str, method: str, path: str, body: object = None, headers: Any = None) -> Any:
        prefix = {"operations": "/operations/v1", "identity": "/identity/v3"}[service_type]
        answer = self.world.call(method, prefix + path, body, token="admin:alpha", headers=headers)
        if answer.status >= 400:
            raise ClientError(answer.json["error"]["message"], answer.status)
        return answer.json

    def lines(self, service_type: str, path: str) -> Iterator[bytes]:
        assert service_type == "operations"
        return streamed(self.world, f"/operations/v1{path}")


@pytest.fixture
def near(sqlite_cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> World:
    client = Near(sqlite_cloud.world)
    monkeypatch.setattr(Client, "from_clouds", lambda path, cloud: client)
    return sqlite_cloud.world


def said(*words: str) -> str:
    done = CliRunner().invoke(cli.audit, words)
    assert done.exit_code == 0, done.output
    return str(done.output)


def test_the_command_tells_people_and_programs(near: World) -> None:
    write(near, target="one", name="a\x1b[31mb", times=3)
    write(near, target="two", outcome="refused", status=403, why="You may not.", who={"application_credential": "c"})
    write(near, target="six", who={"impersonator": "robot"}, user="", user_name="", project="", name="")
    lines = said("--action", "network.port.delete").splitlines()
    assert lines[0].endswith(" done una network.port.delete one (a?[31mb) in alpha from 192.0.2.7 3 times")
    assert " refused 403 una (by credential c) network.port.delete two (eth) in alpha" in lines[1]
    assert lines[1].endswith(": You may not.")
    assert " done somebody (by robot) network.port.delete six from 192.0.2.7" in lines[2]
    assert [json.loads(each)["target"] for each in said("--json", "--refused").splitlines()] == ["two"]
    assert parsed(said("--cadf", "--target", "one").strip()).is_valid()
    assert len(said("--request", "req-1", "--limit", "2").splitlines()) == 2
    assert said("--since", "1h") == said("--until", "2001-01-01") == ""


def test_the_command_finds_projects_and_users_by_name(near: World) -> None:
    demo = near.call("GET", "/identity/v3/projects", query="name=demo", token="admin:alpha").json["projects"][0]["id"]
    write(near, project=demo, target="there")
    assert "there" in said("--project", "demo")
    assert "there" not in said("--project", "alpha")
    assert "there" in said("--user", "u", "--project", demo)
    near.call("POST", "/identity/v3/domains", {"domain": {"name": "d"}}, token="admin:alpha")
    domain = near.call("GET", "/identity/v3/domains", query="name=d", token="admin:alpha").json["domains"][0]["id"]
    twin = {"project": {"name": "demo", "domain_id": domain}}
    assert near.call("POST", "/identity/v3/projects", twin, token="admin:alpha").status == 201
    failed = CliRunner().invoke(cli.audit, ["--project", "demo"])
    assert failed.exit_code == 1
    assert "More than one project" in failed.output
    assert CliRunner().invoke(cli.audit, ["--since", "last week"]).exit_code == 2


def test_following_shows_each_line_once(near: World) -> None:
    client, rounds = Near(near), []

    def pause(_seconds: float) -> None:
        rounds.append(write(near, target=f"new-{len(rounds)}"))
        if len(rounds) == 4:
            raise KeyboardInterrupt

    shown = cli._ask(client, {"limit": "5"})
    with pytest.raises(KeyboardInterrupt):
        found = []
        for line in cli.coming(client, {}, shown, pause):
            found.append(line["target"])
    assert found == ["new-0", "new-1", "new-2"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90m", "2026-11-20T08:30:00Z"),
        ("2d", "2026-11-18T10:00:00Z"),
        ("2026-11-19", "2026-11-19T00:00:00Z"),
        ("2026-11-19T12:00:00+02:00", "2026-11-19T10:00:00Z"),
    ],
)
def test_times_are_written_as_people_do(text: str, moment: str) -> None:
    assert cli.moment(text, datetime(2026, 11, 20, 10, tzinfo=UTC)) == moment
    with pytest.raises(click.BadParameter):
        cli.moment("999999w", datetime(2026, 11, 20, tzinfo=UTC))


def test_why_tells_how_old_the_audit_is(world: World) -> None:
    operations.actions.seed(world.db, [])
    world.settle()
    found = world.loop.reconcilers["operations.audit"]
    assert isinstance(found, operations.RetentionReconciler)
    told = found.explain("audit")
    assert told is not None
    assert (told.want, told.have) == ({"days": 400}, {"oldest": None})
    write(world)
    told = found.explain("audit")
    assert told is not None
    assert told.have == {"oldest": iso(world.clock.now())}
    assert found.explain("somebody-else's-id") is None
