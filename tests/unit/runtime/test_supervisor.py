"""systemd is told what it waits for, in its own words."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.runtime.supervisor import Supervisor


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(1)
        yield str(tmp_path / "notify"), heard


def test_it_hears_once_that_we_are_ready_and_each_time_that_we_live(
    place: tuple[str, socket.socket],
) -> None:
    name, heard = place
    supervisor = Supervisor({"NOTIFY_SOCKET": name})
    supervisor.tell(is_live=True, is_ready=False)
    assert heard.recv(99) == b"WATCHDOG=1\nSTATUS=not at work yet"
    supervisor.tell(is_live=True, is_ready=True)
    assert heard.recv(99) == b"WATCHDOG=1\nREADY=1\nSTATUS=at work"
    supervisor.tell(is_live=True, is_ready=True)
    assert heard.recv(99) == b"WATCHDOG=1"


def test_who_does_not_live_says_nothing(place: tuple[str, socket.socket]) -> None:
    name, heard = place
    supervisor = Supervisor({"NOTIFY_SOCKET": name})
    supervisor.tell(is_live=True, is_ready=True)
    supervisor.tell(is_live=False, is_ready=True)
    assert heard.recv(99).startswith(b"WATCHDOG=1")
    heard.settimeout(0.05)
    with pytest.raises(TimeoutError):
        heard.recv(99)


def test_a_name_without_a_file_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("")  # Linux chooses an abstract name.
        heard.settimeout(1)
        name = heard.getsockname().decode()
        Supervisor({"NOTIFY_SOCKET": f"@{name[1:]}"}).tell(is_live=True, is_ready=False)
        assert heard.recv(99).startswith(b"WATCHDOG=1")


@pytest.mark.parametrize(
    "environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/at/all"}]
)
def test_nobody_has_to_listen(environ: dict[str, str]) -> None:
    Supervisor(environ).tell(is_live=True, is_ready=True)
