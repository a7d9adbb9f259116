"""Which customers: ranking, alerts and belief by tier, time of arrival, source and habit."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.core.rules import Rules
from streams.core.tiers import NO_VALUE, edges_of, tier_of
from streams.core.time import DAY_MS
from streams.replay.report.estimates import Estimate, share
from streams.replay.report.past import Past, People
from streams.replay.report.ranking import TOP, auc_of

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]
Labels = NDArray[np.str_]

ASKED_MIN: Final = 200
LEFT_MIN: Final = 20
"""Fewer questions, or fewer who left or stayed: the row is shown in grey."""
SHOWN: Final = 8
"""Segments of a kind that are shown; the smaller ones are put together."""
OTHERS: Final = "others"
HABITS: Final = (
    (1.5, "comes almost daily"),
    (4.0, "comes twice a week or more"),
    (10.0, "comes about weekly"),
    (21.0, "comes every two or three weeks"),
    (np.inf, "comes about monthly or less"),
)
"""Own mean gap between active days, up to so many days, in words."""
NAME_MAX: Final = 40


class Segment(msgspec.Struct, frozen=True):
    """Some of the customers.

    Attributes:
        name: In words.
        asked: Questions about them.
        users: Different users.
        left: Share that left.
        said: Mean of what was said.
        auc: Ranking among them, None of too few.
        of_top: Share of them among the tenth at highest risk.
        alerts: Alerts whose outcome is known.
        right: Share of these that were right, None without one.
        is_small: Whether there are too few for anything but a hint.
    """

    name: str
    asked: int
    users: int
    left: float
    said: float
    auc: Estimate | None
    of_top: float
    alerts: int
    right: Estimate | None
    is_small: bool


class Division(msgspec.Struct, frozen=True):
    """All customers, divided by one trait.

    Attributes:
        by: The trait, in words.
        cannot_say: Why there is no division; empty if there is.
        segments: The largest first, or in their order.
    """

    by: str
    cannot_say: str = ""
    segments: tuple[Segment, ...] = ()


class Alerted(NamedTuple):
    """Alerts whose outcome is known: who, and whether it was right."""

    people: People
    right: Flags


class Cut(NamedTuple):
    """A way to divide people: its name, the label of each, their order, and why it is none."""

    by: str
    labels: Callable[[People], Labels]
    order: tuple[str, ...] = ()
    cannot_say: str = ""


def divisions(
    past: Past, alerted: Alerted, rules: Rules, sources: Mapping[int, str]
) -> tuple[Division, ...]:
    """Return the customers divided by tier, time of arrival, source and habit.

    Args:
        past: Questions and answers.
        alerted: Alerts.
        rules: The business rules: tiers.
        sources: Digest of a user to where it came from, as far as the log tells.
    """
    return tuple(_division(past, alerted, cut) for cut in _cuts(past, rules, sources))


def _cuts(past: Past, rules: Rules, sources: Mapping[int, str]) -> list[Cut]:
    has_money = bool(np.any(past.people.value_minor != 0.0))
    unit_ms = rules.churn.period_ms
    return [
        Cut(
            "value tier",
            lambda people: _tiers(people, rules),
            (*rules.tier_names, NO_VALUE),
            "" if has_money else "no event of the log is a purchase or a refund with an amount",
        ),
        Cut("habit", lambda people: _habits(people, unit_ms), tuple(name for _, name in HABITS)),
        Cut("first seen", _arrivals(past.people)),
        Cut(
            "source",
            lambda people: np.array([sources.get(user, "") for user in people.users.tolist()]),
            cannot_say="" if len(set(sources.values())) > 1 else "the log tells of one source only",
        ),
    ]


def _habits(people: People, unit_ms: float) -> Labels:
    limits = [limit for limit, _ in HABITS[:-1]]
    names = np.array([name for _, name in HABITS])
    return names[np.searchsorted(limits, people.gap * unit_ms / DAY_MS)]


def _arrivals(everybody: People) -> Callable[[People], Labels]:
    """Return what names the time of arrival: year, quarter or month, as long as there are few."""
    first = everybody.first_ms
    span_days = (first.max() - first.min()) / DAY_MS if len(first) else 0.0
    if span_days > 3 * 365:
        return lambda people: np.array([f"{_date(ms):%Y}" for ms in people.first_ms.tolist()])
    if span_days > 270:  # noqa: PLR2004 (nine months)
        return lambda people: np.array([_quarter(_date(ms)) for ms in people.first_ms.tolist()])
    return lambda people: np.array([f"{_date(ms):%Y-%m}" for ms in people.first_ms.tolist()])


def _date(at_ms: float) -> datetime:
    return datetime.fromtimestamp(at_ms / 1_000, UTC)


def _quarter(date: datetime) -> str:
    return f"{date:%Y} Q{(date.month + 2) // 3}"


def _division(past: Past, alerted: Alerted, cut: Cut) -> Division:
    if cut.cannot_say or not past.asked:
        return Division(cut.by, cut.cannot_say or "no question was answered")
    asked, alerts = cut.labels(past.people), cut.labels(alerted.people)
    found, counts = np.unique(asked, return_counts=True)
    largest = [str(found[place]) for place in np.argsort(-counts, kind="stable")[:SHOWN]]
    names = [name for name in cut.order if name in set(found.tolist())]
    names = names or (sorted(largest) if cut.by == "first seen" else largest)
    top = np.zeros(past.asked, bool)
    top[np.argsort(-past.said, kind="stable")[: max(1, round(TOP * past.asked))]] = True
    rows = [_segment(name, past, top, asked == name, alerted.right[alerts == name])
            for name in names]  # fmt: skip
    rest = ~np.isin(asked, names)
    if rest.any():
        rows.append(_segment(OTHERS, past, top, rest, alerted.right[~np.isin(alerts, names)]))
    return Division(cut.by, segments=tuple(rows))


def _segment(name: str, past: Past, top: Flags, pick: Flags, right: Flags) -> Segment:
    left = past.left[pick]
    gone, asked = int(np.count_nonzero(left)), len(left)
    return Segment(
        name=_shown(name),
        asked=asked,
        users=len(np.unique(past.people.users[pick])),
        left=gone / asked,
        said=float(past.said[pick].mean()),
        auc=auc_of(past.said[pick], left),
        of_top=float(top[pick].mean()),
        alerts=len(right),
        right=share(int(np.count_nonzero(right)), len(right)),
        is_small=asked < ASKED_MIN or min(gone, asked - gone) < LEFT_MIN,
    )


def _shown(name: str) -> str:
    name = name or "unknown"
    return name if len(name) <= NAME_MAX else f"{name[: NAME_MAX - 1]}…"


def _tiers(people: People, rules: Rules) -> NDArray[np.str_]:
    values = people.value_minor
    edges = edges_of(values, rules.tier_shares)
    return np.array([tier_of(value, rules.tier_names, edges) for value in values.tolist()])
