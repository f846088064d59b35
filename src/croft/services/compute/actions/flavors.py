"""Flavors: made by operators, chosen by people."""

from __future__ import annotations

from croft.core.ctx import Ctx, ReadTx
from croft.core.db import Database
from croft.core.errors import Conflict, Invalid, NotFound
from croft.core.ids import new_id
from croft.core.page import Page
from croft.services.compute import store
from croft.services.compute.model import Flavor, check_description, check_items, check_name

SEED = (
    Flavor("1", "m1.tiny", 1, 128, 1),
    Flavor("2", "m1.small", 1, 1024, 5),
    Flavor("3", "m1.medium", 2, 4096, 20),
    Flavor("4", "m1.large", 4, 8192, 40),
    Flavor("5", "m1.xlarge", 8, 16384, 80),
)


def seed(db: Database) -> None:
    """A first set of flavors, once: operators may delete them for good."""
    with db.write() as tx:
        if store.flavors.any_exists(tx):
            return
        for flavor in SEED:
            store.flavors.insert(tx, flavor)


def flavor_of(tx: ReadTx, id: str) -> Flavor:
    found = store.flavors.find(tx, tx.scope, id)
    if found is None:
        raise NotFound(f"Flavor {id[:64]} could not be found.")
    return found


def list_flavors(
    ctx: Ctx, page: Page, public: bool | None, least: tuple[int, int], sort: tuple[str, bool]
) -> list[Flavor]:
    """`public` None (both kinds) is for operators; others see public ones and those opened to their project."""
    if sort[0] not in store.flavors.SORT_KEYS:
        raise Invalid(f"Flavors cannot be sorted by {sort[0][:40]!r}.")
    with ctx.read("compute.flavor.list") as tx:
        mine = None if tx.scope.project is not None and public is not False else public
        return store.flavors.page(tx, tx.scope, page, mine, least, sort)


def show_flavor(ctx: Ctx, id: str, action: str = "compute.flavor.show") -> Flavor:
    with ctx.read(action) as tx:
        return flavor_of(tx, id)


def create_flavor(ctx: Ctx, wish: Flavor) -> Flavor:
    """An empty id is chosen here; name and id must be new."""
    with ctx.write("compute.flavor.create") as tx:
        check_name(wish.name)
        check_description(wish.description or "")
        made = Flavor(
            id=wish.id or new_id(),
            name=wish.name,
            vcpus=wish.vcpus,
            memory_mib=wish.memory_mib,
            disk_gib=wish.disk_gib,
            ephemeral_gib=wish.ephemeral_gib,
            swap_mib=wish.swap_mib,
            rxtx_factor=wish.rxtx_factor,
            is_public=wish.is_public,
            created=tx.now,
            description=wish.description,
        )
        for id, name in store.flavors.taken(tx, made.id, made.name):
            what = f"name {name}" if name == made.name else f"ID {id}"
            raise Conflict(f"Flavor with {what} already exists.")
        store.flavors.insert(tx, made)
        tx.audit(made.id, made.name)
        return made


def describe_flavor(ctx: Ctx, id: str, description: str | None) -> Flavor:
    """The one thing of a flavor that may change."""
    with ctx.write("compute.flavor.update") as tx:
        check_description(description or "")
        found = flavor_of(tx, id)
        store.flavors.set_description(tx, id, description)
        tx.audit(id, found.name)
        return flavor_of(tx, id)


def delete_flavor(ctx: Ctx, id: str) -> None:
    """Servers keep their own copy of what they were made from."""
    with ctx.write("compute.flavor.delete") as tx:
        found = flavor_of(tx, id)
        store.flavors.drop(tx, id)
        tx.audit(id, found.name)


def show_spec(ctx: Ctx, id: str, key: str) -> str:
    specs = show_flavor(ctx, id, "compute.flavor.show_specs").extra_specs
    if key not in specs:
        raise NotFound(f"Flavor {id[:64]} has no extra specs with key {key[:64]}.")
    return specs[key]


def set_specs(ctx: Ctx, id: str, specs: dict[str, str]) -> None:
    with ctx.write("compute.flavor.change_specs") as tx:
        found = flavor_of(tx, id)
        store.flavors.set_extra_specs(tx, id, found.extra_specs | check_items(specs))
        tx.audit(id, found.name)


def delete_spec(ctx: Ctx, id: str, key: str) -> None:
    with ctx.write("compute.flavor.change_specs") as tx:
        found = flavor_of(tx, id)
        if key not in found.extra_specs:
            raise NotFound(f"Flavor {id[:64]} has no extra specs with key {key[:64]}.")
        store.flavors.set_extra_specs(tx, id, {name: value for name, value in found.extra_specs.items() if name != key})
        tx.audit(id, found.name)


def list_access(ctx: Ctx, id: str) -> list[str]:
    with ctx.read("compute.flavor.list_access") as tx:
        if flavor_of(tx, id).is_public:
            raise NotFound("Access list not available for public flavors.")
        return store.flavors.projects(tx, id)


def add_access(ctx: Ctx, id: str, project: str) -> list[str]:
    with ctx.write("compute.flavor.change_access") as tx:
        found = flavor_of(tx, id)
        if found.is_public:
            raise Conflict("Can not add access to a public flavor.")
        if project in store.flavors.projects(tx, id):
            raise Conflict(f"Flavor access already exists for flavor {id} and project {project} combination.")
        store.flavors.open_to(tx, id, project)
        tx.audit(id, found.name)
        return store.flavors.projects(tx, id)


def remove_access(ctx: Ctx, id: str, project: str) -> list[str]:
    with ctx.write("compute.flavor.change_access") as tx:
        found = flavor_of(tx, id)
        if not store.flavors.close_to(tx, id, project):
            raise NotFound(f"Flavor access not found for {id} / {project[:64]} combination.")
        tx.audit(id, found.name)
        return store.flavors.projects(tx, id)
