"""The lanes of a worker, when ownership moves and when records are gone."""

import asyncio

import pytest

from streams.errors import UserError
from streams.runtime.lane import Lane, Pace
from streams.runtime.lanes import LaneOptions, Lanes
from streams.runtime.metrics import LaneMeter, Metrics
from streams.runtime.ticks import Tick
from tests.unit.runtime.test_lane import FakeProducer, Recorder, chunk, settle
from winback_sender.cluster import Cluster


class Group:
    """A membership in which nothing moves."""

    generation = 1
    is_rebalancing = False
    is_stopping = False


def lanes_of(options: LaneOptions) -> Lanes:
    return Lanes(options, "toy-users", Group(), _fail)


def table(*, may_skip_lost: bool = False) -> Lanes:
    options = LaneOptions(
        cluster=Cluster.plain("nowhere:1"), sources=("in",), changelog="users-changelog",
        make_engine=lambda _partition: Recorder(), observer=LaneMeter(Metrics()),
        may_skip_lost=may_skip_lost,
    )  # fmt: skip
    return lanes_of(options)


class SlowToStop(FakeProducer):
    """A connection that takes its time to close."""

    def __init__(self) -> None:
        super().__init__()
        self.may_stop = asyncio.Event()

    async def stop(self) -> None:
        await self.may_stop.wait()
        await super().stop()


def open_lane(lanes: Lanes, partition: int, producer: FakeProducer) -> Lane:
    lane = Lane(
        partition,
        Recorder(),
        producer,
        Pace(0.0),
        _fail,
        LaneMeter(Metrics()),
    )
    lane.start(1)
    lanes.lanes[partition] = lane
    return lane


def _fail(error: BaseException) -> None:
    raise error


def test_no_commit_is_lost_in_a_lane_that_is_kept() -> None:
    """The clock ticks while another lane is given up: what it changed must become durable."""

    async def story() -> None:
        lanes, leaving, staying = table(), SlowToStop(), FakeProducer()
        open_lane(lanes, 1, leaving)
        kept = open_lane(lanes, 0, staying)
        owning = asyncio.create_task(lanes.own({0}, 2))
        await settle()
        staying.gate.clear()
        await kept.tick(Tick(1))
        await settle()
        leaving.may_stop.set()
        await owning
        staying.gate.set()
        await settle()
        assert lanes.lanes == {0: kept}
        assert staying.written == [[b"-1"]]
        await kept.close()

    asyncio.run(story())


def test_a_lane_that_was_in_a_commit_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        lanes, producer = table(), FakeProducer()
        opened: list[list[int]] = []

        async def reopen(partitions: list[int], _generation: int) -> int:
            opened.append(partitions)
            return 0

        monkeypatch.setattr(lanes, "_open", reopen)
        producer.gate.clear()
        lane = open_lane(lanes, 0, producer)
        await lane.tick(Tick(1))
        await settle()
        await lanes.own({0}, 2)
        assert opened == [[0]]
        assert producer.is_stopped

    asyncio.run(story())


def test_no_producer_is_left_when_a_new_rebalance_comes_meanwhile() -> None:
    async def story() -> None:
        lanes, leaving = table(), SlowToStop()
        open_lane(lanes, 1, leaving)
        owning = asyncio.create_task(lanes.own(set(), 2))
        await settle()
        owning.cancel()
        await asyncio.wait([owning])
        leaving.may_stop.set()
        await settle()
        assert leaving.is_stopped

    asyncio.run(story())


def _nobody_waits() -> None:
    """Nobody has to wait for a chunk that was let go of."""


def lose(*, may_skip_lost: bool) -> tuple[list[int], list[int]]:
    async def story() -> tuple[list[int], list[int]]:
        lanes = table(may_skip_lost=may_skip_lost)
        lane = open_lane(lanes, 0, FakeProducer())
        acked: list[int] = []
        await lanes.accept(chunk(0, 2), lambda: acked.append(2), _nobody_waits)
        await lanes.accept(chunk(9, 11), lambda: acked.append(11), _nobody_waits)
        await settle()
        await lane.close()
        engine = lane.engine
        assert isinstance(engine, Recorder)
        return engine.seen, acked

    return asyncio.run(story())


def test_records_that_are_lost_while_running_stop_the_worker() -> None:
    with pytest.raises(UserError, match="deleted before they were read"):
        lose(may_skip_lost=False)


def test_records_that_are_lost_while_running_are_skipped_when_asked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert lose(may_skip_lost=True) == ([0, 1, 9, 10], [2, 11])
    assert "records_skipped" in caplog.text


def test_records_of_a_topic_that_has_grown_meanwhile_are_told() -> None:
    """Faust assigns topics of unlike counts apart: records come to who has no state for them."""

    async def story() -> None:
        lanes = table()
        await lanes.accept(chunk(0, 2), _nobody_waits, _nobody_waits)

    with pytest.raises(UserError, match=r"in\[0\] came to a worker that does not own its state"):
        asyncio.run(story())
