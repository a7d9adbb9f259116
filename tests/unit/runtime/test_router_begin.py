"""Where the router begins with a partition that it has never read, and with one that it knows."""

import asyncio
import json

import pytest
from aiokafka import TopicPartition

from streams.errors import UserError
from streams.runtime import lanes as ownership
from streams.runtime.lanes import LaneOptions, Lanes
from streams.runtime.metrics import LaneMeter, Metrics
from streams.runtime.producer import Commit
from streams.runtime.restore import Restored
from tests.unit.runtime.routing import TOPIC, engine
from tests.unit.runtime.test_lane import FakeProducer, settle
from tests.unit.runtime.test_lanes import lanes_of
from winback_sender.cluster import Cluster

BEGIN, END = 5, 40


class Durable(FakeProducer):
    """Remembers the places that were committed."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[int] = []

    async def start(self) -> None:
        """Nobody else owns it."""

    async def write(self, commit: Commit) -> int | None:
        self.places += [json.loads(value or b"")["next_offset"] for _, value in commit.changelog]
        return await super().write(commit)


def begin(
    monkeypatch: pytest.MonkeyPatch, known: dict[bytes, bytes], *, is_from_end: bool = False,
    may_skip_lost: bool = False,
) -> tuple[int, list[int]]:  # fmt: skip
    """Own a partition; return where it is read on, and the places that became durable."""
    options = LaneOptions(
        cluster=Cluster.plain("nowhere:1"), sources=(TOPIC,), changelog="places",
        make_engine=lambda _partition: engine(), observer=LaneMeter(Metrics()),
        is_from_end=is_from_end, may_skip_lost=may_skip_lost,
    )  # fmt: skip
    producer = Durable()

    async def restore(_lanes: Lanes, _partitions: list[int]) -> dict[int, Restored]:
        heir = engine()
        heir.restore(known)
        return {0: Restored(heir, len(known), 0)}

    async def log_range(
        _cluster: Cluster, wanted: list[TopicPartition]
    ) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
        return dict.fromkeys(wanted, BEGIN), dict.fromkeys(wanted, END)

    monkeypatch.setattr(Lanes, "_restore", restore)
    monkeypatch.setattr(Lanes, "_producer", lambda *_: producer)
    monkeypatch.setattr(ownership, "log_range", log_range)

    async def story() -> tuple[int, list[int]]:
        lanes = lanes_of(options)
        await lanes.own({0}, 1)
        await settle()
        (place,) = lanes.positions().values()
        await lanes.lanes[0].close()
        return place, producer.places

    return asyncio.run(story())


def test_a_new_partition_begins_with_its_oldest_record(monkeypatch: pytest.MonkeyPatch) -> None:
    assert begin(monkeypatch, {}, is_from_end=False) == (BEGIN, [])


def test_or_at_its_end_and_then_that_place_is_durable_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who comes after a crash must not begin at an end that has moved on."""
    assert begin(monkeypatch, {}, is_from_end=True) == (END, [END])


@pytest.mark.parametrize("is_from_end", [False, True])
def test_a_known_partition_goes_on(monkeypatch: pytest.MonkeyPatch, *, is_from_end: bool) -> None:
    known = {TOPIC.encode(): b'{"next_offset":17,"watermark_ms":0}', b"another": b"{}"}
    assert begin(monkeypatch, known, is_from_end=is_from_end) == (17, [])


def test_what_was_deleted_meanwhile_stops_it_and_is_told_when_it_may_be_skipped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    known = {TOPIC.encode(): b'{"next_offset":2,"watermark_ms":0}'}
    with pytest.raises(UserError, match="applied up to 2, but the log begins at 5"):
        begin(monkeypatch, known)
    assert begin(monkeypatch, known, may_skip_lost=True) == (BEGIN, [])
    assert "records_skipped" in caplog.text
