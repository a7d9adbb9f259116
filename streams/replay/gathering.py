"""What the shares of a back-test say, as one: in the order of the log, or of time."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.scoring import F64
from streams.replay.report.silences import Names, Rows
from streams.replay.told import Alert, Judged, Taught


class Acts(NamedTuple):
    """Activities in the order of the log: numbers of users and instants, shape (n,)."""

    users: Rows
    at_ms: F64


class Scores(NamedTuple):
    """P(this silence reaches H) at rescores, in the order of time, then of users, shape (n,)."""

    users: Rows
    at_ms: F64
    reach: F64


class Gathering:
    """Knows users by one number each, whichever share they are in.

    Args:
        names: Gives the numbers, in the order in which users come in the log.
        shares: How many there are.
    """

    def __init__(self, names: Names, shares: int) -> None:
        self._names = names
        self._numbers: list[NDArray[np.intp]] = [np.empty(0, np.intp) for _ in range(shares)]

    def acts(self, parts: Sequence[Taught]) -> Acts:
        """Return what users did in a slice."""
        news: list[tuple[int, str]] = []
        for known, part in zip(self._numbers, parts, strict=True):
            is_new = part.users >= len(known)
            _, first = np.unique(part.users[is_new], return_index=True)
            news += zip(part.rows[is_new][first].tolist(), part.names, strict=True)
        self._names.numbers([name for _, name in sorted(news)])
        for share, part in enumerate(parts):
            self._name(share, part.names)
        rows = np.concatenate([part.rows[part.is_act] for part in parts])
        users = np.concatenate(
            [known[part.users[part.is_act]]
             for known, part in zip(self._numbers, parts, strict=True)]
        )  # fmt: skip
        at_ms = np.concatenate([part.at_ms[part.is_act] for part in parts])
        order = np.argsort(rows, kind="stable")
        return Acts(users[order], at_ms[order])

    def scores(self, parts: Sequence[Judged]) -> Scores:
        """Return what was thought of users in a slice."""
        for share, part in enumerate(parts):
            self._name(share, part.names)
        users = np.concatenate(
            [known[part.users] for known, part in zip(self._numbers, parts, strict=True)]
        )
        at_ms = np.concatenate([part.at_ms for part in parts])
        order = np.lexsort((users, at_ms))
        reach = np.concatenate([part.reach for part in parts])
        return Scores(users[order], at_ms[order], reach[order])

    def _name(self, share: int, names: list[str]) -> None:
        if names:
            numbers = np.array(self._names.numbers(names), np.intp)
            self._numbers[share] = np.concatenate((self._numbers[share], numbers))


def alerts_of(parts: Sequence[Judged]) -> list[Alert]:
    """Return the cases that were opened in a slice, in the order of time, then of users."""
    alerts = [alert for part in parts for alert in part.alerts]
    return sorted(alerts, key=lambda alert: (alert.at_ms, alert.user_id))
