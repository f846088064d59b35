"""`croft image`: builds guest images from Debian packages and registers them, public, through the Images API."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from croft.cli.client import Client, ClientError
from croft.cli.up import ConsoleProgress, explained, state_option
from croft.machine import guests, packages
from croft.machine.guests import BuiltImage
from croft.machine.layout import Layout
from croft.machine.progress import Progress, StepFailed

PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
CHUNK = 1024 * 1024


@click.group()
def image() -> None:
    """Guest images, made here from Debian packages."""


@image.command()
@click.argument("name", type=click.Choice(guests.NAMES))
@state_option
def build(name: str, state: Path) -> None:
    """Build an image and register it with the running cloud.

    tiny: a minimal guest with ssh and a web page, up in seconds. debian-12: Debian with cloud-init.
    While recipe and packages stay the same, nothing is rebuilt or registered anew. What is built is kept in the state
    directory, or in the directory CROFT_GUEST_IMAGES names, for several clouds to share.
    """
    progress = ConsoleProgress()
    with explained(progress):
        try:
            id = ensure_registered(name, Layout(state), progress)
        except ClientError as error:
            raise StepFailed(
                f"the image {name} could not be registered: {error}",
                advice="See `croft status`; with the cloud up, run this again: what is built is kept.",
            ) from error
    click.echo(f"{name} is image {id}")


def ensure_registered(name: str, layout: Layout, progress: Progress) -> str:
    """The id of the public image of this name with exactly these bytes; built and uploaded if it was not there."""
    packages.require_root()
    packages.install(guests.PACKAGES, progress)
    client = Client.from_clouds(layout.clouds_yaml, cloud="croft-admin")
    workdir = Path(os.environ.get("CROFT_GUEST_IMAGES") or layout.state / "guest-images")
    return register(client, guests.build(name, workdir, progress), progress)


def register(client: Client, built: BuiltImage, progress: Progress) -> str:
    digest = _sha512(built.path)
    public = client.request("image", "GET", f"/v2/images?name={quote(built.name)}&visibility=public")["images"]
    same = [each["id"] for each in public if each["status"] == "active" and each.get("os_hash_value") == digest]
    if same:
        chosen = str(same[0])
    else:
        with progress.step(f"{built.name}: registered with the cloud"):
            chosen = _create(client, built)
    for older in public:
        if older["id"] != chosen:
            _hide(client, older)
    return chosen


def _create(client: Client, built: BuiltImage) -> str:
    wish = {
        "name": built.name,
        "visibility": "public",
        "disk_format": built.disk_format,
        "container_format": "bare",
        "min_disk": built.min_disk_gib,
        "min_ram": built.min_ram_mib,
        **built.properties,
    }
    id = str(client.request("image", "POST", "/v2/images", wish)["id"])
    try:
        client.upload("image", f"/v2/images/{id}/file", built.path)
    except BaseException:
        with suppress(ClientError):
            client.request("image", "DELETE", f"/v2/images/{id}")
        raise
    return id


def _hide(client: Client, older: dict[str, Any]) -> None:
    """An image that was built earlier leaves the lists; servers made from it keep it."""
    if "croft_image_version" in older and older["status"] == "active":
        change = [{"op": "replace", "path": "/os_hidden", "value": True}]
        client.request("image", "PATCH", f"/v2/images/{older['id']}", change, PATCH)


def _sha512(path: Path) -> str:
    digest = hashlib.sha512()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
