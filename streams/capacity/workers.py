"""Thousands of virtual workers: what a bad hour does to a deployment, second by second.

A worker is what it owns, what it can do in a second, and until when it can do nothing: Kafka's
partitions and groups do the rest, as they are. Events arrive evenly by users, partitions are uneven
by a log-normal factor and one may be hot, and a partition moves only in a rebalance. Two protocols
of assignment are told apart: *eager*, where every worker stops while the group meets, and
*cooperative*, where only those partitions stop that move. The same seed gives the same hour.
"""

from enum import StrEnum
from math import ceil
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.capacity.plan import Capacity, network_per_s

F64 = NDArray[np.float64]
Rows = NDArray[np.intp]

STEP_S: Final = 1.0
JOIN_S: Final = 3.0
"""A group of hundreds meets for so long: heartbeats of 3 s tell the members to come."""
START_S: Final = 8.0
"""A process that starts imports, joins and asks for its share."""
BEHIND_S: Final = 10.0
"""A user whose partition is behind by more is counted as affected."""
LOOKED_S: Final = 300.0
"""So long is looked at least."""
SKEW: Final = 0.15
"""Sigma of the logarithm of a partition's load: keys of many users are even."""


class Protocol(StrEnum):
    """How partitions are dealt out anew."""

    EAGER = "eager"
    COOPERATIVE = "cooperative"


class Fleet(NamedTuple):
    """A deployment as the simulation sees it.

    Attributes:
        workers: Processes.
        partitions: Of the topic.
        events_per_s: Of all.
        users: With a state.
        able_per_s: Events that a worker can do in a second.
        restore_per_s: Users that a worker restores in a second.
        network_per_s: Users that the brokers can hand out in a second, all workers together.
        session_s: Until a worker that is dead is missed.
        protocol: Of the group.
        is_static: Members have names: who is back within the session has lost nothing.
        snapshot_share: Share of a state that need not come over the network after a restart.
    """

    workers: int
    partitions: int
    events_per_s: float
    users: int
    able_per_s: float
    restore_per_s: float
    network_per_s: float
    session_s: float = 45.0
    protocol: Protocol = Protocol.COOPERATIVE
    is_static: bool = True
    snapshot_share: float = 0.0


class Trouble(NamedTuple):
    """What happens.

    Attributes:
        name: In the words of the table.
        killed: Share of the workers that die and are not replaced; those of a zone first.
        restarted: Share of the workers that restart, in turn, so many at a time.
        at_a_time: Of these.
        joined: Workers that come, as a share of those there are.
        hot: Times the mean that the busiest partition has.
        away_s: Seconds that all are away.
    """

    name: str
    killed: float = 0.0
    restarted: float = 0.0
    at_a_time: int = 1
    joined: float = 0.0
    hot: float = 0.0
    away_s: float = 0.0


class Outcome(NamedTuple):
    """What came of it.

    Attributes:
        durable_s: From the trouble until every partition is being worked on again.
        lag_s: Most that a partition was behind, seconds of events.
        drained_s: From the trouble until nobody is more than a second behind; infinity = never.
        affected: Share of the users whose partition stood still or fell `BEHIND_S` behind.
    """

    durable_s: float
    lag_s: float
    drained_s: float
    affected: float


class Hours:
    """A fleet in the hours after one trouble.

    Args:
        fleet: What there is.
        trouble: What happens to it.
        seed: Of the uneven loads.
    """

    def __init__(self, fleet: Fleet, trouble: Trouble, seed: int = 1) -> None:
        self.fleet, self.trouble = fleet, trouble
        chance = np.random.default_rng(seed)
        load = np.exp(chance.normal(0.0, SKEW, fleet.partitions))
        if trouble.hot:
            load[0] = load.mean() * trouble.hot
        self.arriving: F64 = load / load.sum() * fleet.events_per_s
        self.owner: Rows = np.arange(fleet.partitions) % fleet.workers
        self.ready_s: F64 = np.zeros(fleet.partitions)
        self.able: F64 = np.full(fleet.workers, fleet.able_per_s)
        self.backlog: F64 = np.zeros(fleet.partitions)
        self.now_s = 0.0
        self.stood: NDArray[np.bool_] = np.zeros(fleet.partitions, np.bool_)
        self._waves: list[tuple[float, Rows]] = []

    def run(self, hours: float) -> Outcome:
        """Live through it."""
        self._strike()
        behind_s = np.zeros(self.fleet.partitions)
        lag_s = drained_s = 0.0
        while self.now_s < hours * 3_600.0:
            self._come_back()
            self.now_s += STEP_S
            self._work()
            behind_s = self.backlog / self.arriving
            lag_s = max(lag_s, float(behind_s.max()))
            if behind_s.max() > STEP_S:
                drained_s = self.now_s
            elif self.now_s > LOOKED_S and self._is_calm():
                break
        self.stood |= behind_s > BEHIND_S
        is_over = behind_s.max() <= STEP_S
        return Outcome(
            durable_s=float(self.ready_s.max()), lag_s=lag_s,
            drained_s=drained_s if is_over else float("inf"), affected=float(self.stood.mean()),
        )  # fmt: skip

    def _is_calm(self) -> bool:
        return not self._waves and bool((self.ready_s <= self.now_s).all())

    # -- what happens

    def _strike(self) -> None:
        trouble, fleet = self.trouble, self.fleet
        if trouble.away_s:
            self._restore(np.arange(fleet.partitions), trouble.away_s + START_S, is_home=True)
        if trouble.killed:
            gone = np.arange(ceil(fleet.workers * trouble.killed))
            self._lose(gone[: fleet.workers - 1])
        if trouble.joined:
            self._welcome(ceil(fleet.workers * trouble.joined))
        if trouble.restarted:
            workers = np.arange(ceil(fleet.workers * trouble.restarted))
            self._waves = [
                (0.0, workers[at : at + trouble.at_a_time])
                for at in range(0, len(workers), trouble.at_a_time)
            ]

    def _lose(self, gone: Rows) -> None:
        """Let workers die: after the session their partitions go to the others."""
        lost = np.flatnonzero(np.isin(self.owner, gone))
        left = np.setdiff1d(np.arange(len(self.able)), gone)
        self.able[gone] = 0.0
        self.owner[lost] = np.resize(left, len(lost))
        self._meet(self.fleet.session_s)
        self._restore(lost, self.fleet.session_s + self._meeting_s)

    def _welcome(self, count: int) -> None:
        """Let workers come: each takes an even share."""
        workers = len(self.able) + count
        moved = np.flatnonzero(np.arange(self.fleet.partitions) % workers >= len(self.able))
        self.owner[moved] = np.arange(self.fleet.partitions)[moved] % workers
        self.able = np.concatenate((self.able, np.full(count, self.fleet.able_per_s)))
        self._meet(0.0)
        self._restore(moved, self._meeting_s)

    def _come_back(self) -> None:
        """Let the next of those who restart in turn go, when the ones before are ready."""
        if not self._waves or (self.ready_s > self.now_s).any():
            return
        _, workers = self._waves.pop(0)
        own = np.flatnonzero(np.isin(self.owner, workers))
        if not self.fleet.is_static:  # A name that is new: the group meets twice.
            self._meet(self.now_s)
            self._meet(self.now_s + START_S)
        self._restore(own, self.now_s + START_S, is_home=True)

    # -- the group

    @property
    def _meeting_s(self) -> float:
        """How long the group meets: once if all stop, twice if only what moves does."""
        return JOIN_S * (1 if self.fleet.protocol is Protocol.EAGER else 2)

    def _meet(self, at_s: float) -> None:
        """Let the group meet; where it is eager everybody stops for that long."""
        if self.fleet.protocol is Protocol.EAGER:
            self.ready_s = np.maximum(self.ready_s, at_s + JOIN_S)
            self.stood[:] = True

    def _restore(self, parts: Rows, from_s: float, *, is_home: bool = False) -> None:
        """Restore partitions on their owners, who share the network of the brokers."""
        fleet = self.fleet
        users = fleet.users / fleet.partitions
        users *= 1.0 - fleet.snapshot_share * is_home
        owners, counts = np.unique(self.owner[parts], return_counts=True)
        rate = min(fleet.restore_per_s, fleet.network_per_s / max(1, len(owners)))
        for owner, count in zip(owners.tolist(), counts.tolist(), strict=True):
            mine = parts[self.owner[parts] == owner]
            self.ready_s[mine] = from_s + count * users / rate
        self.stood[parts] = True

    # -- a second

    def _work(self) -> None:
        """Let events arrive, and every worker do what it can, the longest backlog first."""
        self.backlog += self.arriving * STEP_S
        is_up = self.ready_s <= self.now_s
        wanted = np.where(is_up, self.backlog, 0.0)
        asked = np.bincount(self.owner, wanted, minlength=len(self.able))
        share = np.minimum(1.0, self.able * STEP_S / np.maximum(asked, 1e-9))
        self.backlog -= wanted * share[self.owner]
        self.stood |= self.backlog > BEHIND_S * self.arriving


TROUBLES: Final = (
    Trouble("one worker killed", killed=1e-9),
    Trouble("a tenth more workers join", joined=0.1),
    Trouble("rolling restart, a twentieth at a time", restarted=1.0, at_a_time=-20),
    Trouble("rolling restart, a tenth at a time", restarted=1.0, at_a_time=-10),
    Trouble("a zone lost", killed=1.0 / 3.0),
    Trouble("everything restarts", away_s=1.0),
    Trouble("all are away for ten minutes", away_s=600.0),
    Trouble("one partition has 10 times the mean", hot=10.0),
    Trouble("one partition has 100 times the mean", hot=100.0),
)
"""What is looked at."""


def fleet_of(found: Capacity) -> Fleet:
    """Return a deployment as the simulation sees it, at its peak."""
    load, costs, workers, kafka = found.load, found.costs, found.workers, found.kafka
    return Fleet(
        workers=workers.count, partitions=workers.partitions, events_per_s=load.peak_per_s,
        users=load.users, able_per_s=1e6 / costs.pipeline_us, restore_per_s=costs.restore_per_s,
        network_per_s=network_per_s(load, costs, kafka), session_s=load.session_s,
    )  # fmt: skip


def lived(fleet: Fleet, trouble: Trouble, seed: int = 1, hours: float = 1.0) -> Outcome:
    """Return what comes of a trouble; ``at_a_time`` below 0 is a share of the workers."""
    if trouble.at_a_time < 0:
        trouble = trouble._replace(at_a_time=ceil(fleet.workers / -trouble.at_a_time))
    return Hours(fleet, trouble, seed).run(hours)
