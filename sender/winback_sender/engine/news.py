"""What the reader tells the main thread about partitions and records."""

from typing import NamedTuple

from winback_sender.engine.inbox import Letter


class Assigned(NamedTuple):
    """A partition is ours, from an offset on; nothing of it may begin before `CaughtUp`."""

    partition: int
    position: int


class Letters(NamedTuple):
    """Records, in the order of each partition."""

    letters: list[Letter]


class CaughtUp(NamedTuple):
    """A partition was read to the end that it had."""

    partition: int


class Rewound(NamedTuple):
    """From here on a partition comes again from where it had found no room."""

    partition: int


class Uncommitted(NamedTuple):
    """Offsets of these partitions could not be committed."""

    partitions: frozenset[int]


class Leaving(NamedTuple):
    """Partitions go to another sender once `Rebalance.let_go` was called."""

    partitions: frozenset[int]


class Gone(NamedTuple):
    """Partitions that are no longer ours."""

    partitions: frozenset[int]


News = Assigned | Letters | CaughtUp | Rewound | Uncommitted | Leaving | Gone
