"""Names that only look different, and names that hide something."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from croft.services.identity.model.likeness import hidden, likeness
from croft.services.identity.store import likes
from tests.services.identity.house import House

KINDS = ["project", "user", "group", "domain"]
ALIKE = {
    "case": "ACCOUNTS",
    "width": "\uff41\uff43\uff43\uff4f\uff55\uff4e\uff54\uff53",
    "a blank before": " accounts",
    "blanks after": "accounts  ",
    "a blank that is wide": "accounts\u3000",
    "letters in circles": "ⓐⓒⓒⓞⓤⓝⓣⓢ",
}
HIDDEN = {
    "zero width": "acc\u200bounts",
    "soft hyphen": "acc\u00adounts",
    "right to left": "\u202estnuocca",
    "tab": "acc\tounts",
    "null": "acc\u0000ounts",
    "new line": "accounts\n",
    "joiner": "acc\u034founts",
    "filler": "accounts\u3164",
    "private": "accounts\ue000",
    "selector": "accounts\ufe0f",
    "tag": "accounts\U000e0061",
    "line separator": "acc\u2028ounts",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", ALIKE)
def test_what_reads_the_same_is_the_same(house: House, kind: str, other: str) -> None:
    house.made(kind, name="accounts")
    answer = house.ask("POST", f"/{kind}s", {kind: {"name": ALIKE[other]}})
    assert answer.status == 409
    assert "accounts" in answer.json["error"]["message"]
    renamed = house.made(kind, name="elsewhere")["id"]
    assert house.ask("PATCH", f"/{kind}s/{renamed}", {kind: {"name": ALIKE[other]}}).status == 409


def test_it_may_itself_be_written_another_way(house: House) -> None:
    for kind in KINDS:
        id = house.made(kind, name="straße")["id"]
        assert house.ask("PATCH", f"/{kind}s/{id}", {kind: {"name": "STRASSE"}}).json[kind]["name"] == "STRASSE"
        assert house.ask("POST", f"/{kind}s", {kind: {"name": "Straße"}}).status == 409
        assert house.ask("PATCH", f"/{kind}s/{id}", {kind: {"name": "avenue"}}).status == 200
        assert house.ask("POST", f"/{kind}s", {kind: {"name": "Straße"}}).status == 201, "the old name is free"


def test_in_another_domain_and_of_another_kind_it_is_free(house: House) -> None:
    domain = house.made("domain", name="away")["id"]
    for kind in ("project", "user", "group"):
        house.made(kind, name="accounts")
        house.made(kind, name="Accounts", domain_id=domain)
    house.ask("DELETE", f"/projects/{house.named('project', 'accounts')}")
    house.made("project", name="ACCOUNTS")


def test_letters_of_other_scripts_are_names_of_their_own(house: House) -> None:
    """Only what folds together is one name; likeness to the eye alone is not judged."""
    for name in ("accounts", "\u0430ccounts", "áccounts", "счета", "アカウント", "accounts-1", "acc ounts"):
        house.made("project", name=name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sign", HIDDEN)
def test_what_nobody_sees_is_in_no_name(house: House, kind: str, sign: str) -> None:
    answer = house.ask("POST", f"/{kind}s", {kind: {"name": HIDDEN[sign]}})
    assert answer.status == 400
    id = house.made(kind, name="plain")["id"]
    assert house.ask("PATCH", f"/{kind}s/{id}", {kind: {"name": HIDDEN[sign]}}).status == 400


def test_two_alike_at_once_are_one(either: House) -> None:
    assert either.admin
    names = ["Tower", "tower", "TOWER", "\uff54ower", "tower ", " tower"]
    for kind in ("project", "user", "group"):
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(either.ask, "POST", f"/{kind}s", {kind: {"name": name}}) for name in names]
            assert sorted(each.result().status for each in asked) == [201] + [409] * 5


def test_rows_older_than_the_rule_stay_and_are_found(either: House) -> None:
    """As after an upgrade: two that are alike, from before."""
    either.made("project", name="tower")
    other = either.made("project", name="other")["id"]
    with either.db.write() as tx:
        tx.run(
            sa.text("UPDATE identity_project SET name = 'Tower', likeness = :likeness WHERE id = :id"),
            {"id": other, "likeness": likeness("tower")},
        )
    assert either.ask("PATCH", f"/projects/{other}", {"project": {"description": "x"}}).status == 200
    with either.db.read() as tx:
        assert {each.name for each in likes.find(tx, "project", "default", "TOWER")} == {"tower", "Tower"}


@pytest.mark.parametrize(
    "name", ["\U0001f3f3\ufe0f\u200d\U0001f308", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "e\u0301cole"]
)
def test_signs_that_shape_what_they_follow_are_seen(house: House, name: str) -> None:
    house.made("project", name=name)
    bare = name.replace("\u200c", "").replace("\u200d", "").replace("\ufe0f", "").replace("e\u0301", "\u00e9")
    assert house.ask("POST", "/projects", {"project": {"name": bare}}).status == 409


def test_a_very_long_name_has_a_likeness_that_fits() -> None:
    assert len(likeness("\ufdfa" * 255)) == 64
    assert (hidden("plain"), hidden("a\u200bb"), hidden("\ufe0f")) == ("", "U+200B", "U+FE0F")
