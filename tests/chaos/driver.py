"""Run a deployment on a real Kafka, feed it, and break it by plan."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from benchmarks.stand import NotInTimeError, wait_until
from tests.chaos.deployment import WORKERS_MIN, Deployment, Kafka, Means, Say, Setting
from tests.chaos.oracle import Journal
from tests.chaos.schedule import Planned

FEED_PATIENCE_S: Final = 300.0
DRAIN_PATIENCE_S: Final = 300.0
QUIET_S: Final = 5.0
"""So long nothing must have been left to read before a run is over."""


class Ended(NamedTuple):
    """What a run came to, before anybody has looked at the results.

    Attributes:
        events: Events that were fed.
        events_per_s: The rate at which they were.
        faults: Faults that were done.
        undone: Faults that were not, because what they need was not there.
        crashes: Workers that ended by themselves, with the end of their log.
        seconds: From the first event until all was durable.
    """

    events: int
    events_per_s: float
    faults: int
    undone: list[str]
    crashes: list[str]
    seconds: float


class Progress(Protocol):
    """Whoever knows how far what was fed is durable."""

    def is_complete(self) -> bool:
        """Whether all of it is."""

    def close(self) -> None:
        """Disconnect."""


class Chaos:
    """A deployment under faults; ``run`` returns when everything that was fed is durable.

    Args:
        kafka: A broker that may be broken.
        directory: For logs and results.
        setting: What is run.
        say: Told every fault.
        means: What some faults need.

    Attributes:
        follow: Looks, at an address of Kafka, how far what is fed is durable.
    """

    def __init__(
        self, kafka: Kafka, directory: Path, setting: Setting, say: Say, means: Means | None = None
    ) -> None:
        self.deployment = Deployment(kafka, directory, setting, say, means or Means())
        self.stand = self.deployment.stand
        self.follow: Callable[[str], Progress] = Journal
        self._quiet_s = time.monotonic()

    def run(self, plan: list[Planned]) -> Ended:
        """Feed the log, do the faults, wait for the end."""
        with self.stand as stand:
            stand.run("topics", "apply")
            self._start()
            return self._finish(self._feed(plan), len(plan))

    def go_on(self) -> Ended:
        """Run on what has been fed already."""
        with self.stand:
            self._start()
            self.deployment.begin()
            return self._finish({"events": 0, "events_per_s": 0}, 0)

    def _start(self) -> None:
        for _ in range(WORKERS_MIN):
            self.deployment.start()
        for worker in self.stand.workers:
            worker.wait_ready()

    def _finish(self, fed: dict[str, int], faults: int) -> Ended:
        """Wait until everything is durable, and end the workers."""
        deployment, stand = self.deployment, self.stand
        progress = self.follow(stand.bootstrap)
        try:
            wait_until(
                "everything durable", lambda: deployment.tend() or progress.is_complete(),
                DRAIN_PATIENCE_S, poll_s=0.2,
            )  # fmt: skip
            wait_until(
                "nothing under way", lambda: deployment.tend() or self._is_settled(),
                DRAIN_PATIENCE_S, poll_s=0.5,
            )  # fmt: skip
        except NotInTimeError:
            for worker in stand.running():
                deployment.say(f"{worker.name}: {worker.page('/health')} {worker.metrics()}")
            raise
        finally:
            progress.close()
        seconds = deployment.elapsed_s
        for worker in stand.running():
            worker.end()
        undone = deployment.undone
        return Ended(
            fed["events"], fed["events_per_s"], faults - len(undone), undone,
            deployment.crashes, seconds,
        )  # fmt: skip

    def _is_settled(self) -> bool:
        """Return whether no worker has anything to read, also of what the lanes tell each other.

        How far there is to go is asked for every two seconds.
        """
        if not self.deployment.is_whole:
            return False
        for worker in self.stand.running():
            page = worker.page("/health")
            said = {} if page is None else json.loads(page)
            if said.get("lag_records") != 0 or said.get("pending_records") != 0:
                self._quiet_s = time.monotonic()
        return time.monotonic() - self._quiet_s > QUIET_S

    def _feed(self, plan: list[Planned]) -> dict[str, int]:
        deployment, setting = self.deployment, self.deployment.setting
        feed = self.stand.start(
            "feed", setting.log, "--rate", str(setting.rate), "--quiet", "--json"
        )
        assert feed.stdout is not None
        deployment.begin()
        latest_s = FEED_PATIENCE_S + (plan[-1].at_s if plan else 0.0)
        try:
            left = list(plan)
            while left or deployment.is_broken or feed.poll() is None:
                is_due = bool(left) and deployment.planned_s >= left[0].at_s
                if is_due and deployment.has_victim:
                    deployment.do(left.pop(0))
                deployment.tend()
                time.sleep(0.02)
                assert deployment.elapsed_s < latest_s, "the feed hangs"
            said = feed.stdout.read()
        finally:
            feed.kill()
            feed.wait()
        assert feed.returncode == 0, f"the feed ended with {feed.returncode}"
        fed: dict[str, int] = json.loads(said)
        deployment.say(f"fed {fed['events']} events at {fed['events_per_s']}/s")
        return fed
