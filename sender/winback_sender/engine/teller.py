"""The teller of a sender: writes feedback and dead letters, and knows what Kafka has of them."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

from kafka import KafkaProducer

from winback_sender.cluster import Cluster
from winback_sender.doorstep import RECONNECT_MS
from winback_sender.engine.endings import Owed
from winback_sender.engine.feedback import record

OWED_MAX: Final = 2_000
"""Records that Kafka may lack; beyond that nothing new begins."""
OWED_MAX_S: Final = 10.0
"""So long Kafka may lack a record before nothing new begins."""
LINGER_MS: Final = 20
"""Feedback goes in batches: nobody waits for it, and each request costs a quarter of a touch."""
BLOCK_MS: Final = 30_000


class Acknowledged(NamedTuple):
    """Kafka has it."""

    number: int
    owed: Owed


class Teller:
    """A producer of two topics; used by the main thread.

    Args:
        cluster: Where Kafka is.
        feedback: Topic.
        dead_letters: Topic.
        source: Name of the sender, CloudEvents' ``source``.
        tell: Takes what Kafka has, from any thread; and an error that ends the sender.
    """

    def __init__(
        self,
        cluster: Cluster,
        feedback: str,
        dead_letters: str,
        source: str,
        tell: Callable[[Acknowledged | Exception], None],
    ) -> None:
        self._feedback = feedback
        self._dead_letters = dead_letters
        self._source = source
        self._tell = tell
        self._sent = 0
        self._lacking: dict[int, float] = {}
        self._producer: Any = KafkaProducer(
            **cluster.options(), acks="all", enable_idempotence=True, linger_ms=LINGER_MS,
            max_block_ms=BLOCK_MS, metrics_enabled=False,
            reconnect_backoff_max_ms=RECONNECT_MS,
        )  # fmt: skip

    def send(self, owed: Owed) -> None:
        """Write one record.

        Raises:
            KafkaError: Kafka has been away for too long.
        """
        if owed.report is not None:
            topic, output = self._feedback, record(owed.report, self._source)
        else:
            assert owed.letter is not None, "nothing is owed"
            topic, output = self._dead_letters, owed.letter
        self._sent += 1
        self._lacking[self._sent] = time.monotonic()
        key, value, headers = output
        acknowledged = self._producer.send(topic, value=value, key=key, headers=headers)
        acknowledged.add_callback(partial(self._acknowledged, self._sent, owed))
        acknowledged.add_errback(self._tell)

    def acknowledged(self, number: int) -> None:
        """Take note that Kafka has a record."""
        self._lacking.pop(number, None)

    @property
    def lacking(self) -> int:
        """Records that Kafka has not acknowledged."""
        return len(self._lacking)

    @property
    def lacking_s(self) -> float:
        """Age of the oldest of them, seconds."""
        oldest_s = next(iter(self._lacking.values()), None)
        return 0.0 if oldest_s is None else time.monotonic() - oldest_s

    @property
    def is_held_up(self) -> bool:
        """Whether Kafka takes no feedback: nothing new may begin."""
        return self.lacking >= OWED_MAX or self.lacking_s > OWED_MAX_S

    def close(self, timeout_s: float) -> None:
        """Write what is under way, and let go."""
        self._producer.close(timeout=timeout_s)

    def _acknowledged(self, number: int, owed: Owed, _place: Any) -> None:
        self._tell(Acknowledged(number, owed))
