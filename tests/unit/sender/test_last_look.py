"""The last look: what is taken back while the address is being asked for does not leave."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from winback_sender.calls import Calls
from winback_sender.last_look import look_again, looking
from winback_sender.receipt import NotSentError


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
