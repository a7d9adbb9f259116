"""Alerts beside the rule "silent for more than x days": the unit is one silence of a user.

A silence is the time between two neighbouring events of a user. An alert is right when the silence
in which it came reaches H.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.quality.logs import DAY_MS, Log, instants_ms


class Silences(NamedTuple):
    """Silences that count, sorted by user and begin.

    Attributes:
        names: User id to its number.
        users: Shape (n,).
        start_ms: Shape (n,).
        days: Shape (n,): how long; inf = to the end of the log.
        horizon_days: H.
    """

    names: dict[str, int]
    users: np.ndarray
    start_ms: np.ndarray
    days: np.ndarray
    horizon_days: int


class Said(NamedTuple):
    """What was said within silences, by time: silence, days of it that had passed, probability."""

    silence: np.ndarray
    delay: np.ndarray
    probability: np.ndarray


def silences(log: Log, since: str, horizon_days: int, min_active_days: int) -> Silences:
    """Return the silences that begin after an instant, their first H inside the log.

    Only those count at whose begin the user has enough active days.
    """
    order = np.lexsort((log.at_ms, log.users))
    users, at_ms = log.users[order], log.at_ms[order]
    is_first = np.append(True, users[1:] != users[:-1])
    is_new_day = is_first | (at_ms // DAY_MS != np.roll(at_ms // DAY_MS, 1))
    days_so_far = np.cumsum(is_new_day)
    before = (days_so_far - is_new_day)[is_first]
    active_days = days_so_far - before[np.cumsum(is_first) - 1]
    length = np.full(len(users), np.inf)
    length[:-1] = np.where(is_first[1:], np.inf, np.diff(at_ms) / DAY_MS)
    counts = at_ms >= instants_ms([since])[0]
    counts &= at_ms <= log.at_ms.max() - horizon_days * DAY_MS
    counts &= active_days >= min_active_days
    names = {name: place for place, name in enumerate(log.names)}
    return Silences(names, users[counts], at_ms[counts], length[counts], horizon_days)


def read_said(path: Path, quiet: Silences) -> Said:
    """Return what a file of user_id,at[,probability] says within silences, before they reach H."""
    with path.open(newline="") as lines:
        rows = csv.reader(lines)
        next(rows)
        body = [(quiet.names[row[0]], row[1], float(row[2]) if len(row) > 2 else 1.0)
                for row in rows]  # fmt: skip
    users, stamps, said = ([row[i] for row in body] for i in range(3))
    at_ms = instants_ms(stamps)
    order = np.argsort(at_ms, kind="stable")
    return within_silences(quiet, np.array(users, int)[order], at_ms[order], np.array(said)[order])


def within_silences(
    quiet: Silences, users: np.ndarray, at_ms: np.ndarray, said: np.ndarray
) -> Said:
    """Attach rows in order of time to the silences into which they fall."""
    stride = int(max(quiet.start_ms.max(initial=0), at_ms.max(initial=0))) + 1
    keys = quiet.users * stride + quiet.start_ms
    place = np.searchsorted(keys, users * stride + at_ms, side="right") - 1
    falls = (place >= 0) & (quiet.users[place] == users)
    place, at_ms, said = place[falls], at_ms[falls], said[falls]
    delay = (at_ms - quiet.start_ms[place]) / DAY_MS
    counts = (delay < quiet.days[place]) & (delay < quiet.horizon_days)
    return Said(place[counts], delay[counts], said[counts])


class Alerted(NamedTuple):
    """The first alert of each silence, and how good they are."""

    silence: np.ndarray
    delay: np.ndarray
    precision: float


def first_of_each(quiet: Silences, said: Said, least: float = 0.0) -> Alerted:
    """Return the first of each silence that says at least so much."""
    loud = np.flatnonzero(said.probability >= least)
    silence, first = np.unique(said.silence[loud], return_index=True)
    right = quiet.days[silence] >= quiet.horizon_days
    return Alerted(silence, said.delay[loud[first]], float(right.mean()) if len(right) else 0.0)


def at_equal_number(quiet: Silences, said: Said, number: int) -> Alerted:
    """Return the alerts by that threshold, set afterwards, which alerts so many silences."""
    highest = np.zeros(len(quiet.days))
    np.maximum.at(highest, said.silence, said.probability)
    spoken = np.unique(said.silence)
    assert 0 < number <= len(spoken), f"{number} alerts of {len(spoken)} silences"
    return first_of_each(quiet, said, np.sort(highest[spoken])[::-1][number - 1])


def days_earlier(quiet: Silences, said: Said, silent_days: float) -> float:
    """Return by how much the right ones come earlier than "silent for x days", the median.

    The threshold is set so that both alert equally many silences.
    """
    number = int((quiet.days > silent_days).sum())
    found = at_equal_number(quiet, said, number)
    right = quiet.days[found.silence] >= quiet.horizon_days
    return float(np.median(silent_days - found.delay[right]))
