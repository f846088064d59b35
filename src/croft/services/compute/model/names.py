"""What people may call things, and the DNS-safe hostname a server's name gives."""

from __future__ import annotations

import re
import unicodedata

from croft.core.errors import Invalid

_UNSAFE = re.compile(r"[^a-z0-9-]+")
_ITEM = re.compile(r"[a-zA-Z0-9-_:. ]{1,255}")
_TAG = re.compile(r"[^,/]{1,60}")
MAX_TAGS = 50


def hostname(name: str, server: str) -> str:
    """A DNS label from a name in any script; `server-<id>` when nothing usable is left of it."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    label = _UNSAFE.sub("", re.sub(r"[\s_.]+", "-", plain.strip()))
    label = re.sub(r"-{2,}", "-", label)[:63].strip("-")
    return label or f"server-{server}"


def check_name(name: str, what: str = "name") -> str:
    """Nova's rule: printable, and no white space at either end."""
    blank = name != name.strip() or not name.strip()
    if blank or any(unicodedata.category(letter) in {"Cc", "Cs", "Cn", "Co"} for letter in name):
        raise Invalid(
            f"Invalid input for field/attribute {what}. An invalid '{what}' value was provided. The {what} must be: "
            "printable characters. Can not start or end with whitespace."
        )
    return name


def check_description(text: str) -> str:
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Cn", "Co"} for letter in text):
        raise Invalid("Invalid input for field/attribute description. It must hold printable characters only.")
    return text


def check_items(items: dict[str, str]) -> dict[str, str]:
    """Metadata: key characters and lengths as Nova has them."""
    for key, value in items.items():
        if _ITEM.fullmatch(key) is None or len(value) > 255:
            raise Invalid(
                f"Invalid input for field/attribute metadata. Value: {key[:40]!r}. Keys have 1 to 255 characters from "
                "letters, digits and -_:. and space; values at most 255."
            )
    return items


def check_tags(tags: list[str]) -> list[str]:
    """The tags without repetitions, in order."""
    found = list(dict.fromkeys(tags))
    if len(found) > MAX_TAGS:
        raise Invalid(f"The number of tags exceeded the per-server limit {MAX_TAGS}.")
    for tag in found:
        check_tag(tag)
    return found


def check_tag(tag: str) -> str:
    if _TAG.fullmatch(tag) is None:
        raise Invalid(
            f"Invalid input for field/attribute tag. Value: {tag[:80]!r}. 1 to 60 characters, no comma, no /."
        )
    return tag
