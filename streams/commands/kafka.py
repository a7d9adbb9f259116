"""``winback kafka``: the embedded Apache Kafka for development, tests and the demo."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from streams.errors import Exit, UserError
from streams.runtime.embedded import broker
from streams.runtime.embedded.broker import Options, Started
from streams.runtime.embedded.config import HEAP_DEFAULT, Jit, data_directory
from streams.runtime.embedded.progress import show_progress
from streams.runtime.embedded.record import Record, running
from streams.settings import load_settings

_STOPPED_BY_SIGTERM: Final = 128 + signal.SIGTERM  # what Java exits with after an orderly end


def _directory(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Path:
    return data_directory(value or load_settings(os.environ).data_dir, os.environ)


_in_directory: Callable[[Any], Any] = click.option(
    "--data-dir", "directory", metavar="DIR", callback=_directory,
    help="Where it keeps its data. Default: WINBACK_DATA_DIR, else under the user's data home.",
)  # fmt: skip
_as_json: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object."
)


@click.group()
def kafka() -> None:
    """Run a real Apache Kafka in one process on this machine.

    For development, tests and the demo: it has one node, no replicas and no access control, and
    listens on loopback only. While it runs, every command of winback finds it by itself, unless
    WINBACK_KAFKA_BOOTSTRAP names another Kafka.
    """


@kafka.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default="free, then kept",
              help="Port for clients.")  # fmt: skip
@_in_directory
@click.option("--heap", default=HEAP_DEFAULT, show_default=True, help="Memory of the JVM's heap.")
@click.option("--jit", type=click.Choice(["c1", "c2"]), default="c1", show_default=True,
              help="c1 starts soonest; c2 is faster under load, for benchmarks.")  # fmt: skip
@click.option("--detach/--foreground", default=True, show_default=True,
              help="Go on running in the background, or stay here until Ctrl-C.")  # fmt: skip
@_as_json
def up(*, port: int, directory: Path, heap: str, jit: Jit, detach: bool, as_json: bool) -> None:
    """Start it, and return when it answers."""
    with _ended_like_ctrl_c():
        started = broker.start(directory, Options(port, heap, jit), os.environ, show_progress)
        if not detach:
            _stay(started, directory, as_json=as_json)
            return
    _print_running(started.record, directory, as_json=as_json)
    if os.environ.get("WINBACK_KAFKA_BOOTSTRAP"):
        click.echo("Note: WINBACK_KAFKA_BOOTSTRAP is set and goes before it.", err=True)


@kafka.command()
@_in_directory
def down(*, directory: Path) -> None:
    """Stop it. Data stays; nothing happens when it does not run."""
    record = broker.stop(directory)
    click.echo("was not running" if record is None else f"stopped (pid {record.pid})")


@kafka.command()
@_in_directory
@_as_json
def status(*, directory: Path, as_json: bool) -> int:
    """Say whether it runs, and where. Exit code 1 when it does not."""
    record = running(directory)
    if record is not None:
        _print_running(record, directory, as_json=as_json)
        return Exit.OK
    if as_json:
        click.echo(msgspec.json.encode({"running": False, "data_dir": str(directory)}).decode())
    else:
        click.echo(f"not running (data in {directory})")
    return Exit.FAILED


@kafka.command()
@_in_directory
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge(*, directory: Path, yes: bool) -> None:
    """Remove its data: topics, events, state. It must not run."""
    if not yes and running(directory) is None:
        if not sys.stdin.isatty():
            raise UserError(f"this removes all data in {directory}", "say --yes if you mean it")
        click.confirm(f"Remove all data in {directory}?", abort=True)
    click.echo("removed" if broker.purge(directory) else f"nothing to remove in {directory}")


def _print_running(record: Record, directory: Path, *, as_json: bool) -> None:
    if as_json:
        facts = {
            "running": True, "bootstrap": record.bootstrap, "pid": record.pid,
            "kafka": record.kafka, "java": record.java, "data_dir": str(directory),
        }  # fmt: skip
        click.echo(msgspec.json.encode(facts).decode())
        return
    click.echo(
        f"Kafka {record.kafka} runs on {record.bootstrap} "
        f"(pid {record.pid}, Java {record.java}, data in {directory})"
    )


def _stay(started: Started, directory: Path, *, as_json: bool) -> None:
    """Wait for the end of the broker; Ctrl-C and SIGTERM stop it in order."""
    process = started.process
    if process is None:
        raise UserError("it already runs in the background", "winback kafka down first",
                        Exit.FAILED)  # fmt: skip
    try:
        _print_running(started.record, directory, as_json=as_json)
        click.echo("Ctrl-C stops it.", err=True)
        code = process.wait()
    except _Terminated:
        code = _STOPPED_BY_SIGTERM
    finally:
        broker.stop(directory)
        process.wait()
    if code not in (0, _STOPPED_BY_SIGTERM):
        raise UserError(f"Kafka ended by itself with code {code}",
                        f"its log: {directory / 'kafka.log'}", Exit.FAILED)  # fmt: skip
    click.echo("stopped", err=True)


class _Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: ends a start as Ctrl-C does."""


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a start as Ctrl-C does, so that no broker is left behind."""

    def interrupt(_number: int, _frame: object) -> None:
        raise _Terminated

    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
