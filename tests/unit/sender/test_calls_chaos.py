"""The promise of calls in a world of broken connections: what is said not to have left did not."""

import random
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import msgspec
import pytest

from winback_sender.http.calls import Calls, UnclearError
from winback_sender.receipt import NotSentError

CALLS = 160
PARALLEL = 8
TIMEOUT_S = 0.25


class Said(msgspec.Struct):
    id: str


class Chaos:
    """Serves, and at any moment does not; `received` has every request that was here whole."""

    def __init__(self, seed: int) -> None:
        self.received: list[str] = []
        self._chance = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with closing(connection), suppress(OSError, ValueError):
            while self._one(connection):
                pass

    def _one(self, connection: socket.socket) -> bool:
        """Serve one request; return whether the connection lives on."""
        mood = self._chance.random()
        if mood < 0.1:
            return _reset(connection)
        if mood < 0.2:
            connection.recv(self._chance.randrange(1, 60))
            return _reset(connection)
        body = _read(connection)
        self.received.append(body.decode().strip())
        if mood < 0.3:
            return _reset(connection)
        if mood < 0.35:
            time.sleep(1.5 * TIMEOUT_S)
        answer = b'{"id":"' + body.strip() + b'"}'
        if mood < 0.45:
            answer = b"<html>"
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n\r\n".encode()
        if mood < 0.55:
            connection.sendall(head + answer[: len(answer) // 2])
            return _reset(connection)
        connection.sendall(head + answer)
        time.sleep(self._chance.random() / 200)  # The end of the stream meets the next request.
        return mood < 0.8


def _read(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += _more(connection)
    return body


def _more(connection: socket.socket) -> bytes:
    if not (more := connection.recv(65_536)):
        raise ValueError("the end")
    return more


def _reset(connection: socket.socket) -> bool:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    return False


@contextmanager
def chaos(seed: int) -> Iterator[Chaos]:
    with closing(Chaos(seed)) as made:
        yield made


@pytest.mark.parametrize("size", [0, 100_000], ids=["small", "large"])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_said_not_to_have_left_did_not(seed: int, size: int) -> None:
    def send(calls: Calls, number: int) -> tuple[str, str]:
        name = f"t-{number}"
        try:
            said = calls.post("/send", name.encode().ljust(size)).json(Said)
        except NotSentError:
            return name, "not sent"
        except UnclearError:
            return name, "unclear"
        assert said.id == name, "an answer is that of its request, on any connection"
        return name, "answered"

    with (
        chaos(seed) as provider,
        closing(Calls("test", provider.url, TIMEOUT_S, PARALLEL)) as calls,
        ThreadPoolExecutor(PARALLEL) as pool,
    ):
        ends = dict(pool.map(lambda number: send(calls, number), range(CALLS)))
        time.sleep(0.05)

    received = set(provider.received)
    by_end = {end: {name for name in ends if ends[name] == end} for end in set(ends.values())}
    assert not by_end.get("not sent", set()) & received
    assert by_end["answered"] <= received
    assert len(provider.received) == len(received), "nothing is sent twice by the client"
    assert by_end["unclear"], "the world is not that kind"
