"""Which fault happens when: all of it from one seed, so that a run can be had again."""

from enum import StrEnum
from random import Random
from typing import NamedTuple


class Fault(StrEnum):
    """What is done to a running deployment."""

    KILL = "kill"  # SIGKILL to a worker; another one is started
    TERM = "term"  # SIGTERM to a worker; another one is started
    JOIN = "join"  # one worker more, or, when there are enough, one less
    PAUSE = "pause"  # SIGSTOP for twice the session time-out, then SIGCONT
    BROKER_TERM = "broker-term"  # the broker is stopped, and started on the same port and data
    BROKER_KILL = "broker-kill"  # the same with SIGKILL


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


def plan(seed: int, begin_s: float, end_s: float, faults: int) -> list[Planned]:
    """Return faults spread over a span: each kind in turn, in a shuffled order, never two at once.

    Args:
        seed: Same seed, same plan.
        begin_s: Earliest instant.
        end_s: Latest instant.
        faults: How many.
    """
    chance = Random(seed)
    kinds: list[Fault] = []
    while len(kinds) < faults:
        deck = list(Fault)
        chance.shuffle(deck)
        kinds += deck
    gap_s = (end_s - begin_s) / faults
    return [
        Planned(
            begin_s + gap_s * (number + 0.5 * chance.random()),
            kind,
            chance.random(),
            chance.uniform(0.5, 3.0),
        )
        for number, kind in enumerate(kinds[:faults])
    ]
