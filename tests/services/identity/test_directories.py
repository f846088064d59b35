"""People whom a directory keeps: they log in, hold roles, and leave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from croft.core import work
from croft.core.db import Database
from croft.core.errors import Rejected, Unavailable
from croft.core.guard import guard
from croft.drivers.people.fake import FakePeople
from croft.services.identity.actions import seed_directories
from croft.services.identity.model.outside import Source, person_id
from tests.services.identity.house import V3, House, project_scope
from tests.world import Answer


class Lab(House):
    """A house with a directory behind the domain `lab`: ada and bob, both in the group `makers`."""

    def __init__(self, db: Database, **words: Any) -> None:
        self.directory = FakePeople()
        self.directory.put("ada", "wonder", "Ada Lovelace", "ada@example.org")
        self.directory.put("bob", "builder", "Bob")
        self.directory.join("makers", "ada", "bob")
        super().__init__(db, {"lab": Source(guard(self.directory), **words)})
        seed_directories(db, ["lab"])
        self.settle()

    @property
    def domain(self) -> str:
        return self.named("domain", "lab")

    def enter(self, name: str, password: str, scope: Any = None) -> Answer:
        return self.try_login(name, password, scope, domain={"name": "lab"})

    def people(self, query: str = "") -> dict[str, Any]:
        found = self.ask("GET", "/users", query=f"domain_id={self.domain}&{query}").json["users"]
        return {each["name"]: each for each in found}

    def place(self, name: str = "tower") -> str:
        return str(self.made("project", name=name)["id"])

    def group(self, name: str = "makers") -> str:
        return str(self.ask("GET", "/groups", query=f"domain_id={self.domain}&name={name}").json["groups"][0]["id"])


@pytest.fixture
def lab(sqlite_db: Database) -> Lab:
    return Lab(sqlite_db)


@pytest.fixture
def either_lab(db: Database) -> Lab:
    return Lab(db)


def test_people_of_a_directory_log_in_and_are_seen(either_lab: Lab) -> None:
    lab = either_lab
    answer = lab.enter("Ada Lovelace", "wonder")
    assert answer.status == 201, answer.body
    user = answer.json["token"]["user"]
    assert (user["id"], user["name"], user["domain"]["name"]) == ("ada", "Ada Lovelace", "lab")
    assert set(lab.people()) == {"Ada Lovelace", "Bob"}
    assert lab.people()["Ada Lovelace"]["email"] == "ada@example.org"
    members = lab.ask("GET", f"/groups/{lab.group()}/users").json["users"]
    assert {each["id"] for each in members} == {"ada", "bob"}
    assert lab.try_login("ada", "wonder", id="ada", name=None, domain=None).status == 201


@pytest.mark.parametrize("password", ["", "builder", "Wonder", "wonder "])
def test_only_the_directorys_password_opens(lab: Lab, password: str) -> None:
    refused = lab.enter("Ada Lovelace", password)
    unknown = lab.enter("Nobody", "wonder")
    assert refused.status == unknown.status == 401
    assert refused.json == unknown.json


@pytest.mark.parametrize("name", ["*", "Ada*", "Ada Lovelace)(uid=*", "ada", "ADA LOVELACE", "x" * 5000, "\\2a"])
def test_a_name_is_a_name_and_no_pattern(lab: Lab, name: str) -> None:
    assert lab.enter(name, "wonder").status == 401


def test_roles_come_by_grant_and_by_group(either_lab: Lab) -> None:
    lab, own, shared = either_lab, either_lab.place("own"), either_lab.place("shared")
    lab.grant("ada", "manager", own)
    lab.grant(lab.group(), "member", shared, who="groups")
    for place in (own, shared):
        assert lab.enter("Ada Lovelace", "wonder", project_scope(place)).status == 201
    assert lab.enter("Bob", "builder", project_scope(own)).status == 401
    token = lab.enter("Bob", "builder", project_scope(shared)).headers["x-subject-token"]
    lab.directory.join("makers", "ada")
    assert lab.valid(token)
    lab.settle(70)
    assert not lab.valid(token), "out of the group, out of the role"


def test_groups_are_fresh_at_login(lab: Lab) -> None:
    place = lab.place()
    lab.grant(lab.group(), "member", place, who="groups")
    lab.directory.put("eve", "apple", "Eve")
    lab.directory.join("makers", "ada", "eve")
    assert lab.enter("Eve", "apple", project_scope(place)).status == 201, "known since this moment"
    lab.directory.join("makers", "ada")
    assert lab.enter("Eve", "apple", project_scope(place)).status == 401
    assert lab.enter("Eve", "apple").status == 201


def test_a_login_that_brings_nothing_new_changes_nothing(lab: Lab) -> None:
    from tests.cloud import Statements

    lab.enter("Ada Lovelace", "wonder")
    with Statements(lab.db) as statements:
        assert lab.enter("Ada Lovelace", "wonder").status == 201
    assert not [each for each in statements.changes if "identity_user" in each or "outsider" in each]


def test_who_leaves_the_directory_is_out_within_a_minute(either_lab: Lab) -> None:
    lab, place = either_lab, either_lab.place()
    lab.grant("ada", "member", place)
    token = lab.enter("Ada Lovelace", "wonder", project_scope(place)).headers["x-subject-token"]
    credential = {"application_credential": {"name": "robot"}}
    made = lab.ask("POST", "/users/ada/application_credentials", credential, token=token).json["application_credential"]
    lab.directory.lose("ada")
    assert lab.valid(token)
    lab.settle(70)
    assert not lab.valid(token)
    assert lab.enter("Ada Lovelace", "wonder").status == 401
    wish = {"methods": ["application_credential"], "application_credential": {"id": made["id"]}}
    wish["application_credential"]["secret"] = made["secret"]
    assert lab.call("POST", f"{V3}/auth/tokens", {"auth": {"identity": wish}}, token=None).status == 401
    assert lab.people()["Ada Lovelace"]["enabled"] is False


def test_a_failed_login_shows_at_once_that_somebody_left(lab: Lab) -> None:
    token = lab.enter("Ada Lovelace", "wonder").headers["x-subject-token"]
    lab.directory.lose("ada")
    assert lab.enter("Ada Lovelace", "wonder").status == 401
    lab.settle()
    assert not lab.valid(token)


def test_who_comes_back_has_the_same_roles_for_a_month(lab: Lab) -> None:
    place = lab.place()
    lab.grant("bob", "member", place)
    before = lab.directory.find(key="bob")
    lab.directory.lose("bob")
    lab.settle(70)
    assert before is not None
    lab.directory._people["bob"] = (before, "builder")
    lab.settle(70)
    assert lab.enter("Bob", "builder", project_scope(place)).status == 201
    lab.directory.lose("bob")
    lab.settle(70)
    lab.clock.advance(31 * 86_400)  # type: ignore[attr-defined]
    lab.settle(70)
    lab._admin = ""
    assert set(lab.people()) == {"Ada Lovelace"}


@pytest.mark.parametrize("seen_first", ["at a look", "at a login"])
def test_a_reused_id_inherits_nothing(lab: Lab, seen_first: str) -> None:
    place = lab.place()
    lab.grant("ada", "manager", place)
    old = lab.enter("Ada Lovelace", "wonder", project_scope(place)).headers["x-subject-token"]
    lab.directory.put("ada", "new secret", "Ada Lovelace")
    if seen_first == "at a look":
        lab.settle(70)
    assert lab.enter("Ada Lovelace", "new secret", project_scope(place)).status == 401
    assert lab.enter("Ada Lovelace", "new secret").status == 201
    assert not lab.valid(old)


def test_a_new_name_keeps_the_roles(lab: Lab) -> None:
    place = lab.place()
    lab.grant("ada", "member", place)
    lab.directory.rename("ada", "Countess")
    lab.settle(70)
    assert lab.enter("Ada Lovelace", "wonder").status == 401
    assert lab.enter("Countess", "wonder", project_scope(place)).status == 201


def test_nobody_takes_another_ones_name_or_id(either_lab: Lab) -> None:
    """Neither that of a user of another domain, nor that of somebody in the same directory."""
    lab = either_lab
    operator = lab.named("user", "admin")
    lab.directory.put(operator, "gotcha", "Mallory")
    lab.directory.put("eve", "apple", "Ada Lovelace")
    lab.settle(70)
    assert set(lab.people()) == {"Ada Lovelace", "Bob"}
    assert lab.enter("Mallory", "gotcha").status == 401
    assert lab.enter("Ada Lovelace", "apple").status == 401
    assert lab.enter("Ada Lovelace", "wonder").status == 201
    assert lab.try_login("", "gotcha", id=operator, name=None, domain=None).status == 401
    lab.directory.rename("bob", "Ada Lovelace")
    lab.settle(70)
    assert lab.enter("Ada Lovelace", "builder").status == 401
    assert lab.people()["Bob"]["enabled"] is True, "keeps the name it had"


def test_two_directories_do_not_mix(sqlite_db: Database) -> None:
    first, second = FakePeople(), FakePeople()
    first.put("ada", "one", "Ada")
    second.put("ada", "two", "Ada")
    house = House(sqlite_db, {"first": Source(first), "second": Source(second, readable_ids=False)})
    seed_directories(sqlite_db, ["first", "second"])
    house.settle()
    tokens = {
        name: house.try_login("Ada", password, domain={"name": name})
        for name, password in (("first", "one"), ("second", "two"))
    }
    assert tokens["first"].json["token"]["user"]["id"] == "ada"
    assert tokens["second"].json["token"]["user"]["id"] == person_id(house.named("domain", "second"), "ada", False)
    assert house.try_login("Ada", "two", domain={"name": "first"}).status == 401


def test_an_odd_id_becomes_one_that_fits_a_url(lab: Lab) -> None:
    lab.directory.put("o'b/rien x", "secret", "O'Brien")
    assert lab.enter("O'Brien", "secret").json["token"]["user"]["id"] == person_id(lab.domain, "o'b/rien x", True)
    assert lab.enter("O'Brien", "secret").status == 201
    lab.directory.lose("o'b/rien x")
    assert lab.enter("O'Brien", "secret").status == 401


WRITES: dict[str, tuple[str, str, Any]] = {
    "rename": ("PATCH", "/users/ada", {"user": {"name": "Eve"}}),
    "disable": ("PATCH", "/users/ada", {"user": {"enabled": False}}),
    "password": ("PATCH", "/users/ada", {"user": {"password": "mine now"}}),
    "email": ("PATCH", "/users/ada", {"user": {"email": "eve@example.org"}}),
    "delete": ("DELETE", "/users/ada", None),
    "create": ("POST", "/users", {"user": {"name": "new", "domain_id": "DOMAIN"}}),
    "create group": ("POST", "/groups", {"group": {"name": "new", "domain_id": "DOMAIN"}}),
    "rename group": ("PATCH", "/groups/GROUP", {"group": {"name": "new"}}),
    "delete group": ("DELETE", "/groups/GROUP", None),
    "join": ("PUT", "/groups/GROUP/users/ada", None),
    "part": ("DELETE", "/groups/GROUP/users/ada", None),
}


@pytest.mark.parametrize("what", WRITES)
def test_what_the_directory_keeps_is_not_written_here(lab: Lab, what: str) -> None:
    method, path, body = WRITES[what]
    for words in (body or {}).values():
        if words.get("domain_id"):
            words["domain_id"] = lab.domain
    answer = lab.ask(method, path.replace("GROUP", lab.group()), body)
    assert answer.status == 403
    message = answer.json["error"]["message"]
    assert "directory" in message or "elsewhere" in message
    assert lab.enter("Ada Lovelace", "wonder").status == 201


def test_their_own_password_is_not_changed_here(lab: Lab) -> None:
    token = lab.enter("Ada Lovelace", "wonder").headers["x-subject-token"]
    wish = {"user": {"password": "another", "original_password": "wonder"}}
    answer = lab.ask("POST", "/users/ada/password", wish, token=token)
    assert answer.status == 401
    assert lab.enter("Ada Lovelace", "wonder").status == 201


def test_what_croft_itself_knows_of_them_can_be_set(lab: Lab) -> None:
    place = lab.place()
    lab.grant("ada", "member", place)
    assert lab.ask("PATCH", "/users/ada", {"user": {"default_project_id": place}}).status == 200
    assert lab.enter("Ada Lovelace", "wonder").json["token"]["project"]["id"] == place
    ours = lab.made("group", name="ours")["id"]
    assert lab.ask("PUT", f"/groups/{ours}/users/ada").status == 204
    lab.settle(70)
    assert lab.enter("Ada Lovelace", "wonder").status == 201
    assert lab.ask("HEAD", f"/groups/{ours}/users/ada").status == 204, "a group of ours is nobody else's business"


def _fail(error: Exception) -> Callable[[str], None]:
    def raise_it(_verb: str) -> None:
        raise error

    return raise_it


@pytest.mark.parametrize(
    "error", [Unavailable("no answer"), Rejected("bind refused, secret-words")], ids=["away", "no"]
)
def test_while_the_directory_is_away_only_its_people_wait(lab: Lab, error: Exception) -> None:
    token = lab.enter("Ada Lovelace", "wonder").headers["x-subject-token"]
    lab.directory.before = _fail(error)
    for _ in range(12):
        answer = lab.enter("Ada Lovelace", "wonder")
        assert answer.status == 503
        assert "directory of domain lab does not answer" in answer.json["error"]["message"]
        assert b"secret-words" not in answer.body
    assert lab.enter("Somebody", "wonder").status == 503
    lab.settle(200)
    assert lab.valid(token), "nobody is thrown out because a directory restarts"
    assert lab.try_login("croft", "the tenant's").status == 201
    lab.directory.before = lambda verb: None
    assert lab.enter("Ada Lovelace", "wonder").status == 201, "nor locked out"


def test_while_a_directory_is_silent_one_login_waits_for_it(lab: Lab) -> None:
    """The second is told at once: there are few threads for logins."""
    asked: list[str] = []

    def silent(verb: str) -> None:
        asked.append(verb)
        if len(asked) == 2:
            assert lab.enter("Bob", "builder").status == 503
            assert len(asked) == 2
        raise Unavailable("no answer")

    lab.directory.before = silent
    assert lab.enter("Ada Lovelace", "wonder").status == 503
    assert lab.enter("Ada Lovelace", "wonder").status == 503
    assert len(asked) == 2


def test_wrong_passwords_close_the_login_and_spare_the_directory(lab: Lab) -> None:
    for _ in range(10):
        assert lab.enter("Ada Lovelace", "wrong").status == 401
    asked: list[str] = []
    lab.directory.before = asked.append
    assert lab.enter("Ada Lovelace", "wonder").status == 401
    assert asked == []
    lab.clock.advance(61)  # type: ignore[attr-defined]
    assert lab.enter("Ada Lovelace", "wonder").status == 201


def test_a_directory_that_suddenly_lists_nobody_is_not_believed(lab: Lab) -> None:
    token, domain = lab.enter("Ada Lovelace", "wonder").headers["x-subject-token"], lab.domain
    for key in ("ada", "bob"):
        lab.directory.lose(key)
    lab.settle(70)
    with lab.db.read() as tx:
        note = work.note(tx, "identity.person_source", domain)
    assert note.code == "rejected"
    assert "lists nobody any more" in note.message
    assert lab.valid(token)


def test_a_directory_that_lists_too_many_is_refused_whole(lab: Lab) -> None:
    lab.directory.most = 5
    for number in range(10):
        lab.directory.put(f"p{number}", "x")
    lab.settle(70)
    assert set(lab.people()) == {"Ada Lovelace", "Bob"}


def test_a_domain_whose_directory_is_no_longer_named_is_closed(sqlite_db: Database) -> None:
    lab = Lab(sqlite_db)
    token = lab.enter("Ada Lovelace", "wonder").headers["x-subject-token"]
    later = House(sqlite_db)
    later.settle(70)
    assert not later.valid(token)
    assert later.try_login("Ada Lovelace", "wonder", domain={"name": "lab"}).status == 401
    again = House(sqlite_db, {"lab": Source(lab.directory)})
    seed_directories(sqlite_db, ["lab"])
    again.settle()
    assert again.try_login("Ada Lovelace", "wonder", domain={"name": "lab"}).status == 201


def test_groups_come_and_go_and_change_their_names(lab: Lab) -> None:
    lab.directory.join("readers", "bob")
    lab.made("group", name="ours", domain_id="default")
    lab.settle(70)
    names = {each["name"] for each in lab.ask("GET", "/groups", query=f"domain_id={lab.domain}").json["groups"]}
    assert names == {"makers", "readers"}
    group = lab.directory._groups.pop("readers")
    lab.directory._groups["scribes"] = type(group)(group.subject, "scribes", ("ada",))
    lab.directory._groups["twin"] = type(group)("another", "makers", ("ada",))
    lab.settle(70)
    mine = {each["name"] for each in lab.ask("GET", "/users/ada/groups").json["groups"]}
    assert mine == {"makers", "scribes"}
    del lab.directory._groups["scribes"]
    lab.settle(70)
    assert {each["name"] for each in lab.ask("GET", "/users/bob/groups").json["groups"]} == {"makers"}


def test_why_says_how_many_there_are(lab: Lab) -> None:
    domain = lab.domain
    found = lab.loop.reconcilers["identity.person_source"].explain(domain)  # type: ignore[attr-defined]
    assert (found.want, found.have) == ({"people": 2, "groups": 1}, {"people": 2, "groups": 1})
    assert lab.loop.reconcilers["identity.person_source"].explain("default") is None  # type: ignore[attr-defined]


def test_a_person_who_left_can_be_deleted(lab: Lab) -> None:
    lab.directory.lose("ada")
    lab.settle(70)
    assert lab.ask("DELETE", "/users/ada").status == 204


def test_the_password_file_is_read_by_the_program(tmp_path: Path) -> None:
    from croft.app import directories
    from croft.core.config import Config, ConfigError

    pytest.importorskip("ldap")
    table = {"url": "ldaps://ldap.example.org", "base": "dc=example", "bind_password_file": str(tmp_path / "secret")}
    with pytest.raises(ConfigError, match="no file"):
        directories(Config(tmp_path, people={"lab": table}))
    (tmp_path / "secret").write_text("hush\n")
    _, wishes = directories(Config(tmp_path, people={"lab": table}))["lab"]
    assert wishes.refresh_seconds == 60
    with pytest.raises(ConfigError, match=r"\[people.lab\]: unknown setting nonsense"):
        directories(Config(tmp_path, people={"lab": table | {"nonsense": 1}}))
    with pytest.raises(ConfigError, match=r"the setting base is missing"):
        directories(Config(tmp_path, people={"lab": {"url": "ldap://x"}}))
    assert directories(Config(tmp_path)) == {}
