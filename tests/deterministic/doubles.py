"""What stands in for measures, and for the classes and functions of others, while worlds run."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from unittest.mock import patch

from models.snapshot import Serving
from streams.core.scoring import Scorer
from tests.deterministic import clients
from tests.deterministic.setting import setting_of


class NoMetrics:
    """Measures nothing."""

    def add(self, *_: object, **__: object) -> None:
        """Count nothing."""

    def set(self, *_: object, **__: object) -> None:
        """Show nothing."""

    def forget(self, *_: object, **__: object) -> None:
        """Forget nothing."""

    def observe_of(self, *_: object, **__: object) -> None:
        """Watch nothing."""


class NoObserver:
    """Watches nothing."""

    def chunk_applied(self, partition: int, records: int, seconds: float) -> None:
        """Note nothing."""

    def committed(
        self, partition: int, states: int, outputs: Mapping[str, int], seconds: float
    ) -> None:
        """Note nothing."""

    def restoring(self, left: int) -> None:
        """Note nothing."""

    def restored(self, seconds: float) -> None:
        """Note nothing."""


def _scorer(serving: Serving) -> Scorer:
    return setting_of("one").scorers[serving.version]


@contextmanager
def installed() -> Iterator[None]:
    """Let the product's code use the doubles of Kafka's clients."""
    runtime = "streams.runtime"
    with (
        patch(f"{runtime}.producer.PatientProducer", clients.Producer),
        patch(f"{runtime}.recovery.Reader", clients.Consumer),
        patch(f"{runtime}.recovery.take_fetched", clients.take_fetched),
        patch(f"{runtime}.recovery.wait_fetched", clients.wait_fetched),
        patch(f"{runtime}.model_feed.serving_scorer", _scorer),
        patch(f"{runtime}.delivery.IDLE_S", 0.1),  # these two only poll; each turn costs CPU
        patch(f"{runtime}.ticks.LOOK_EVERY_S", 0.2),
        patch(f"{runtime}.state_files.LOOK_S", 0.3),
        patch(f"{runtime}.state_files.TAIL_SHARE", -1.0),  # a file whenever one is looked for
        patch(f"{runtime}.producer.now_ms", clients.now_ms),
        patch(f"{runtime}.ticks.now_ms", clients.now_ms),
    ):
        yield
