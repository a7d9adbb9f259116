"""Which fault happens when: all of it from one seed, so that a run can be had again."""

from collections.abc import Sequence
from enum import StrEnum
from random import Random
from typing import Final, NamedTuple


class Fault(StrEnum):
    """What is done to a running deployment."""

    KILL = "kill"  # SIGKILL to a worker; another one is started
    TERM = "term"  # SIGTERM to a worker; another one is started
    JOIN = "join"  # one worker more, or, when there are enough, one less
    PAUSE = "pause"  # SIGSTOP for twice the session time-out, then SIGCONT
    BROKER_TERM = "broker-term"  # the broker is stopped, and started on the same port and data
    BROKER_KILL = "broker-kill"  # the same with SIGKILL
    CUT = "cut"  # a worker's network, for twice the session time-out
    CUT_UP = "cut-up"  # the same, but only what it sends is held back
    CUT_DOWN = "cut-down"  # the same, but only what it is answered: it cannot know what was done
    SLOW = "slow"  # a worker's network: 100 ms and 256 KB/s each way, for thrice the session
    STORM = "storm"  # every second somebody comes or goes
    DISK_FULL = "disk-full"  # not a byte more on the broker's disk; then there is room again


PLAIN: Final = (
    Fault.KILL, Fault.TERM, Fault.JOIN, Fault.PAUSE, Fault.BROKER_TERM, Fault.BROKER_KILL,
)  # fmt: skip
"""What needs nothing but processes."""
LINKED: Final = (Fault.CUT, Fault.CUT_UP, Fault.CUT_DOWN, Fault.SLOW)
"""What needs a link between each worker and the broker."""


class Planned(NamedTuple):
    """One fault.

    Attributes:
        at_s: When, seconds after the feed began.
        fault: What.
        choice: Which worker, as a share of those that run.
        rest_s: How long the broken thing stays away.
    """

    at_s: float
    fault: Fault
    choice: float
    rest_s: float


def plan(
    seed: int, begin_s: float, end_s: float, faults: int, kinds: Sequence[Fault] = PLAIN
) -> list[Planned]:
    """Return faults spread over a span: each kind in turn, in a shuffled order, never two at once.

    Args:
        seed: Same seed, same plan.
        begin_s: Earliest instant.
        end_s: Latest instant.
        faults: How many.
        kinds: Of which kinds; one that stands twice comes twice as often.
    """
    chance = Random(seed)
    drawn: list[Fault] = []
    while len(drawn) < faults:
        deck = list(kinds)
        chance.shuffle(deck)
        drawn += deck
    gap_s = (end_s - begin_s) / faults
    return [
        Planned(
            begin_s + gap_s * (number + 0.5 * chance.random()),
            kind,
            chance.random(),
            chance.uniform(0.5, 3.0),
        )
        for number, kind in enumerate(drawn[:faults])
    ]
