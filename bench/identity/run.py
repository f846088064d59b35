"""What identity costs: CPU per call, what logins do to others, and whether lists stay flat when the cloud is full.

CPU is user + system time of the server's process, all threads, divided by the calls; the client's own is not in it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import yaml
from bench.api.run import Client, Row, Server, per_call

V3 = "/identity/v3"
MEMBERS = ("reader", "member", "manager")


class People:
    """Users without passwords, and the ids of the roles they get."""

    def __init__(self, admin: Client, count: int) -> None:
        self.users = [
            str(admin.call("POST", f"{V3}/users", {"user": {"name": f"user-{number}"}})["user"]["id"])
            for number in range(count)
        ]
        self.roles = {each["name"]: str(each["id"]) for each in admin.call("GET", f"{V3}/roles")["roles"]}

    def grant(self, admin: Client, project: str, number: int) -> None:
        for step, role in enumerate(MEMBERS):
            user = self.users[(number * len(MEMBERS) + step) % len(self.users)]
            admin.call("PUT", f"{V3}/projects/{project}/users/{user}/roles/{self.roles[role]}")


def fill(server: Server, admin: Client, count: int) -> list[Row]:
    """Projects with three members each, one after the other over one connection."""
    people = People(admin, 1000)
    halves: list[float] = []
    began = time.monotonic()
    for half in range(2):
        cpu = server.cpu()
        for number in range(half * count // 2, (half + 1) * count // 2):
            made = admin.call("POST", f"{V3}/projects", {"project": {"name": f"project-{number}"}})
            people.grant(admin, made["project"]["id"], number)
        halves.append((server.cpu() - cpu) / (count // 2) * 1000)
    wall = time.monotonic() - began
    said = f"{halves[0]:.2f} in the first half, {halves[1]:.2f} in the second (wall {wall:.0f} s)"
    return [Row(f"{count:,} projects x 3 members, per project", "", "flat", said)]


def pages(server: Server, admin: Client, limit: int = 100) -> list[Row]:
    """Walks the whole list by its `next` links, several times, and compares the ends."""
    marks, rows = [""], 0
    while True:
        got = admin.call("GET", f"{V3}/projects?limit={limit}{marks[-1]}")
        rows += len(got["projects"])
        if got["links"]["next"] is None:
            break
        marks.append(f"&marker={got['projects'][-1]['id']}")
    ends = {
        name: per_call(server, 200, lambda n, at=at: admin.call("GET", f"{V3}/projects?limit={limit}{marks[at]}"))
        for name, at in (("first", 0), ("middle", len(marks) // 2), ("last whole one", -2))
    }
    said = ", ".join(f"{name} {ms:.2f}" for name, ms in ends.items())
    return [Row(f"a page of {limit} of {rows:,} projects", "", "flat", said)]


def p95_ms(client: Client, subject: dict[str, str], seconds: float) -> tuple[float, int]:
    """The wall time below which 95 % of validations stay, asked one every 5 ms."""
    took: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        client.call("GET", f"{V3}/auth/tokens", None, subject)
        took.append((time.monotonic() - began) * 1000)
        time.sleep(0.005)
    return statistics.quantiles(took, n=20)[-1], len(took)


def crowd(server: Server, cloud: dict[str, Any], asking: Client, subject: dict[str, str], count: int) -> list[Row]:
    """So many people log in at once, again and again, while somebody validates tokens. Idle and busy turn and turn
    about, since the machine's other work is not ours to stop."""
    idle, busy, logins = [], [], [0] * count
    for _ in range(3):
        idle.append(p95_ms(asking, subject, 3)[0])
        over = threading.Event()

        def enter(number: int, over: threading.Event = over) -> None:
            mine = Client(server, cloud)
            while not over.is_set():
                mine.login()
                logins[number] += 1

        threads = [threading.Thread(target=enter, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        busy.append(p95_ms(asking, subject, 5)[0])
        over.set()
        for thread in threads:
            thread.join()
    before, during = statistics.median(idle), statistics.median(busy)
    said = f"{during / before:.1f} x ({before:.2f} ms idle, {during:.2f} ms with {sum(logins)} logins going on)"
    return [Row(f"p95 of validation beside {count} parallel logins", "", "3 x", said)]


def measure(server: Server, folder: Path, count: int) -> list[Row]:
    clouds = yaml.safe_load((folder / "clouds.yaml").read_text())["clouds"]
    admin, member = Client(server, clouds["croft-admin"]), Client(server, clouds["croft"])
    admin.token, member.token = admin.login(), member.login()
    rows, subject = [], {"X-Subject-Token": member.token}
    own = per_call(server, 3000, lambda _: member.call("GET", f"{V3}/auth/tokens", None, subject))
    rows.append(Row("token validate", "3.8", "0.2", f"{own:.3f}"))
    empty = per_call(server, 3000, lambda _: member.call("GET", "/healthz"))
    rows.append(Row("the server's least answer (`/healthz`)", "", "", f"{empty:.3f}"))
    rows += crowd(server, clouds["croft"], member, subject, 16)
    rows += fill(server, admin, count)
    listed = admin.call("GET", f"{V3}/projects?limit=1000")["projects"]
    ms = per_call(server, 40, lambda _: admin.call("GET", f"{V3}/projects?limit=1000"))
    rows.append(Row(f"list of {len(listed):,} projects", "", "10", f"{ms:.2f}"))
    rows += pages(server, admin)
    people = People(admin, 0)
    user = admin.call("POST", f"{V3}/users", {"user": {"name": "late"}})["user"]["id"]
    role = people.roles["member"]
    grants = [f"{V3}/projects/{each['id']}/users/{user}/roles/{role}" for each in listed]
    given = per_call(server, len(grants) - 10, lambda n: admin.call("PUT", grants[n]))
    taken = per_call(server, len(grants) - 10, lambda n: admin.call("DELETE", grants[n]), 0)
    rows.append(Row("grant", "", "1", f"{given:.2f} (taking it back {taken:.2f})"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projects", type=int, default=3500)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="croft-bench-") as home:
        folder = Path(home) / "state"
        folder.mkdir()
        server = Server(folder, tls=False, port=18453)
        try:
            rows = measure(server, folder, chosen.projects)
        finally:
            server.stop()
    print("| call | OpenStack 2026.1 | target | measured |\n|---|--:|--:|--:|")
    for row in rows:
        print(f"| {row.call} | {row.openstack} | {row.target} | {row.measured} |")


if __name__ == "__main__":
    main()
