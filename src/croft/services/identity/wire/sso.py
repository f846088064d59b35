"""What a browser gets at the end of a login: a page that hands the token on by itself, as Horizon expects it."""

from __future__ import annotations

import base64
import hashlib
import html
from urllib.parse import urlsplit

_SCRIPT = "document.forms[0].submit()"
_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()


def page(origin: str, token: str) -> bytes:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Logging in</title></head><body>\n'
        f'<form action="{html.escape(origin)}" method="post">\n'
        f'<input type="hidden" name="token" value="{html.escape(token)}">\n'
        '<noscript><button type="submit">Go on to the dashboard</button></noscript>\n'
        f"</form>\n<script>{_SCRIPT}</script>\n</body></html>\n"
    ).encode()


def page_headers(origin: str) -> dict[str, str]:
    """Nobody may frame, keep or pass on the page, and its form goes nowhere else."""
    parts = urlsplit(origin)
    form = f"{parts.scheme}://{parts.netloc}"
    return {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": f"default-src 'none'; script-src 'sha256-{_HASH}'; form-action {form}; "
        "frame-ancestors 'none'; base-uri 'none'",
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
    }
