"""Whatever is done to workers and broker: no state wrong, no output lost, none twice."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from streams.runtime.embedded.fixture import EmbeddedKafka
from tests.integration.lane.harness import (
    PARTITIONS,
    SESSION_TIMEOUT_S,
    USERS,
    Feed,
    Worker,
    judge,
    make_topics,
)

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(110)]

RATE = 3000


class World:
    """Workers on one Kafka, under one name."""

    def __init__(self, bootstrap: str, directory: Path) -> None:
        self.bootstrap, self.directory = bootstrap, directory
        self.app_id = f"toy-{uuid4().hex[:8]}"
        self.workers: list[Worker] = []
        make_topics(bootstrap, self.app_id)

    def join(self) -> Worker:
        worker = Worker(self.bootstrap, self.app_id, self.directory, len(self.workers))
        self.workers.append(worker)
        worker.wait_ready()
        return worker

    def check(self, events: int, trouble: Callable[[], None], patience_s: float = 25) -> None:
        """Feed while there is trouble; then every count and output must be right."""

        async def story() -> None:
            feed = Feed(self.bootstrap, self.app_id, RATE)
            await asyncio.gather(feed.run(events), asyncio.to_thread(trouble))
            verdict = await judge(self.bootstrap, self.app_id, events, patience_s)
            words = "\n".join(worker.words.read_text()[-2000:] for worker in self.workers)
            assert sum(feed.sent.values()) == events
            assert verdict.wrong(feed.sent) == {}, words
            assert verdict.lost(feed.sent) == []
            assert verdict.doubled() == []
            assert len(verdict.counts) == USERS
            assert len(verdict.applied) == PARTITIONS

        asyncio.run(story())


@contextmanager
def world(bootstrap: str, directory: Path) -> Iterator[World]:
    made = World(bootstrap, directory)
    try:
        yield made
    finally:
        for worker in made.workers:
            worker.stop()


def pause(seconds: float) -> None:
    asyncio.run(asyncio.sleep(seconds))


def test_join_kill_and_leave(kafka: str, tmp_path: Path) -> None:
    """A second worker joins, the first is killed with -9, a third joins, the second leaves."""
    with world(kafka, tmp_path) as here:
        first = here.join()

        def trouble() -> None:
            pause(1)
            second = here.join()
            pause(1)
            first.process.kill()
            pause(SESSION_TIMEOUT_S + 1)
            here.join()
            pause(0.5)
            assert second.stop() == 0

        here.check(27_000, trouble)


def test_a_zombie_is_fenced(kafka: str, tmp_path: Path) -> None:
    """A worker that slept for twice its session time-out wakes up, and must not write."""
    with world(kafka, tmp_path) as here:
        sleeper = here.join()
        here.join()

        def trouble() -> None:
            pause(1.5)
            sleeper.send(signal.SIGSTOP)
            pause(2 * SESSION_TIMEOUT_S + 1)
            sleeper.send(signal.SIGCONT)
            pause(2)

        here.check(27_000, trouble)
        # It was fenced in the middle of a commit, or had none under way and joined again.
        assert sleeper.process.poll() in {None, 1}, sleeper.words.read_text()


@pytest.mark.slow
def test_the_broker_is_killed_and_comes_back(tmp_path: Path) -> None:
    """The group's and the transactions' coordinator go with it.

    A worker whose session ended meanwhile may find its partitions taken and end, fenced; at least
    one lives through it.
    """
    with EmbeddedKafka() as own, world(own.bootstrap, tmp_path) as here:
        here.join()
        here.join()

        def trouble() -> None:
            pause(1.5)
            own.kill()
            pause(1.5)
            own.start()
            pause(2)

        here.check(24_000, trouble, patience_s=45)
        ends = [worker.process.poll() for worker in here.workers]
        assert None in ends
        assert set(ends) <= {None, 1}
