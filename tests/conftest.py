"""What all tests share: how hypothesis runs, and one real Kafka per session."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from streams.runtime.embedded.fixture import EmbeddedKafka

settings.register_profile("house", deadline=None)  # the machine is shared: time is no law here
settings.load_profile("house")


def pytest_configure() -> None:
    """A shell's background job ignores Ctrl-C, and so would every program that a test starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def embedded_kafka() -> Iterator[EmbeddedKafka]:
    """The session's broker, on free ports, in a directory of its own. Do not stop it."""
    with EmbeddedKafka() as kafka:
        yield kafka


@pytest.fixture
def kafka(embedded_kafka: EmbeddedKafka) -> str:
    """Bootstrap of the session's Kafka. It is shared: give topics and app ids names of your own."""
    return embedded_kafka.bootstrap
