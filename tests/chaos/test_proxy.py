"""A link holds back what is cut, loses nothing, and takes its time when it is slow."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.chaos.proxy import CUT, Link, Links, Quality


def echo(listener: socket.socket) -> None:
    """Send everything back to whoever comes."""
    while True:
        try:
            line, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=answer, args=(line,), daemon=True).start()


def answer(line: socket.socket) -> None:
    with line:
        while data := line.recv(65_536):
            line.sendall(data)


@pytest.fixture
def link() -> Iterator[Link]:
    with Links(1) as links, socket.socket() as listener:
        link = links.all[0]
        listener.bind(("127.0.0.1", link.listener_port))
        listener.listen()
        threading.Thread(target=echo, args=(listener,), daemon=True).start()
        yield link
        listener.shutdown(socket.SHUT_RDWR)


def connected(link: Link) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), timeout=2.0)


def is_answered(line: socket.socket, wait_s: float) -> bool:
    line.settimeout(wait_s)
    try:
        return bool(line.recv(10))
    except TimeoutError:
        return False


@pytest.mark.parametrize("way", ["up", "down"])
def test_what_is_cut_one_way_comes_when_the_link_heals(link: Link, way: str) -> None:
    with connected(link) as line:
        setattr(link, way, CUT)
        line.sendall(b"held back")
        assert not is_answered(line, 0.2)
        link.heal()
        assert is_answered(line, 2.0)


def test_nobody_new_gets_through_a_cut_link(link: Link) -> None:
    link.cut()
    with connected(link) as line:
        line.sendall(b"hello")
        assert not is_answered(line, 0.2)


def test_a_slow_link_is_slow_both_ways(link: Link) -> None:
    link.up = link.down = Quality(latency_s=0.1)
    with connected(link) as line:
        began_s = time.monotonic()
        line.sendall(b"hello")
        assert is_answered(line, 2.0)
        assert time.monotonic() - began_s >= 0.2
