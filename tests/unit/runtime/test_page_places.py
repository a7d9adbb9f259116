"""Where pages are to be served is judged before Kafka is asked for anything."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from click.testing import CliRunner

from streams.commands.run import run
from streams.errors import Exit, UserError
from streams.runtime.page_places import demand_pages
from streams.settings import Settings

TOKEN = "a token of these tests"
ELSEWHERE = "192.0.2.7"
"""Of no machine (RFC 5737)."""


@contextmanager
def held(count: int) -> Iterator[int]:
    """Hold so many ports in a row, and give the first."""
    while True:
        with ExitStack() as ends:
            first = 0
            try:
                for number in range(count):
                    taken = ends.enter_context(socket.socket())
                    taken.bind(("127.0.0.1", first + number if first else 0))
                    taken.listen()
                    first = first or taken.getsockname()[1]
            except (OSError, OverflowError):
                continue
            yield first
            return


def test_every_port_that_is_taken_is_named_at_once() -> None:
    with held(3) as first, pytest.raises(UserError) as refused:
        demand_pages(Settings(web_port=first), 3)
    assert all(f"{first + number} (" in refused.value.message for number in range(3))
    assert "WINBACK_WEB_PORT" in refused.value.hint


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_a_place_that_can_be_had_is_left_again(host: str) -> None:
    settings = Settings(web_host=host, web_port=0, web_token=TOKEN)
    for _ in range(2):
        demand_pages(settings, 3)


@pytest.mark.parametrize("host", [ELSEWHERE, "nowhere.invalid"])
def test_an_address_of_elsewhere_and_a_missing_token_are_told_together(host: str) -> None:
    with pytest.raises(UserError) as refused:
        demand_pages(Settings(web_host=host), 1)
    assert "WINBACK_WEB_TOKEN is not set" in refused.value.message
    assert "cannot be listened at" in refused.value.message
    assert "an address of this machine" in refused.value.hint


@pytest.mark.parametrize("role", ["all", "pipeline", "learner"])
def test_nothing_starts_and_kafka_is_not_asked(role: str) -> None:
    environ = {"WINBACK_WEB_HOST": "0.0.0.0", "WINBACK_KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    done = CliRunner(env=environ).invoke(run, ["--role", role])
    assert isinstance(done.exception, UserError)
    assert done.exception.exit_code == Exit.USAGE
    assert "WINBACK_WEB_TOKEN is not set" in done.exception.message
