"""OVN's two databases in one server, with nothing that acts on them; needs no root."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

SCHEMAS = Path("/usr/share/ovn")


class OvsdbServer:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.remote = f"unix:{folder / 'db.sock'}"
        self.process: subprocess.Popen[bytes] | None = None
        for name in ("nb", "sb"):
            schema = SCHEMAS / f"ovn-{name}.ovsschema"
            subprocess.run(["ovsdb-tool", "create", folder / f"{name}.db", schema], check=True)
        self.start()

    def start(self) -> None:
        options = [f"--remote=p{self.remote}", f"--unixctl={self.folder}/ctl", "--no-chdir", "-vconsole:off"]
        files = [self.folder / "nb.db", self.folder / "sb.db"]
        self.process = subprocess.Popen(["ovsdb-server", *options, *files])
        deadline = time.monotonic() + 10
        while not (self.folder / "db.sock").exists():
            assert time.monotonic() < deadline, "ovsdb-server does not come up"
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(10)
            self.process = None
            (self.folder / "db.sock").unlink(missing_ok=True)
