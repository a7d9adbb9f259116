"""What became of the users that were scored or alerted, as far as the log itself can tell.

An outcome counts only when the log goes on for H after it; the end of every log is censored.
"""

from collections import defaultdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.prequential import auc
from streams.core.time import DAY_MS
from streams.replay.fleet import Accepted
from streams.replay.points import Points

Floats = NDArray[np.float64]

RULE_DAYS: Final = (0.5, 1, 2, 3, 4, 5, 7, 10, 14, 18, 21, 25, 30, 45, 60, 90)
"""Rules "silent for more than x days" that alerts are compared with."""


class PointOutcomes:
    """Whether the users of points were active within H."""

    def __init__(self, points: Points | None, horizon_ms: int) -> None:
        self.points = points
        self.horizon_ms = horizon_ms
        self._waiting: defaultdict[str, list[int]] = defaultdict(list)
        self._next_ms: dict[int, int] = {}

    def wait(self, places: list[int]) -> None:
        """Wait for the next activity of the users of points."""
        assert self.points is not None
        for place in places:
            self._waiting[self.points.rows[place].user_id].append(place)

    def see(self, accepted: Accepted) -> None:
        """Look through the events of a block; points scored inside the block are in it already."""
        if not self._waiting or self.points is None:
            return
        rows = self.points.rows
        for user_id, at_ms in zip(accepted.user_ids, accepted.times_ms, strict=True):
            if user_id in self._waiting:
                left = []
                for place in self._waiting.pop(user_id):
                    if at_ms >= rows[place].at_ms:
                        self._next_ms[place] = at_ms
                    else:
                        left.append(place)
                if left:
                    self._waiting[user_id] = left

    def grades(self, newest_ms: int) -> dict[str, Any]:
        """Return AUC of the scores beside that of recency, over points whose outcome is known."""
        assert self.points is not None
        said, rows = self.points.said, self.points.rows
        scored = np.flatnonzero(~np.isnan(said)).tolist()
        known = [place for place in scored if rows[place].at_ms + self.horizon_ms <= newest_ms]
        left = np.array(
            [
                self._next_ms.get(place, newest_ms + self.horizon_ms) - rows[place].at_ms
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
    """Every silence of eligible users, to hold alerts beside the rule "silent for x days".

    A silence begins with an activity and ends with the next; it is lost when it reaches H.
    """

    def __init__(self, horizon_ms: int, min_active_days: int, since_ms: int) -> None:
        self.horizon_ms = horizon_ms
        self.min_active_days = min_active_days
        self.since_ms = since_ms
        self._users: dict[str, tuple[int, int]] = {}
        self._silences: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)

    def see(self, accepted: Accepted) -> None:
        """Note the silences that the events of a block end."""
        users = self._users
        least = int(min(RULE_DAYS) * DAY_MS)
        for user_id, at_ms in zip(accepted.user_ids, accepted.times_ms, strict=True):
            last_ms, days = users.get(user_id, (-DAY_MS, 0))
            if days >= self.min_active_days and at_ms - last_ms > least:
                self._silences[user_id].append((last_ms, float(at_ms - last_ms)))
            users[user_id] = (at_ms, days + (at_ms // DAY_MS != last_ms // DAY_MS))

    def grades(self, alerts: dict[str, list[int]], newest_ms: int) -> dict[str, Any]:
        """Return precision, recall and delay of alerts beside the rule that gives as many.

        The delay is the silence at the alert, in days, as the median of the right alerts; for the
        rule it is the rule itself.
        """
        for user_id, (last_ms, days) in self._users.items():
            if days >= self.min_active_days:
                self._silences[user_id].append((last_ms, float("inf")))
        until_ms = newest_ms - self.horizon_ms
        inside = {
            (user_id, start_ms): length_ms
            for user_id, silences in self._silences.items()
            for start_ms, length_ms in silences
            if self.since_ms <= start_ms <= until_ms
        }
        hits, delays_ms = self._hits(alerts, inside)
        lengths = np.array(list(inside.values()))
        lost = int(np.count_nonzero(lengths >= self.horizon_ms))
        out: dict[str, Any] = {
            "cases_opened": sum(map(len, alerts.values())),
            "silences_lost": lost,
            "project": _graded(hits, lost, self.horizon_ms)
            | {"delay_days_median": _median_days(delays_ms[hits >= self.horizon_ms])},
        }
        rules = {
            days: lengths[lengths > days * DAY_MS]
            for days in RULE_DAYS
            if days * DAY_MS < self.horizon_ms
        }
        if len(hits) and rules:
            nearest = min(rules, key=lambda days: abs(len(rules[days]) - len(hits)))
            rule = _graded(rules[nearest], lost, self.horizon_ms)
            out["silence_rule"] = {"silent_more_than_days": nearest} | rule
        return out

    def _hits(
        self, alerts: dict[str, list[int]], inside: dict[tuple[str, int], float]
    ) -> tuple[Floats, Floats]:
        """Return the silences in which an alert came, each once: length, and silence till it came.

        Both in ms; of several alerts in a silence the first counts.
        """
        starts = {
            user_id: np.array([start_ms for start_ms, _ in silences])
            for user_id, silences in self._silences.items()
        }
        found: dict[tuple[str, int], tuple[float, float]] = {}
        for user_id, times in alerts.items():
            for at_ms in sorted(times):
                place = int(np.searchsorted(starts.get(user_id, np.empty(0)), at_ms, "right")) - 1
                if place < 0:
                    continue
                key = (user_id, int(starts[user_id][place]))
                length_ms = inside.get(key)
                if length_ms is not None and at_ms - key[1] < min(length_ms, self.horizon_ms):
                    found.setdefault(key, (length_ms, at_ms - key[1]))
        hits = np.array(list(found.values())).reshape(len(found), 2)
        return hits[:, 0], hits[:, 1]


def _median_days(delays_ms: Floats) -> float | None:
    return round(float(np.median(delays_ms)) / DAY_MS, 2) if len(delays_ms) else None


def _graded(lengths: Floats, lost: int, horizon_ms: int) -> dict[str, Any]:
    right = int(np.count_nonzero(lengths >= horizon_ms))
    return {
        "alerts": len(lengths),
        "precision": _rounded(right / len(lengths)) if len(lengths) else None,
        "recall": _rounded(right / lost) if lost else None,
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)
