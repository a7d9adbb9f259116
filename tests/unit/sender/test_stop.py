"""The end of a process: asked for once, it comes."""

import subprocess
import sys

HANGS = """
import os, signal, threading
from winback_sender import stop
stop.EXIT_WITHIN_S = 0.2
asked = stop.Stop()
assert not asked.is_asked()
os.kill(os.getpid(), signal.SIGTERM)
assert asked.is_asked()
threading.Thread(target=threading.Event().wait).start()
"""


def test_a_thread_that_hangs_does_not_hold_the_process() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=20, check=False
    )
    assert (ended.returncode, "did not end within" in ended.stderr) == (1, True)
