"""Shapes that many threads meet for the first time at once."""

from __future__ import annotations

import subprocess
import sys

from croft.core.shapes import decoder

AT_ONCE = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
import msgspec
from croft.core.shapes import decoder

sys.setswitchinterval(1e-6)
make = type(msgspec.Struct)
for number in range(100):
    words = {"__annotations__": {f"a{each}": "int" for each in range(50)}, "__module__": __name__}
    globals()["Inner"] = make("Inner", (msgspec.Struct,), words)
    words = {"__annotations__": {"x": "Inner | None", "y": "list[Inner]"}, "__module__": __name__}
    shape, start = make("Outer", (msgspec.Struct,), words), threading.Barrier(6)

    def first(_):
        start.wait()
        return decoder(shape).decode(b'{"x": null, "y": []}').y

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(first, range(6))) == [[]] * 6
"""


def test_the_first_decoding_of_a_shape_by_many_threads_ends_well() -> None:
    """In a process of its own, since what this guards from is its sudden end."""
    done = subprocess.run([sys.executable, "-c", AT_ONCE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_shape_has_one_decoder() -> None:
    assert decoder(dict[str, int]) is decoder(dict[str, int])
