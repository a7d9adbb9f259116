"""A worker of the pipeline without Faust: what Faust and its consumer do around lanes and delivery.

Everything that decides is the product's: `Lanes`, `Lane`, `Delivery`, `PartitionProducer`,
`read_changelog`, `PipelineEngine`, `WallClock`, `IdleTopics`, the feeds. What stands here are the
habits of Faust 0.15.3, as far as they matter: when it suspends the flow and clears its queue, waits
for acks, starts a recovery that a new rebalance cancels without waiting for its end, and resumes.
"""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.core.partition import Partition
from streams.runtime.columns import Chunk
from streams.runtime.control_feed import ControlFeed
from streams.runtime.delivery import Delivery
from streams.runtime.idle import IdleTopics
from streams.runtime.in_force import Board, InForce
from streams.runtime.lane import Pace
from streams.runtime.lanes import LaneOptions, Lanes
from streams.runtime.model_feed import ModelFeed
from streams.runtime.pipeline import PipelineEngine
from streams.runtime.state_files import StateFiles
from streams.runtime.ticks import EndOffsets, WallClock
from tests.deterministic.client import Client
from tests.deterministic.disk import runner
from tests.deterministic.group import HEARTBEAT_S, Joined, RejoinError
from tests.deterministic.loop import PROCESS, WORLD, Process
from tests.deterministic.source import FlowSource

if TYPE_CHECKING:
    from tests.deterministic.world import World

COMMIT_GROUP_S: Final = 1.0
STOP_PATIENCE_S: Final = 15.0
CHUNK_MAX: Final = 7


class RebalancedAgainError(Exception):
    """Another rebalance came while partitions were restored."""


class Message:
    """A chunk on its way through Faust."""

    def __init__(self, worker: "Worker", chunk: Chunk) -> None:
        self._worker, self._generation = worker, chunk.generation
        self._place = TopicPartition(chunk.topic, chunk.partition)
        self._next_offset = chunk.columns.next_offset

    def ack(self) -> None:
        """It is durable."""
        self._worker.delivery.acknowledge(self._place, self._generation, self._next_offset)
        self.drop()

    def drop(self) -> None:
        """Nobody waits for it."""
        self._worker.unacked.discard(self)
        self._worker.acked.set()


class Worker:
    """One process of the pipeline, from its start to its end."""

    def __init__(self, world: "World", number: int, life: int) -> None:
        self.world, self.number, self.member = world, number, number * 1000 + life
        self.process = Process(f"w{number}.{life}")
        self.client = Client(world.broker, self.process)
        self.generation, self.is_rebalancing, self.is_stopping = -1, False, False
        self.is_joining = False
        self.source = FlowSource(self.client, world.random)
        self.unacked: WeakSet[Message] = WeakSet()
        self.acked = asyncio.Event()
        self.must_rejoin = asyncio.Event()
        self.recovery_start = asyncio.Event()
        self.recovery: tuple[frozenset[int], int] = (frozenset(), -1)
        self.failure: BaseException | None = None
        self.tasks: list[asyncio.Task[Any]] = []
        self.board = Board(self._first(), self._tell)
        self.files = self._files()
        self.lanes = Lanes(self._options(), "winback-users", self, self.crash)
        self.delivery = Delivery(
            self, self.source, self.lanes.positions, CHUNK_MAX,
            held=self.lanes.held, must_read_again=self.lanes.must_read_again,
        )  # fmt: skip

    # -- what `roles.run_pipeline` puts together

    def _first(self) -> InForce:
        setting = self.world.setting
        rules = setting.rules[self.world.rules_version[self.number]]
        return InForce(
            rules, self.world.rules_version[self.number], setting.decoders, setting.first_scorer
        )

    def _tell(self) -> None:
        for lane in self.lanes.lanes.values():
            assert isinstance(lane.engine, PipelineEngine)
            lane.engine.refresh()
            lane.wake()

    def _options(self) -> LaneOptions:
        setting, world = self.world.setting, self.world
        return LaneOptions(
            cluster=self.client, sources=setting.sources,  # type: ignore[arg-type]
            changelog=setting.settings.topic_users_changelog, make_engine=self._engine,
            observer=world.observer,
            pace=Pace(interval_s=world.commit_interval_s, spent=world.loop.time),
            partition_counts=world.broker.partitions, ready=self._ready, state_files=self.files,
        )  # fmt: skip

    def _files(self) -> StateFiles | None:
        world = self.world
        if not world.has_files:
            return None
        return StateFiles(
            world.disks[self.number], world.setting.settings.topic_users_changelog,
            self._ask_id, every_s=0.1, worth_users=0,
            age_max_ms=world.file_age_max_ms, metrics=world.metrics,
            run=runner(world.random, asyncio.sleep), clock=lambda: world.wall_ms(self.number),
        )  # fmt: skip

    async def _ask_id(self) -> str:
        return await self.client.call(lambda: "a topic is made once in a world")

    async def _ready(self, _chunk: Chunk, is_wanted: Callable[[], bool]) -> bool:
        """Wait for a schema registry that is slow at times."""
        world = self.world
        if world.random.random() < world.unready_share:
            for _ in range(world.random.randint(1, 60)):
                await asyncio.sleep(0.05)
                if not is_wanted():
                    return False
        return True

    def _engine(self, partition: int) -> PipelineEngine:
        now, setting, world = self.board.now, self.world.setting, self.world
        core = Partition(
            partition, now.rules, now.scorer, of=world.partitions, clocks=setting.clocks
        )
        return PipelineEngine(
            core, lambda: self.board.now, setting.streams, world.metrics, world.notices,
            self.now_ms if world.is_live else None,
        )  # fmt: skip

    def now_ms(self) -> int:
        """Return what this process takes for the time."""
        return self.world.now_ms(self.number)

    # -- life

    def context(self) -> Context:
        """Return the context in which what is done belongs to this process."""
        context = WORLD.copy()
        context.run(PROCESS.set, self.process)
        return context

    def start(self) -> None:
        """Begin to live."""
        self._spawn(self._live(), "live")

    def _spawn(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        task = self.world.loop.spawn(self.process, work, f"{self.process.name}-{name}")
        task.add_done_callback(self._ended)
        self.tasks.append(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.crash(error)

    async def _live(self) -> None:
        world, setting = self.world, self.world.setting
        controls = ControlFeed(
            self.client, setting.settings, world.metrics,  # type: ignore[arg-type]
            lambda found: self.board.change(orders=found),
        )  # fmt: skip
        self._spawn(controls.follow(), "controls")
        await controls.wait_ready()
        if world.follows_models:
            feed = ModelFeed(
                self.client, setting.settings, self.board.now.rules, world.metrics,  # type: ignore[arg-type]
                lambda found: self.board.change(scorer=found),
                lambda found: self.board.change(policy=found),
            )  # fmt: skip
            self._spawn(feed.follow(), "models")
            await feed.wait_ready()
        for work in (
            self._drain(), self._feed_lanes(), self._recover(), self._belong(),
            self._heartbeat(), self._commit_for_ever(),
        ):  # fmt: skip
            self._spawn(work, work.__name__)
        idleness = IdleTopics(setting.streams.clocks) if len(setting.clocks) > 1 else None
        if world.is_live or idleness is not None:
            clock = WallClock(
                lambda: self.lanes.lanes, self._end_offsets, idleness, gives_ticks=world.is_live
            )
            self._spawn(clock.run(), "clock")
        if self.files is not None:
            self._spawn(self.files.keep(lambda: self.lanes.lanes), "files")

    def crash(self, error: BaseException) -> None:
        """Stop because of an error; whatever does not end soon is killed."""
        if self.failure is None:
            self.failure = error
            self.world.note(self.process, f"crashes: {error!r}")
            self.stop()

    def stop(self) -> None:
        """Leave, as on SIGTERM."""
        if not self.is_stopping:
            self.is_stopping = True
            self.source.suspended.set()
            self.world.loop.spawn(self.process, self._stop(), f"{self.process.name}-stop")
            self.world.loop.call_in(STOP_PATIENCE_S, self._kill)

    async def _stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        try:
            await self._commit()
            await self.lanes.close()
            await self.client.call(lambda: self.world.group.leave(self.member))
            if self.files is not None and self.failure is None:
                await self.files.leave(self.lanes.left)
        except Exception as error:  # noqa: BLE001 (it is leaving anyway)
            self.world.note(self.process, f"stops badly: {error!r}")
        self._kill()

    def _kill(self) -> None:
        if not self.process.is_dead:
            self.process.die()

    # -- the group, as aiokafka's coordinator and Faust's app go about it

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            generation = self.generation
            try:
                await self.client.call(
                    lambda: self.world.group.heartbeat(self.member, generation)  # noqa: B023
                )
            except RejoinError:
                if generation == self.generation and not self.is_joining:
                    self.must_rejoin.set()

    async def _belong(self) -> None:
        while True:
            self.is_rebalancing = True  # Set by Faust's thread, before the loop hears of it.
            await asyncio.sleep(self.world.random.choice((0.0, 0.02)))
            await self._revoked()
            self.is_joining = True
            answer = await self.client.call(lambda: self.world.group.join(self.member))
            joined = await answer
            self.generation, self.is_joining = joined.generation, False
            self.must_rejoin.clear()
            await self._assigned(joined)
            await self.must_rejoin.wait()
            self.must_rejoin.clear()

    async def _revoked(self) -> None:
        self.delivery.begin_revoke()
        self.lanes.hurry()
        try:
            if self.source.assigned:
                self.source.stop_flow()
                await self._wait_empty()
        finally:
            self.delivery.end_revoke()

    async def _wait_empty(self) -> None:
        rounds = 0
        while not self.is_stopping and self.unacked:
            rounds += 1
            if rounds % 10 == 0:
                gc.collect()
            await self._commit()
            if not self.unacked:
                break
            self.acked.clear()
            try:
                async with asyncio.timeout(1.0):
                    await self.acked.wait()
            except TimeoutError:
                continue
        await self._commit()

    async def _assigned(self, joined: Joined) -> None:
        await asyncio.sleep(0)
        sources = self.world.setting.sources
        self.source.assign(
            [TopicPartition(topic, number) for topic in sources for number in joined.partitions]
        )
        await asyncio.sleep(0)
        if joined.generation == self.generation:
            self.recovery = (joined.partitions, joined.generation)
            self.recovery_start.set()

    async def _recover(self) -> None:
        while True:
            await self.recovery_start.wait()
            self.recovery_start.clear()
            partitions, generation = self.recovery
            try:
                await self._unless_again(asyncio.sleep(0))
                self.source.resume_flow()
                await self._unless_again(self._restored(partitions, generation))
            except RebalancedAgainError:
                continue

    async def _restored(self, partitions: frozenset[int], generation: int) -> None:
        await self.lanes.own(set(partitions), generation)
        await asyncio.sleep(0)
        if self.generation != generation:
            return
        self.source.paused.clear()
        if self.source.assigned:
            await self._unless_again(self.delivery.seek())
        self.source.resume_flow()
        await asyncio.sleep(0)
        self.is_rebalancing = False

    async def _unless_again(self, work: Coroutine[Any, Any, Any]) -> None:
        """Wait for the end of something; a new recovery cancels it, and does not wait."""
        doing = asyncio.ensure_future(work)
        again = asyncio.ensure_future(self.recovery_start.wait())
        try:
            done, _ = await asyncio.wait([doing, again], return_when=asyncio.FIRST_COMPLETED)
            for future in done:
                future.result()
        finally:
            for future in (doing, again):
                if not future.done():
                    future.cancel()
        if again in done:
            raise RebalancedAgainError

    # -- the way to the lanes

    async def _drain(self) -> None:
        while not self.is_stopping:
            await self.delivery.turn()

    async def _feed_lanes(self) -> None:
        while True:
            chunk = await self.source.queue.get()
            if self.source.is_open and chunk.generation == self.generation:
                message = Message(self, chunk)
                self.unacked.add(message)
                await self.lanes.accept(chunk, message.ack, message.drop)
                del message

    # -- what is committed to the group

    async def _commit_for_ever(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_GROUP_S)
            await self._commit()

    async def _commit(self) -> None:
        taken = {}
        for place in self.delivery.acknowledged():
            offset = self.delivery.take_acknowledged(place)
            if offset is not None and place in self.source.assigned:
                taken[place] = offset
        if not taken:
            return
        generation = self.generation
        try:
            await self.client.call(lambda: self.world.commit(self.member, generation, taken))
        except (RejoinError, KafkaError):
            return

    # -- the clock

    async def _end_offsets(self) -> EndOffsets:
        positions = self.lanes.positions()
        if not positions or self.is_rebalancing:
            return {}
        logs = self.world.broker.logs
        try:
            found = await self.client.call(
                lambda: {place: logs[place].stable_end for place in positions}
            )
        except KafkaError:
            return {}
        ends: dict[int, dict[str, int]] = {}
        for place, end in found.items():
            ends.setdefault(place.partition, {})[place.topic] = end
        return ends
