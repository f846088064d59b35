"""Enough of a web browser to log in at Canaille: cookies, redirects one by one, and forms."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urljoin

import requests

_INPUT = re.compile(r"<input\b[^>]*>")
_ATTRIBUTE = re.compile(r'(\w[\w-]*)="([^"]*)"')
_FORM = re.compile(r"<form\b[^>]*>")


class Browser:
    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, url: str) -> requests.Response:
        return self.session.get(url, allow_redirects=False, timeout=30)

    def log_in(self, url: str, name: str, password: str, *, stop: str) -> str:
        """Follows `url` through the provider's pages to the first address that begins with `stop`."""
        answer = self.get(url)
        for _ in range(12):
            if answer.is_redirect:
                there = urljoin(answer.url, answer.headers["location"])
                if there.startswith(stop):
                    return there
                answer = self.get(there)
                continue
            assert answer.status_code == 200, f"{answer.url}: {answer.status_code} {answer.text[:500]}"
            answer = self.submit(answer, login=name, password=password)
        raise AssertionError(f"the login at {url} does not come to an end")

    def submit(self, page: requests.Response, **values: str) -> requests.Response:
        fields = {found["name"]: found.get("value", "") for found in inputs(page.text) if "name" in found}
        filled = {name: values.get(name, value) for name, value in fields.items()}
        forms = [dict(_ATTRIBUTE.findall(each)) for each in _FORM.findall(page.text)]
        action = html.unescape(forms[-1].get("action", "")) if forms else ""
        there = urljoin(page.url, action)
        return self.session.post(there, data=filled, allow_redirects=False, timeout=30)


def inputs(page: str) -> list[dict[str, Any]]:
    found = [dict(_ATTRIBUTE.findall(each)) for each in _INPUT.findall(page)]
    return [{name: html.unescape(value) for name, value in each.items()} for each in found]
