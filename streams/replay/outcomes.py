"""What became of the users that were scored or alerted, as far as the log itself can tell.

An outcome counts only when the log goes on for H after it; the end of every log is censored.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from models.prequential import auc
from streams.replay.fleet import Accepted
from streams.replay.gaps import NO_GAPS, Gaps
from streams.replay.points import Points
from streams.replay.report.short import in_short
from streams.replay.report.silences import Activities, Names
from streams.replay.ties import person

NOBODY: Final[Mapping[str, str]] = MappingProxyType({})


class PointOutcomes:
    """Whether the users of points were active within H.

    Attributes:
        next_ms: By place of a point, when its user was active again, epoch ms UTC.
    """

    def __init__(self, points: Points | None, horizon_ms: int, gaps: Gaps = NO_GAPS) -> None:
        self.points = points
        self.gaps = gaps
        self.horizon_ms = horizon_ms
        self._waiting: defaultdict[str, list[int]] = defaultdict(list)
        self.next_ms: dict[int, int] = {}

    def wait(self, places: list[int]) -> None:
        """Wait for the next activity of the users of points."""
        assert self.points is not None
        for place in places:
            self._waiting[self.points.rows[place].user_id].append(place)

    def see(self, accepted: Accepted, given_up: Mapping[str, str] = NOBODY) -> None:
        """Look through the events of a block; points scored inside the block are in it already.

        Args:
            accepted: The block.
            given_up: Each id that was given up by now to the one that took it over.
        """
        if not self._waiting or self.points is None:
            return
        rows = self.points.rows
        for user_id in given_up.keys() & self._waiting.keys():
            self._waiting[person(user_id, given_up)] += self._waiting.pop(user_id)
        for own_id, at_ms in zip(accepted.user_ids, accepted.times_ms, strict=True):
            user_id = person(own_id, given_up) if given_up else own_id
            if user_id in self._waiting:
                left = []
                for place in self._waiting.pop(user_id):
                    if at_ms >= rows[place].at_ms:
                        self.next_ms[place] = at_ms
                    else:
                        left.append(place)
                if left:
                    self._waiting[user_id] = left

    def grades(self, newest_ms: int) -> dict[str, Any]:
        """Return AUC of the scores beside that of recency, over points whose outcome is known."""
        assert self.points is not None
        said, rows = self.points.said, self.points.rows
        scored = np.flatnonzero(~np.isnan(said)).tolist()
        at_ms = np.array([float(rows[place].at_ms) for place in scored])
        users = [rows[place].user_id for place in scored]
        until_ms = at_ms + self.horizon_ms
        is_known = (until_ms <= newest_ms) & self.gaps.is_seen(users, at_ms, until_ms)
        known = [place for place, is_it in zip(scored, is_known.tolist(), strict=True) if is_it]
        left = np.array(
            [
                self.next_ms.get(place, newest_ms + self.horizon_ms) - rows[place].at_ms
                >= self.horizon_ms
                for place in known
            ],
            np.bool_,
        )
        out: dict[str, Any] = {
            "asked": len(rows),
            "scored": len(scored),
            "outcome_known": len(known),
        }
        if known:
            out |= {
                "churned": _rounded(float(left.mean())),
                "auc": _rounded(auc(said[known], left)),
                "auc_of_recency": _rounded(auc(self.points.recency_ms[known], left)),
                "mean_probability": _rounded(float(said[known].mean())),
            }
        return out


class SilenceOutcomes:
    """Alerts held beside the rule "silent for x days", on the silences of a log."""

    def __init__(self, horizon_ms: int, min_active_days: int, since_ms: int) -> None:
        self._horizon_ms, self._min_active_days = horizon_ms, min_active_days
        self._since_ms = since_ms
        self._names = Names()
        self._activities = Activities(self._names)

    def see(self, accepted: Accepted) -> None:
        """Note what the users of a block did."""
        self._activities.see(accepted)

    def grades(self, alerts: Mapping[str, Sequence[int]], newest_ms: int) -> dict[str, Any]:
        """Return precision, recall and delay of alerts beside the rule that gives as many.

        The delay is the silence at the alert, in days, as the median of the right alerts; for the
        rule it is the rule itself.
        """
        silences = self._activities.silences(
            horizon_ms=self._horizon_ms,
            min_active_days=self._min_active_days,
            since_ms=self._since_ms,
            newest_ms=newest_ms,
        )
        rows = [(user_id, float(at_ms)) for user_id, times in alerts.items() for at_ms in times]
        user = np.array(self._names.numbers([user_id for user_id, _ in rows]), np.intp)
        return in_short(silences, user, np.array([at_ms for _, at_ms in rows]))


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)
