"""The demo in another format: a topic of somebody else's, and the rules that read it."""

from typing import Any, Final, NamedTuple

from streams.core.sources import KeyedBy, Source
from streams.demo.tongues import TONGUES, Tongue
from streams.settings import Settings

ROUTED_PARTITIONS: Final = 1
"""Of a topic that is keyed by order. With more the orders of a user would come over several of
them, and at the pace of a demo, days a second, out of order by days.
"""
TIMEOUT_MS: Final = 8_000


class Foreign(NamedTuple):
    """A topic of somebody else's.

    Attributes:
        tongue: Of its records.
        source: As the rules name it.
    """

    tongue: Tongue
    source: Source

    @property
    def topic(self) -> str:
        """Its name."""
        return self.source.topic

    @property
    def is_routed(self) -> bool:
        """Whether its records go through the router."""
        return self.source.keyed_by is KeyedBy.ANYTHING

    def make_topic(self, client: Any, settings: Settings) -> None:
        """Make the topic; one that is read as it is has as many partitions as ours."""
        partitions = ROUTED_PARTITIONS if self.is_routed else settings.partitions
        wanted = {self.topic: {"num_partitions": partitions, "replication_factor": 1}}
        client.create_topics(wanted, timeout_ms=TIMEOUT_MS)
        client.wait_for_topics([self.topic], timeout_ms=TIMEOUT_MS)


def tongue_rules(name: str, rules: str) -> str:
    """Return rules that read a tongue besides."""
    return f"{rules.rstrip()}\n\n{TONGUES[name].rules}"
