"""``winback kafka`` as a user has it: a broker of one's own, in a directory with a Chinese name."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.runtime.embedded.process import identity

pytestmark = pytest.mark.kafka

WINBACK = str(Path(sys.executable).parent / "winback")
Winback = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "数据 目录"


@pytest.fixture
def winback(data_dir: Path) -> Iterator[Winback]:
    environ = {**os.environ, "WINBACK_DATA_DIR": str(data_dir), "LC_ALL": "C"}
    environ.pop("WINBACK_KAFKA_BOOTSTRAP", None)

    def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [WINBACK, *arguments], env={**environ, **extra}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, encoding="utf-8", timeout=100, check=False,
        )  # fmt: skip

    yield run
    run("kafka", "down")


def facts(answer: subprocess.CompletedProcess[str]) -> dict[str, object]:
    found = json.loads(answer.stdout)
    assert isinstance(found, dict)
    return found


def test_the_life_of_a_broker(winback: Winback, data_dir: Path) -> None:
    assert winback("kafka", "status").returncode == 1
    assert winback("kafka", "down").stdout == "was not running\n"

    first = facts(winback("kafka", "up", "--json"))
    assert first["data_dir"] == str(data_dir)
    assert facts(winback("kafka", "up", "--json")) == first, "a second `up` finds the first"
    assert facts(winback("kafka", "status", "--json")) == first
    assert winback("kafka", "up", "--port", "1").returncode == 1, "it runs on another port"

    assert winback("topics", "apply").returncode == 0
    refused = winback("kafka", "purge", "--yes")
    assert (refused.returncode, "winback kafka down" in refused.stderr) == (1, True)

    assert winback("kafka", "down").returncode == 0
    second = facts(winback("kafka", "up", "--json"))
    assert second["bootstrap"] == first["bootstrap"], "the port is kept"
    counts = facts(winback("topics", "plan", "--json"))["counts"]
    assert counts == {"create": 0, "change": 0, "ok": 11, "refused": 0, "missing": 0}, (
        "so are the topics"
    )

    winback("kafka", "down")
    assert winback("kafka", "purge").returncode == 2, "nobody is there to be asked"
    assert winback("kafka", "purge", "--yes").stdout == "removed\n"
    assert not data_dir.exists()


def test_a_killed_broker_is_not_running_and_starts_again(winback: Winback) -> None:
    pid = facts(winback("kafka", "up", "--json"))["pid"]
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)
    while identity(pid) is not None:
        time.sleep(0.02)

    assert winback("kafka", "status").returncode == 1
    assert winback("kafka", "up").returncode == 0


@pytest.mark.usefixtures("winback")
def test_two_starts_at_once_make_one_broker(data_dir: Path) -> None:
    starts = [
        subprocess.Popen(
            [WINBACK, "kafka", "up", "--json", "--data-dir", data_dir], stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    answers = [json.loads(start.communicate(timeout=100)[0]) for start in starts]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground_it_ends_with_its_command(
    winback: Winback, data_dir: Path, number: signal.Signals
) -> None:
    command = [WINBACK, "kafka", "up", "--foreground", "--json", "--data-dir", str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        pid = json.loads(process.stdout.readline())["pid"]
        process.send_signal(number)
        _, complaint = process.communicate(timeout=60)
    assert process.returncode == (130 if number == signal.SIGINT else 0)
    assert b"Traceback" not in complaint
    assert identity(pid) is None
    assert winback("kafka", "status").returncode == 1


def test_a_start_that_is_broken_off_leaves_nothing_running(data_dir: Path) -> None:
    command = [WINBACK, "kafka", "up", "--data-dir", str(data_dir)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        while not (data_dir / "kafka.json").exists():
            assert process.poll() is None
            time.sleep(0.01)
        pid = json.loads((data_dir / "kafka.json").read_bytes())["pid"]
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in complaint
    assert identity(pid) is None


def test_a_port_in_use_is_named(winback: Winback) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answer = winback("kafka", "up", "--port", str(port))
    assert answer.returncode == 2
    assert f"port {port} on 127.0.0.1 is in use" in answer.stderr


def test_a_start_that_fails_shows_the_end_of_the_log(winback: Winback) -> None:
    answer = winback("kafka", "up", "--heap", "2m")
    assert answer.returncode == 1
    assert "OutOfMemoryError" in answer.stderr
    assert answer.stderr.endswith("  → the heap is too small: give a larger --heap\n")
    assert winback("kafka", "status").returncode == 1


@pytest.mark.parametrize("place", ["a file", "/proc/nowhere"])
def test_a_directory_that_cannot_be_is_named(winback: Winback, tmp_path: Path, place: str) -> None:
    directory = tmp_path / place
    if not directory.is_relative_to("/proc"):
        directory.write_bytes(b"")
    answer = winback("kafka", "up", "--data-dir", str(directory))
    assert answer.returncode == 2
    assert str(directory) in answer.stderr
    assert "Traceback" not in answer.stderr
