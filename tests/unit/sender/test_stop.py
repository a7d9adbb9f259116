"""The end of a process: asked for once, it comes."""

import subprocess
import sys

from winback_sender.engine import worker
from winback_sender.http.site import STOP_WITHIN_S
from winback_sender.stop import EXIT_WITHIN_S

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


def test_who_waits_for_kafka_alone_is_not_cut_off() -> None:
    """Couriers and acknowledgements, then the group, the web and the producer, one by one."""
    end_s = worker.STOP_WITHIN_S + worker.LEAVE_WITHIN_S
    end_s += max(worker.CLOSE_WITHIN_S, STOP_WITHIN_S) + worker.CLOSE_WITHIN_S
    assert end_s < EXIT_WITHIN_S
