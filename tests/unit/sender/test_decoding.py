"""Types that many threads meet for the first time at once; without the lock the process dies."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from winback_sender.http.decoding import decoder

STORY = """
import sys, threading
sys.setswitchinterval(1e-6)
import msgspec
from winback_sender.http.decoding import decoder

def kinds():
    class Inner(msgspec.Struct):
        code: str
        ref: str = ""
    class Outer(msgspec.Struct):
        one: Inner | None = None
        many: list[Inner] = []
    return Outer

for _ in range(100):
    kind, barrier = kinds(), threading.Barrier(12)
    def meet():
        barrier.wait()
        decoder(kind).decode(b'{"many":[{"code":"Ok"}]}')
    threads = [threading.Thread(target=meet) for _ in range(12)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


def test_threads_meet_a_type_for_the_first_time_at_once() -> None:
    sender = Path(__file__).parents[3] / "sender"
    done = subprocess.run(
        [sys.executable, "-c", STORY], env={"PYTHONPATH": str(sender)}, capture_output=True,
        check=False, timeout=60,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, b"")


class Said(msgspec.Struct):
    at: int


def test_a_number_in_quotes() -> None:
    assert decoder(Said, strict=False).decode(b'{"at": "7"}') == Said(7)
    with pytest.raises(msgspec.ValidationError):
        decoder(Said).decode(b'{"at": "7"}')
