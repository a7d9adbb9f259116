"""One data directory and the broker that lives on it: start, find, stop, purge."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from streams.errors import Exit, UserError
from streams.runtime.embedded import config
from streams.runtime.embedded.config import Jit, Ports, Properties
from streams.runtime.embedded.jars import Progress, ensure_jars
from streams.runtime.embedded.java import Java, find_java
from streams.runtime.embedded.launch import (
    LOG_NAME,
    failed,
    launch,
    log_bytes,
    prepare,
    wait_ready,
)
from streams.runtime.embedded.locks import exclusive
from streams.runtime.embedded.process import identity, send, wait_gone
from streams.runtime.embedded.record import (
    RECORD_NAME,
    Record,
    last_record,
    remember,
    running,
    unusable,
)

OWN_NAMES: Final = (
    RECORD_NAME, LOG_NAME, "kafka.log.1", "kafka.lock", "server.properties", "log4j2.properties",
    "logs",
)  # fmt: skip
"""Everything that ``start`` writes; ``purge`` removes nothing else."""

STOP_TIMEOUT_S: Final = 30.0
_LOCK_WAIT_S: Final = 120.0
_START_TRIES: Final = 3


class Options(NamedTuple):
    """How a broker is to run."""

    port: int = 0
    heap: str = config.HEAP_DEFAULT
    jit: Jit = "c1"
    more: Properties | None = None


class Started(NamedTuple):
    """A broker that answers, and its process if we are the parent."""

    record: Record
    process: subprocess.Popen[bytes] | None


def start(
    directory: Path, options: Options, environ: Mapping[str, str], progress: Progress | None = None
) -> Started:
    """Return the broker of a directory; start it when it does not run.

    The broker has a session of its own, so it outlives the shell, and Ctrl-C there does not reach
    it. When the start is broken off or fails, nothing is left running.

    Raises:
        Unavailable: No Java, or no jars.
        UserError: The port is taken, the directory or the heap cannot be used, or Kafka failed;
            then the end of its log is in the message.
    """
    jvm = config.jvm_arguments(options.heap, options.jit)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with exclusive(directory / "kafka.lock", wait_s=_LOCK_WAIT_S):
            if (record := running(directory)) is not None:
                return Started(_same_port(record, options), None)
            java = find_java(environ)
            jars = ensure_jars(environ, progress)
            command = [str(java.path), *jvm, "-cp", os.pathsep.join(map(str, jars))]
            return _start_on_free_ports(directory, options, java, command, environ)
    except OSError as error:
        raise unusable(directory, error) from error


def stop(directory: Path, timeout_s: float = STOP_TIMEOUT_S) -> Record | None:
    """Stop the broker of a directory; return its record, or None when none ran.

    SIGTERM lets it close its logs; when it takes too long, SIGKILL.
    """
    record = running(directory)
    if record is None:
        return None
    send(record.identity, signal.SIGTERM)
    if not wait_gone(record.identity, timeout_s):
        send(record.identity, signal.SIGKILL)
        wait_gone(record.identity, timeout_s)
    return record


def purge(directory: Path) -> bool:
    """Remove what a stopped broker has left; return whether there was anything.

    Files that are not ours stay, and then the directory stays too.

    Raises:
        UserError: The broker runs, or the files cannot be removed.
    """
    if running(directory) is not None:
        raise UserError("the embedded Kafka is running", "winback kafka down", Exit.FAILED)
    found = [directory / name for name in OWN_NAMES if (directory / name).exists()]
    try:
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()
    except OSError as error:
        raise unusable(directory, error) from error
    return bool(found)


def _start_on_free_ports(
    directory: Path, options: Options, java: Java, command: list[str], environ: Mapping[str, str]
) -> Started:
    """Launch; when a random port is snatched away between choice and use, choose again."""
    last = last_record(directory)
    previous = None if last is None else Ports(last.port, last.controller_port)
    for tries_left in reversed(range(_START_TRIES)):
        ports = config.choose_ports(options.port, previous)
        prepare(directory, ports, command, environ, options.more)
        process = launch(directory, command, environ)
        who = identity(process.pid)
        try:
            if who is not None:
                record = Record(who.pid, who.started, *ports, java=f"{java.major} ({java.source})")
                remember(directory, record)
                if wait_ready(process, directory):
                    return Started(record, process)
        except BaseException:
            _end(process)
            raise
        _end(process)
        previous = None
        if options.port or tries_left == 0 or b"Address already in use" not in log_bytes(directory):
            break
    raise failed(directory)


def _same_port(record: Record, options: Options) -> Record:
    if options.port not in (0, record.port):
        raise UserError(
            f"the embedded Kafka already runs on port {record.port}",
            "winback kafka down first, or give another --data-dir",
            Exit.FAILED,
        )
    return record


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
