"""The broker's process: configuration, format, launch, and what its log says when it fails."""

import base64
import subprocess
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from streams.errors import Exit, UserError
from streams.runtime.embedded import config
from streams.runtime.embedded.config import Ports, Properties
from streams.runtime.embedded.record import write_whole

LOG_NAME: Final = "kafka.log"
STARTED_MARK: Final = b"Kafka Server started"
START_TIMEOUT_S: Final = 90.0

_POLL_S: Final = 0.05
_TAIL_LINES: Final = 12
_HINTS: Final = {
    "No space left on device": "the disk is full: free some space, or use another --data-dir",
    "Address already in use": "the port was taken meanwhile: choose another with --port",
    "Failed to acquire lock": "another Kafka uses this directory: end it, or use another one",
    "reserve enough space": "there is not so much memory: give a smaller --heap",
    "OutOfMemoryError": "the heap is too small: give a larger --heap",
    "Too small maximum heap": "the heap is too small: give a larger --heap",
}
"""What a line of the log means, and the way out."""


def prepare(
    directory: Path, ports: Ports, command: list[str], environ: Mapping[str, str],
    more: Properties | None = None, cluster: str = "",
) -> None:  # fmt: skip
    """Write the configuration; format the storage of a new directory, for a cluster of one.

    With ``cluster``, the id of one that has several brokers, it is for that.
    """
    write_whole(directory / "server.properties", config.server_properties(ports, more).encode())
    write_whole(directory / "log4j2.properties", config.LOG4J2.encode())
    log = directory / LOG_NAME
    if log.exists():
        log.replace(directory / "kafka.log.1")
    if (directory / "logs" / "meta.properties").exists():
        return
    tool = [
        "kafka.tools.StorageTool", "format", f"--cluster-id={cluster or new_id()}",
        "--ignore-formatted", "--config", "server.properties",
    ]  # fmt: skip
    done = subprocess.run(  # noqa: S603 (our own command line)
        [*command, *tool], cwd=directory, env=config.jvm_environ(environ),
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        write_whole(log, done.stdout + done.stderr)
        raise failed(directory)


def new_id() -> str:
    """Return an id for a cluster."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def launch(
    directory: Path, command: list[str], environ: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start the broker in a session of its own, its output in the log."""
    with (directory / LOG_NAME).open("ab") as log:
        return subprocess.Popen(  # noqa: S603 (our own command line)
            [*command[:-2], "-Dlog4j2.configurationFile=log4j2.properties", *command[-2:],
             "kafka.Kafka", "server.properties"],
            cwd=directory, env=config.jvm_environ(environ), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip


def wait_ready(process: subprocess.Popen[bytes], directory: Path) -> bool:
    """Wait until the broker says that it has started; False when it ended or took too long."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        if STARTED_MARK in log_bytes(directory):
            return True
        time.sleep(_POLL_S)
    return False


def log_bytes(directory: Path) -> bytes:
    """Return the log since the last start."""
    return (directory / LOG_NAME).read_bytes()


def log_tail(directory: Path) -> str:
    """Return the last lines of the broker's log, without the inside of stack traces."""
    try:
        text = (directory / LOG_NAME).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    lines = [line for line in text.splitlines() if not line.startswith("\tat ")]
    return "\n".join(lines[-_TAIL_LINES:])


def failed(directory: Path) -> UserError:
    """Say why Kafka did not start, as far as its log tells."""
    text = log_bytes(directory).decode("utf-8", errors="replace")
    hints = [hint for sign, hint in _HINTS.items() if sign in text]
    hint = hints[0] if hints else f"the whole log: {directory / LOG_NAME}"
    tail = "".join(f"\n    {line}" for line in log_tail(directory).splitlines())
    return UserError(f"the embedded Kafka did not start; the end of its log:{tail}", hint,
                     Exit.FAILED)  # fmt: skip
