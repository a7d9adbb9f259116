"""What all peers share: the pure core with its rules and its frozen model.

A peer hands over records as it read them and gets what has to be written: changed states, and
outputs by topic. How it keeps states, and what it is to be asked for, is its own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from streams.core.clock_names import OWN
from streams.core.partition import Partition
from streams.core.rules import fed
from streams.intake.bulk import bulk_native
from streams.replay.rulebook import rules_at
from streams.replay.run import model_at
from streams.runtime.engine_topics import streams_of
from streams.settings import load_settings
from winback_sender.contract.messages import Headers

PARTITIONS: Final = 4

States = Sequence[tuple[bytes, bytes | None]]


class Record(NamedTuple):
    """One record to write."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers


class Desk:
    """Makes cores, and lets them work.

    Attributes:
        settings: Those of ``winback run``, from the environment.
        topics: Topics that outputs go to.
    """

    def __init__(self) -> None:
        self.settings = settings = load_settings(os.environ)
        self._rules = fed(rules_at(settings.rules, settings.id_keys))
        self._scorer = model_at(settings.model_file, settings.model_keys, self._rules)
        self._decode = bulk_native(self._rules)
        self._topics = streams_of(settings).of_core
        self.topics = tuple(self._topics.values())

    def core(self, number: int, content: Mapping[bytes, bytes]) -> Partition:
        """Return the core of a partition that goes on from a content of its changelog."""
        core = Partition(
            number, self._rules, self._scorer, of=PARTITIONS, app_id=self.settings.app_id
        )
        core.restore(content)
        return core

    def work(
        self,
        core: Partition,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        timestamps_ms: Sequence[int],
    ) -> tuple[States, list[Record]]:
        """Apply records in order; return changed states (None = deleted) and what is to be sent."""
        inputs = self._decode.all(keys, values, timestamps_ms)
        core.apply(inputs, OWN, timestamps_ms)  # type: ignore[arg-type] # a log has no bad record
        harvest = core.take()
        assert not harvest.keyed, "a log has no ids to be merged"
        records = [
            Record(self._topics[stream], record.key, record.value, record.headers)
            for stream, outputs in harvest.outputs.items()
            for record in outputs
        ]
        return harvest.changelog, records
