"""A pid is not a process: records of the broker survive reboots, kills and pid reuse."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.errors import Unavailable, UserError
from streams.runtime.embedded import broker
from streams.runtime.embedded.config import choose_ports, jvm_arguments, jvm_environ
from streams.runtime.embedded.locks import exclusive
from streams.runtime.embedded.process import Identity, identity, is_alive, send, wait_gone
from streams.runtime.embedded.record import Record, last_record, remember, running


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def identity_of(process: subprocess.Popen[bytes]) -> Identity:
    who = identity(process.pid)
    assert who is not None
    return who


def test_a_process_is_known_until_it_ends(sleeper: subprocess.Popen[bytes]) -> None:
    who = identity_of(sleeper)
    assert is_alive(who)
    send(who, signal.SIGTERM)
    assert wait_gone(who, 10.0), "a zombie is gone: it can do nothing"
    assert identity(sleeper.pid) is None


def test_a_later_process_with_the_same_pid_is_somebody_else(
    sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    stranger = Identity(sleeper.pid, "1")
    remember(tmp_path, Record(stranger.pid, stranger.started, 9092, 9093))

    assert running(tmp_path) is None
    assert broker.stop(tmp_path) is None
    send(stranger, signal.SIGKILL)
    time.sleep(0.1)
    assert sleeper.poll() is None


def test_the_broker_on_record_is_found(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    who = identity_of(sleeper)
    record = Record(who.pid, who.started, 9092, 9093)
    remember(tmp_path, record)
    assert running(tmp_path) == record
    with pytest.raises(UserError, match="running"):
        broker.purge(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x"}', b"\xff"])
def test_a_damaged_record_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "kafka.json").write_bytes(content)
    assert last_record(tmp_path) is None


def test_purge_leaves_what_is_not_ours(tmp_path: Path) -> None:
    for name in ("kafka.json", "kafka.log", "holiday.jpg"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "logs" / "user-activity-0").mkdir(parents=True)

    assert broker.purge(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]
    assert not broker.purge(tmp_path)


def test_a_lock_is_held_alone_and_told_by_its_path(tmp_path: Path) -> None:
    with (
        exclusive(tmp_path / "lock", wait_s=0.0),
        pytest.raises(Unavailable, match="lock"),
        exclusive(tmp_path / "lock", wait_s=0.1),
    ):
        pytest.fail("two holders")
    with exclusive(tmp_path / "lock", wait_s=0.0):
        pass


def test_ports_are_free_different_and_kept() -> None:
    ports = choose_ports(0, None)
    assert ports.client != ports.controller
    assert choose_ports(0, ports) == ports


@pytest.mark.parametrize("heap", ["512", "m", "0m", "1t", "512m -XX:+X", ""])
def test_a_heap_is_a_size(heap: str) -> None:
    with pytest.raises(UserError, match="heap"):
        jvm_arguments(heap, "c1")


def test_the_broker_gets_a_locale_that_knows_every_file_name() -> None:
    environ = jvm_environ({**os.environ, "LC_ALL": "C", "WINBACK_MODEL_KEY": "secret"})
    assert environ["LC_ALL"] == "C.UTF-8"
    assert "WINBACK_MODEL_KEY" not in environ
