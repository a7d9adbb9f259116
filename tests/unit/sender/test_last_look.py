"""The last look: what is taken back while the address is being asked for does not leave."""

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.unit.sender.letters import letters, touch
from tests.unit.sender.stand import LiveClock, MakeStand
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status
from winback_sender.http.calls import Calls
from winback_sender.last_look import look_again, looking
from winback_sender.receipt import NotSentError, Receipt


class Provider(HTTPServer):
    """Counts the requests that reach it."""

    requests = 0


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Provider)
        self.server.requests += 1
        self.send_response(202)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


def test_without_a_touch_nobody_is_asked() -> None:
    look_again()


def test_a_touch_that_was_taken_back_is_not_posted(provider: Provider) -> None:
    calls = Calls("test", f"http://127.0.0.1:{provider.server_port}", timeout_s=2, parallel=1)
    taken_back: list[str] = []

    def look() -> None:
        if taken_back:
            raise NotSentError("revoked")

    with looking(look):
        assert calls.post("/", b"{}").status == 202
        taken_back.append("while the address book took its time")
        with pytest.raises(NotSentError, match="revoked") as error:
            calls.post("/", b"{}")
    assert not error.value.retry
    assert provider.requests == 1
    assert calls.post("/", b"{}").status == 202
    calls.close()


def test_what_is_taken_back_while_the_connection_is_made_does_not_leave(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between us and a provider may lie seconds of names, routes and TLS."""
    calls = Calls("test", f"http://127.0.0.1:{provider.server_port}", timeout_s=2, parallel=1)
    connect, connected = socket.create_connection, []

    def slow(*args: Any, **options: Any) -> socket.socket:
        connected.append(connect(*args, **options))
        return connected[-1]

    def look() -> None:
        if connected:
            raise NotSentError("revoked")

    monkeypatch.setattr(socket, "create_connection", slow)
    with looking(look), pytest.raises(NotSentError, match="revoked") as error:
        calls.post("/", b"{}")
    assert not error.value.retry
    assert (len(connected), provider.requests) == (1, 0)
    assert calls.post("/", b"{}").status == 202
    calls.close()


def test_what_asks_for_its_address_while_the_partition_goes_is_the_next_owners(
    make: MakeStand,
) -> None:
    def deliver(found: TouchRequested) -> Receipt:
        stand.desk.trays[0].is_closing = True  # while the address book takes its time
        look_again()
        left.append(found.touch_id)
        return Receipt(Status.ACCEPTED)

    left: list[str] = []
    stand = make(deliver, LiveClock())
    stand.read(letters(touch("t1")))
    (errand,) = stand.desk.begin(1, 0.0)
    done = stand.couriers.do(errand)
    assert (done.receipt, done.error, left) == (None, None, [])
    stand.desk.ended([done], 0.0)
    assert stand.reports() == []
    assert make(clock=LiveClock()).said(letters(touch("t1")))[0][1].status == Status.DELIVERED
