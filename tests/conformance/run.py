"""Runs other people's suites against a cloud it starts, and prints the score: `make conformance S=refstack-compute`.

A suite is Tempest's of that name; where openstackclient and openstacksdk carry tests of the same API, these run too.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from tests.conformance import clients, tempest
from tests.conformance.cloud import fake_cloud, real_cloud

PARTS = ("tempest", "clients")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite")
    parser.add_argument("--engines", choices=["fake", "real"], default="fake")
    parser.add_argument("--hosts", type=int, default=2)
    parser.add_argument("--only", choices=PARTS, help="a part of the suite")
    chosen, rest = parser.parse_known_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the cloud and its folder go with us
    parts = [chosen.only] if chosen.only else PARTS
    home = tempest.install() if "tempest" in parts else tempest.CACHE
    home.mkdir(parents=True, exist_ok=True)
    scores: list[str] = []
    with tempfile.TemporaryDirectory(prefix="croft-conf-") as place:
        folder = Path(place) / "state"
        folder.mkdir(mode=0o700)
        make = fake_cloud(folder, home) if chosen.engines == "fake" else real_cloud(folder, home, chosen.hosts)
        with make as clouds:
            if "clients" in parts and chosen.suite in clients.SUITES:
                scores += clients.run(chosen.suite, clouds, Path(place))
            if "tempest" in parts:
                scores.append(tempest.run(chosen.suite, clouds, rest))
    print("\n".join(scores))
    return 0


if __name__ == "__main__":
    sys.exit(main())
