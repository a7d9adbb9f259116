"""The doorstep: what is wrong with Kafka is told before anything starts."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from winback_sender import handshake
from winback_sender.cluster import Cluster
from winback_sender.doorstep import require_reachable
from winback_sender.errors import Unavailable, UserError

Behave = Callable[[socket.socket], None]


@contextmanager
def standing_in(behave: Behave) -> Iterator[str]:
    """Give the address of something that treats every caller alike."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    caller = server.accept()[0]
                except OSError:
                    return
                with caller:
                    behave(caller)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def answer(caller: socket.socket, **bodies: bytes) -> None:
    """Answer requests of Kafka by their number."""
    while head := caller.recv(4):
        request = caller.recv(struct.unpack(">i", head)[0])
        api, _, correlation = struct.unpack_from(">hhi", request)
        body = bodies[f"api_{api}"]
        caller.sendall(struct.pack(">ii", len(body) + 4, correlation) + body)


def kafka(caller: socket.socket) -> None:
    answer(caller, api_18=struct.pack(">hi", 0, 0), api_17=struct.pack(">hi", 34, 0))


def kafka_with_users(caller: socket.socket) -> None:
    name = b"SCRAM-SHA-256"
    offered = struct.pack(">hih", 33, 1, len(name)) + name
    answer(caller, api_18=struct.pack(">hi", 0, 0), api_17=offered)


def test_one_of_several_servers_is_enough_and_a_blank_may_follow_the_comma() -> None:
    with standing_in(kafka) as server:
        require_reachable(Cluster.plain(f"127.0.0.1:1, {server}"))


def test_each_server_is_named_with_its_reason() -> None:
    with pytest.raises(Unavailable, match=r"127.0.0.1:1: .*refused; 127.0.0.1:2: .*refused"):
        require_reachable(Cluster.plain("127.0.0.1:1, 127.0.0.1:2"))


@pytest.mark.parametrize(
    "behave",
    [
        socket.socket.close,
        lambda caller: caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        lambda caller: caller.sendall(b"\x00\x00"),
        lambda caller: caller.sendall(b"\x7f\xff\xff\xff" * 2),
    ],
)
def test_what_is_not_kafka_is_told_apart(behave: Behave) -> None:
    with (
        standing_in(behave) as server,
        pytest.raises(Unavailable, match="does not speak like Kafka") as caught,
    ):
        require_reachable(Cluster.plain(server))
    assert caught.value.exit_code == 3


def test_a_broker_that_still_starts_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "ANSWER_TIMEOUT_S", 0.1)
    with (
        standing_in(lambda _caller: time.sleep(0.5)) as server,
        pytest.raises(Unavailable, match="does not answer"),
    ):
        require_reachable(Cluster.plain(server))


def test_a_broker_that_wants_a_user_is_told_apart() -> None:
    with (
        standing_in(kafka_with_users) as server,
        pytest.raises(UserError, match=r"wants a user and a password \(SCRAM-SHA-256\)") as caught,
    ):
        require_reachable(Cluster.plain(server))
    assert caught.value.exit_code == 2
