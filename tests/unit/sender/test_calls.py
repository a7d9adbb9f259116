"""Calls against real sockets: what a failure says of the request, by the phase it came in."""

import logging
import socket
import struct
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import msgspec
import pytest

from winback_sender.contract.words import Status, Why
from winback_sender.http.calls import (
    ANSWER_BYTES_MAX,
    Calls,
    UnclearError,
    Unreadable,
    sends_nothing,
)
from winback_sender.receipt import NotSentError

TOKEN = "T0P-SECRET"
TIMEOUT_S = 0.3
PATIENT_S = 10.0
"""Where an answer is expected: a busy machine is no time-out."""

Behave = Callable[[socket.socket], None]


class Said(msgspec.Struct):
    Code: str


def reset(connection: socket.socket) -> None:
    """Break a connection off: the other side gets RST, not the end of the stream."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"the body"):
        if not (more := connection.recv(65_536)):
            raise ConnectionError(data)
        data += more
    return data


def answer(status: str, body: bytes, *headers: str, length: int | None = None) -> Behave:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}")
    head = "\r\n".join((*lines, "Connection: close", *headers, "", ""))

    def behave(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(head.encode() + body)

    return behave


@contextmanager
def provider(behave: Behave, timeout_s: float = PATIENT_S) -> Iterator[Calls]:
    """Serve connections one after the other, and return calls to there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with closing(connection), suppress(OSError):
                    behave(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        with closing(Calls("test", f"http://127.0.0.1:{port}", timeout_s, parallel=4)) as calls:
            yield calls
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def send(calls: Calls) -> Said:
    return calls.post("/send", b"the body", query={"access_token": TOKEN}).json(Said)


def test_an_answer_is_read() -> None:
    with provider(answer("200 OK", b'{"Code":"OK"}')) as calls:
        assert send(calls) == Said("OK")


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with (
        closing(Calls("test", f"http://127.0.0.1:{port}", TIMEOUT_S, 1)) as calls,
        pytest.raises(NotSentError, match=Why.UNAVAILABLE) as caught,
    ):
        send(calls)

    assert caught.value.retry


def test_the_name_does_not_resolve() -> None:
    with (
        closing(Calls("test", "http://no-such-host.invalid", TIMEOUT_S, 1)) as calls,
        pytest.raises(NotSentError, match=Why.UNAVAILABLE) as caught,
    ):
        send(calls)

    assert caught.value.retry


def test_a_provider_that_takes_no_connection_in_time() -> None:
    """The queue of the listener is full, so the connection hangs and nothing has left."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.settimeout(0)
            filler.connect_ex(address)
        with (
            closing(Calls("test", f"http://127.0.0.1:{address[1]}", TIMEOUT_S, 1)) as calls,
            pytest.raises(NotSentError, match=Why.UNAVAILABLE) as caught,
        ):
            send(calls)
        for filler in fillers:
            filler.close()

    assert caught.value.retry


def test_the_other_side_speaks_no_tls() -> None:
    with provider(answer("200 OK", b'{"Code":"OK"}')) as plain:
        endpoint = plain._endpoint.replace("http:", "https:")
        with (
            closing(Calls("test", endpoint, TIMEOUT_S, 1)) as calls,
            pytest.raises(NotSentError, match=Why.UNAVAILABLE),
        ):
            send(calls)


def test_a_proxy_that_does_not_let_us_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was asked for a tunnel, and nothing of the request went through it."""

    def refuse(connection: socket.socket) -> None:
        connection.recv(1_000)
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    with provider(refuse) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy._endpoint)
        monkeypatch.setenv("NO_PROXY", "")
        with (
            closing(Calls("test", "https://provider.invalid", TIMEOUT_S, 1)) as calls,
            pytest.raises(NotSentError, match=Why.UNAVAILABLE),
        ):
            send(calls)


def test_the_tunnel_breaks_before_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_and_break(connection: socket.socket) -> None:
        connection.recv(1_000)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        connection.recv(1_000)
        reset(connection)

    with provider(open_and_break) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy._endpoint)
        monkeypatch.setenv("NO_PROXY", "")
        with (
            closing(Calls("test", "https://provider.invalid", TIMEOUT_S, 1)) as calls,
            pytest.raises(NotSentError, match=Why.UNAVAILABLE),
        ):
            send(calls)


@pytest.mark.parametrize(
    ("path", "header"),
    [("/\x00", "x"), ("/", "王"), ("/", "a\r\nb: c")],
    ids=["path", "text", "line"],
)
def test_what_no_request_can_carry(path: str, header: str) -> None:
    with provider(answer("200 OK", b'{"Code":"OK"}')) as calls:
        with pytest.raises(NotSentError, match=Why.BAD_VARIABLES) as caught:
            calls.post(path, b"the body", headers={"x-name": header})
        assert not caught.value.retry


def test_broken_off_while_the_body_is_still_here() -> None:
    """The request is not whole, so no provider can have acted on it."""

    def behave(connection: socket.socket) -> None:
        connection.recv(1_000)
        reset(connection)

    with provider(behave) as calls, pytest.raises(NotSentError, match=Why.UNAVAILABLE) as caught:
        calls.post("/send", b"x" * 30_000_000)

    assert caught.value.retry


def test_the_provider_stops_reading_in_the_middle() -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(1_000)
        time.sleep(3 * TIMEOUT_S)

    with provider(behave, TIMEOUT_S) as calls, pytest.raises(NotSentError, match=Why.UNAVAILABLE):
        calls.post("/send", b"x" * 30_000_000)


def test_broken_off_after_the_request_was_read() -> None:
    def behave(connection: socket.socket) -> None:
        read_request(connection)
        reset(connection)

    with provider(behave) as calls, pytest.raises(UnclearError, match=Why.TIMED_OUT) as caught:
        send(calls)

    receipt = caught.value.receipt("+8613800138000")
    assert receipt.status is Status.UNKNOWN
    assert receipt.address == "+8613800138000"


def test_hung_up_after_the_request_was_read() -> None:
    def behave(connection: socket.socket) -> None:
        read_request(connection)

    with provider(behave) as calls, pytest.raises(UnclearError, match=Why.TIMED_OUT):
        send(calls)


def test_no_answer_in_time() -> None:
    def behave(connection: socket.socket) -> None:
        read_request(connection)
        time.sleep(2 * TIMEOUT_S)

    with provider(behave, TIMEOUT_S) as calls, pytest.raises(UnclearError, match=Why.TIMED_OUT):
        send(calls)


def test_an_answer_drop_by_drop() -> None:
    """Every drop comes in time, the whole does not."""

    def behave(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(10):
            time.sleep(TIMEOUT_S / 2)
            connection.sendall(b" ")

    began_s = time.monotonic()
    with provider(behave, TIMEOUT_S) as calls, pytest.raises(UnclearError, match=Why.TIMED_OUT):
        send(calls)
    assert time.monotonic() - began_s < 5


@pytest.mark.parametrize(
    "behave",
    [
        answer("200 OK", "<html>登录</html>".encode()),
        answer("200 OK", b'{"Code":"O'),
        answer("200 OK", b'{"Code":"O', length=1_000),
        answer("200 OK", b'{"Code":7}'),
        answer("200 OK", b"\xff\xfe"),
        answer("200 OK", b""),
        answer("200 OK", b'{"Code":"OK","x":' + b"[" * 99_999),
        answer("200 OK", b"not zipped", "Content-Encoding: gzip"),
        answer("200 OK", b" " * (ANSWER_BYTES_MAX + 1)),
        answer("404 Not Found", b"<html>nginx</html>"),
        answer("302 Found", b"", "Location: http://127.0.0.1:9/login"),
    ],
    ids=[
        "html",
        "cut",
        "cut short",
        "other type",
        "no text",
        "empty",
        "brackets",
        "zip",
        "long",
        "404",
        "302",
    ],
)
def test_an_answer_that_is_not_the_protocol(behave: Behave) -> None:
    with provider(behave) as calls, pytest.raises(Unreadable, match=Why.UNREADABLE):
        send(calls)


def test_an_error_of_the_server_leaves_it_open() -> None:
    with (
        provider(answer("502 Bad Gateway", b"<html>")) as calls,
        pytest.raises(UnclearError, match="http_502"),
    ):
        send(calls)


def test_an_error_in_the_words_of_the_provider_is_read() -> None:
    with provider(answer("503 Service Unavailable", b'{"Code":"Throttling"}')) as calls:
        assert send(calls) == Said("Throttling")


@pytest.mark.parametrize(
    ("said", "after_s"), [("7", 7.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0), ("9" * 9, 3_600.0)]
)
def test_too_many_calls(said: str, after_s: float) -> None:
    with (
        provider(answer("429 Too Many Requests", b"slow", f"Retry-After: {said}")) as calls,
        pytest.raises(NotSentError, match=Why.UNAVAILABLE) as caught,
    ):
        send(calls)

    assert caught.value.retry
    assert caught.value.after_s == after_s


def test_fetching_a_token_sends_no_touch() -> None:
    """Whatever happens to a call that sends nothing, the touch may be tried again."""
    with (
        provider(answer("502 Bad Gateway", b"")) as calls,
        pytest.raises(NotSentError, match=Why.UNAVAILABLE) as caught,
        sends_nothing(),
    ):
        send(calls)

    assert caught.value.retry


def test_a_connection_is_used_again_and_a_dead_one_is_not() -> None:
    seen: list[int] = []

    def behave(connection: socket.socket) -> None:
        for _ in range(2):
            read_request(connection)
            seen.append(connection.getpeername()[1])
            connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"Code":"OK"}')

    with provider(behave) as calls:
        for _ in range(4):
            assert send(calls) == Said("OK")
            time.sleep(0.02)  # The server's FIN is here before the next call.

    assert seen[0] == seen[1] != seen[2] == seen[3]


def test_no_token_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        provider(answer("502 Bad Gateway", b"")) as calls,
        pytest.raises(UnclearError) as unclear,
    ):
        send(calls)
    with (
        closing(Calls("test", "http://no-such-host.invalid", TIMEOUT_S, 1)) as calls,
        pytest.raises(NotSentError) as unsent,
    ):
        send(calls)

    traces = [*traceback.format_exception(unclear.value), *traceback.format_exception(unsent.value)]
    told = "".join((caplog.text, *traces))
    assert "call_failed" in told
    assert TOKEN not in told
