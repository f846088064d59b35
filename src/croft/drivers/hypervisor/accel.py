"""Which accelerator this machine can use. /dev/kvm may exist and not work, so a guest is really started."""

from __future__ import annotations

import os
import selectors
import struct
import subprocess
import tempfile
import time
from pathlib import Path

KVM, EMULATED = "kvm", "qemu"
_EMULATOR = "qemu-system-x86_64"
_SECONDS = 10.0
_SAID_BY_LINUX = b"Linux version"
_SAID_BY_SECTOR = b"guest-runs"
_SERIAL = 0x3F8


def choose(
    kernel: Path | None = None,
    device: Path = Path("/dev/kvm"),
    emulator: str = _EMULATOR,
    seconds: float = _SECONDS,
) -> str:
    """`kvm` if a guest came to life with it in time, else `qemu`. `kernel` is a bootable Linux; without one a boot
    sector of our own is run. Slow: ask once and keep the answer."""
    if not os.access(device, os.R_OK | os.W_OK):
        return EMULATED
    return KVM if comes_to_life(KVM, kernel, emulator, seconds) else EMULATED


def comes_to_life(
    accelerator: str, kernel: Path | None = None, emulator: str = _EMULATOR, seconds: float = _SECONDS
) -> bool:
    """Whether a guest run by this QEMU accelerator says its word on the serial line."""
    command = [emulator, "-accel", accelerator, "-machine", "pc", "-cpu", "host" if accelerator == KVM else "max"]
    command += ["-m", "256", "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio"]
    with tempfile.TemporaryDirectory() as folder:
        if kernel is not None:
            command += ["-kernel", str(kernel), "-append", "earlyprintk=serial,ttyS0,115200 console=ttyS0 panic=-1"]
        else:
            disk = Path(folder, "sector")
            disk.write_bytes(boot_sector(_SAID_BY_SECTOR))
            command += ["-drive", f"file={disk},format=raw,if=ide"]
        return _says(command, _SAID_BY_LINUX if kernel else _SAID_BY_SECTOR, seconds)


def boot_sector(word: bytes) -> bytes:
    """x86 code that writes a word to the first serial port and halts."""
    code = b"\xba" + struct.pack("<H", _SERIAL)  # mov dx, port
    for letter in word:
        code += b"\xb0" + bytes([letter]) + b"\xee"  # mov al, letter; out dx, al
    code += b"\xf4\xeb\xfd"  # hlt, for ever
    return code.ljust(510, b"\0") + b"\x55\xaa"


def _says(command: list[str], word: bytes, seconds: float) -> bool:
    end = time.monotonic() + seconds
    said = b""
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return False
    with process, selectors.DefaultSelector() as ready:
        assert process.stdout is not None
        ready.register(process.stdout, selectors.EVENT_READ)
        try:
            while word not in said and ready.select(max(0.0, end - time.monotonic())):
                heard = os.read(process.stdout.fileno(), 65536)
                if not heard:
                    break
                said += heard
        finally:
            process.kill()
    return word in said
