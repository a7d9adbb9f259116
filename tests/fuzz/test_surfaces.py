"""A short siege of what listens; `python -m tests.fuzz.prove --groups http` takes ten minutes."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.fuzz import surfaces
from tests.fuzz.surfaces import PATIENCE_S
from winback_sender.http import site

ALIVE = b"GET %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
every_server = pytest.mark.parametrize(
    ("serve", "health"),
    [(surfaces.sender, b"/health/live"), (surfaces.worker, b"/health")],
    ids=["sender", "worker"],
)
Serve = Callable[[], AbstractContextManager[int]]


@every_server
def test_whoever_asks_is_told_or_cut_off_and_the_next_is_answered(
    serve: Serve, health: bytes
) -> None:
    with serve() as port:
        statuses, wrong = surfaces.besiege(port, "winback", 2.5, 800)
        assert not wrong, "\n".join(wrong)
        assert statuses.keys() >= {200, 400}
        assert surfaces.ask(port, ALIVE % health).statuses == (200,)


@every_server
def test_who_says_nothing_more_is_cut_off_and_keeps_nobody_waiting(
    serve: Serve, health: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "HEAD_WITHIN_S", 0.6)
    monkeypatch.setattr(site, "BODY_WITHIN_S", 0.6)
    with serve() as port:
        held = surfaces.hang(port, 60)
        assert surfaces.ask(port, ALIVE % health).statuses == (200,)
        for connection in held:
            connection.settimeout(PATIENCE_S)
            try:
                while connection.recv(4_096):
                    pass
            except ConnectionError:
                pass  # Cut off.
            connection.close()


@every_server
def test_a_browser_that_was_led_here_by_another_name_learns_nothing(
    serve: Serve, health: bytes
) -> None:
    with serve() as port:
        asked = ALIVE % health
        for host, status in ((b"127.0.0.1:6066", 200), (b"evil.example", 403)):
            reply = surfaces.ask(port, asked.replace(b"localhost", host))
            assert reply.statuses == (status,)
