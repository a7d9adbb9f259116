"""Several roles side by side: worker, learner, and a router for each routed topic, as processes.

In one process they would share one core: learning an example costs more than the pipeline's whole
way of an event. And a crash of one shall not be a crash inside the other.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Final

from streams.errors import Exit
from streams.runtime.page_places import port_of
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.settings_catalogue import PREFIX

PROGRAM: Final = (sys.executable, "-c", "from streams.cli import main; main()", "run", "--role")
STOP_PATIENCE_S: Final = 20.0
PR_SET_PDEATHSIG: Final = 1


def run_side_by_side(
    settings: Settings, cluster: Cluster, roles: Sequence[Sequence[str]], *, may_skip_lost: bool
) -> int:
    """Run roles until a signal, or until one of them ends; then the others are told to stop.

    Args:
        settings: The operator's; the first role serves at their port, the others at the next ones.
        cluster: Where Kafka is.
        roles: Each with its own options.
        may_skip_lost: Go on behind records that the broker has deleted.

    Returns:
        The exit code of the one that ended first.
    """
    environ = {
        **os.environ,
        f"{PREFIX}KAFKA_BOOTSTRAP": str(cluster),
        f"{PREFIX}CLOCK": settings.clock,
    }
    for name in ("rules", "model_file"):
        if getattr(settings, name):
            environ[PREFIX + name.upper()] = getattr(settings, name)
    common = ["--skip-lost"] if may_skip_lost else []
    children = [
        subprocess.Popen(  # noqa: S603 (our own program)
            [*PROGRAM, *role, f"--web-port={port_of(settings.web_port, number)}", *common],
            env=environ,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 (there are no threads yet)
        )
        for number, role in enumerate(roles)
    ]
    return _watch(children)


def _end_with_parent() -> None:
    """Ask Linux to stop this child when its parent dies, even by kill -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _watch(children: list[subprocess.Popen[bytes]]) -> int:
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        for child in children:
            child.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    pid, status = os.wait()
    code = os.waitstatus_to_exitcode(status)
    for child in children:
        if child.pid == pid:
            child.returncode = code
        elif not stopping:  # a second signal would end it in the middle of its stop
            child.terminate()
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(STOP_PATIENCE_S)
            continue
        child.kill()
        child.wait()
    worst = max((abs(child.returncode) for child in children), default=0)
    return worst if stopping else (code or worst or Exit.FAILED)
