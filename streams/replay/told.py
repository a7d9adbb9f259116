"""What passes between a back-test and those who run its shares; all of it can be pickled."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.rules import Rules
from streams.core.scoring import F64, Reasons
from streams.replay.blocks import Block
from streams.replay.gaps import Gaps
from streams.replay.points import Points
from winback_sender.contract.messages import Output


class OneShareError(Exception):
    """The log cannot be shared out: a row of it concerns users of several shares."""


class Setup(NamedTuple):
    """What a share has to know.

    Attributes:
        rules: The business rules.
        points: Who is to be scored when; of all shares.
        gaps: What is known to be missing; of all shares.
        partitions: How many partitions the service has.
        own: Numbers of those that are this share's.
        now_ms: Record timestamp of all events, epoch ms UTC.
        is_live: Whether scores and alerts are wanted, beyond those of points.
    """

    rules: Rules
    points: Points | None
    gaps: Gaps
    partitions: int
    own: Sequence[int]
    now_ms: int
    is_live: bool

    @property
    def is_whole(self) -> bool:
        """Whether it is the only share."""
        return len(self.own) == self.partitions


class Task(NamedTuple):
    """A slice of a log, the rows of one share.

    Attributes:
        block: The rows.
        cuts: Instants at which the states of points are wanted.
        until_ms: Every timer before this fires; None = time is not pushed on.
        newest_ms: Newest event time of the whole log so far; None = none yet.
        is_last: Nothing follows.
    """

    block: Block
    cuts: list[int]
    until_ms: int | None
    newest_ms: int | None
    is_last: bool


class Asked(NamedTuple):
    """States of points at an instant: their places, and heads of shape (places, WIDTH)."""

    at_ms: int
    places: list[int]
    heads: F64


class Taught(NamedTuple):
    """What a slice taught.

    Attributes:
        lessons: Records for the learner.
        asked: States of points.
        names: Users who were never named before, in order; they get the next numbers.
        rows: Shape (inputs,): row of each in the file.
        users: Shape (inputs,): number of the user.
        at_ms: Shape (inputs,): event time.
        is_act: Shape (inputs,): whether it is an activity.
        sources: Row, user and acquisition source, where one was told.
    """

    lessons: list[Output]
    asked: list[Asked]
    names: list[str]
    rows: NDArray[np.int64]
    users: NDArray[np.intc]
    at_ms: F64
    is_act: NDArray[np.bool_]
    sources: list[tuple[int, str, str]]


class Alert(NamedTuple):
    """A case that was opened: of whom, when, in what state, and what speaks for it."""

    user_id: str
    at_ms: int
    head: F64
    reasons: Reasons


class Judged(NamedTuple):
    """What was thought of users in a slice.

    Attributes:
        names: As in `Taught`.
        users: Shape (scores,): number of the user.
        at_ms: Shape (scores,).
        reach: Shape (scores,): P(this silence reaches H).
        alerts: Cases that were opened.
    """

    names: list[str]
    users: NDArray[np.intc]
    at_ms: F64
    reach: F64
    alerts: list[Alert]


class Ended(NamedTuple):
    """What a share came to: counts, users, and by place of a point its user's next activity."""

    counts: Counter[str]
    users: int
    next_ms: dict[int, int]
