"""How early, beside rules that everybody knows: "silent for more than x days"."""

import math
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.core.time import DAY_MS
from streams.replay.report.estimates import Estimate, share
from streams.replay.report.silences import Silences

F64 = NDArray[np.float64]
Rows = NDArray[np.intp]

RULE_DAYS: Final = (0.5, 1, 2, 3, 4, 5, 7, 10, 14, 18, 21, 25, 30, 45, 60, 90)
SHARES: Final = (0.1, 0.25, 1 / 3, 0.5, 2 / 3)
"""Of H: the rules that are shown."""
RIGHT_MIN: Final = 10
"""Fewer right alerts have no median worth the name."""


class Quality(msgspec.Struct, frozen=True):
    """Alerts held beside what became of the silences.

    Attributes:
        alerts: How many silences were alerted.
        right: How many of them were lost.
        precision: Right ones of the alerts.
        recall: Share of the lost silences that was alerted.
    """

    alerts: int
    right: int
    precision: Estimate | None
    recall: float | None


class Earlier(msgspec.Struct, frozen=True):
    """How much earlier right alerts came than a rule, in days; negative = later."""

    median: float
    quartiles: tuple[float, float]
    share_earlier: float


class Rule(msgspec.Struct, frozen=True):
    """A rule, and alerts by risk of the same number.

    Attributes:
        days: Silent for more than so many days.
        rule: What the rule does.
        project: What as many alerts by risk do.
        threshold: P(this silence reaches H) from which these are sent, set afterwards.
        earlier: How much earlier the right ones come.
        delays_days: Silence at the right alerts, by quantile 0, 5, …, 100 %.
    """

    days: float
    rule: Quality
    project: Quality
    threshold: float
    earlier: Earlier | None
    delays_days: tuple[float, ...]


class Sent(msgspec.Struct, frozen=True):
    """The alerts as they were sent.

    Attributes:
        opened: Cases opened, whatever became of them.
        project: Those whose outcome is in the log.
        delay_days: Median silence at the right ones.
        delays_days: Silence at the right ones, by quantile 0, 5, …, 100 %.
        rule_days: The silence rule that sends exactly as many; H if none is that choosy.
        rule: What it does.
        earlier: How much earlier the right alerts come than this rule.
        by_silence: Share that came at the backstop, where silence alone speaks.
        per_week: Alerts a week, from the first to the last.
    """

    opened: int
    project: Quality
    delay_days: float | None
    delays_days: tuple[float, ...]
    rule_days: float
    rule: Quality
    earlier: Earlier | None
    by_silence: float
    per_week: float


class Lead(msgspec.Struct, frozen=True):
    """How early.

    Attributes:
        cannot_say: Why there are no figures; empty if there are.
        silences: Silences that count.
        lost: Those that reached H.
        came_back: Share of the lost that ended by themselves before 2H; None if the log is short.
        sent: The alerts as they were sent.
        rules: Silence rules and alerts by risk of the same number.
    """

    cannot_say: str = ""
    silences: int = 0
    lost: int = 0
    came_back: float | None = None
    sent: Sent | None = None
    rules: tuple[Rule, ...] = ()


class Trace:
    """P(this silence reaches H) at every rescore that falls into a silence that counts.

    Args:
        silences: The silences.
        user: Shape (n,): numbers of the users.
        at_ms: Shape (n,).
        reach: Shape (n,).
    """

    def __init__(self, silences: Silences, user: Rows, at_ms: F64, reach: F64) -> None:
        place = silences.places(user, at_ms)
        kept = np.flatnonzero(place >= 0)
        kept = kept[np.lexsort((at_ms[kept], place[kept]))]
        self.place, self.reach = place[kept], reach[kept]
        self.delay_ms = at_ms[kept] - silences.start_ms[self.place]
        starts = np.flatnonzero(np.append(True, self.place[1:] != self.place[:-1])[: len(kept)])
        peaks = np.maximum.reduceat(self.reach, starts) if len(kept) else np.empty(0)
        self.peaks = np.sort(peaks)[::-1]

    def threshold(self, alerts: int) -> float:
        """Return the lowest threshold that gives so many alerts, or more only where scores tie."""
        if alerts >= len(self.peaks):
            return 0.0
        kept, next_one = float(self.peaks[alerts - 1]), float(self.peaks[alerts])
        return kept if kept == next_one else math.nextafter(next_one, 1.0)

    def first(self, threshold: float) -> tuple[Rows, F64]:
        """Return the silences that reach a threshold, and the delay when they first do."""
        above = np.flatnonzero(self.reach >= threshold)
        places, first = np.unique(self.place[above], return_index=True)
        return places, self.delay_ms[above[first]]


def lead(
    silences: Silences, trace: Trace, alerts: tuple[Rows, F64], backstop_ms: float, newest_ms: float
) -> Lead:
    """Return how early alerts come.

    Args:
        silences: The silences of the log.
        trace: The scores in them.
        alerts: Number of the user, and instant, of each alert in order of time.
        backstop_ms: Silence that alerts whatever the model says.
        newest_ms: The end of the log.
    """
    count = int(np.count_nonzero(silences.inside))
    lost = int(np.count_nonzero(silences.lost))
    if not count:
        return Lead(
            "no customer with enough active days went silent while "
            f"{silences.horizon_ms / DAY_MS:g} days of the log were left"
        )
    lengths = np.sort(silences.length_ms[silences.inside])[::-1]
    return Lead(
        "" if lost else "nobody stayed silent for so long",
        silences=count,
        lost=lost,
        came_back=came_back(silences, newest_ms),
        sent=_sent(silences, lengths, alerts, backstop_ms),
        rules=tuple(
            rule
            for days in rule_days(silences.horizon_ms)
            if (rule := _rule(silences, lengths, trace, days)) is not None
        ),
    )


def rule_days(horizon_ms: float) -> tuple[float, ...]:
    """Return the rules that make sense under a horizon, in days."""
    horizon = horizon_ms / DAY_MS
    known = tuple(float(days) for days in RULE_DAYS if days < horizon)
    return known if len(known) >= len(SHARES) else tuple(share * horizon for share in SHARES)


def shown_days(days: tuple[float, ...], horizon_ms: float) -> tuple[float, ...]:
    """Return those of the rules that lie nearest to the shares of H that are shown."""
    wanted = [share * horizon_ms / DAY_MS for share in SHARES]
    apart = [[abs(x - aim) for x in days] for aim in wanted] if days else []
    return tuple(dict.fromkeys(days[row.index(min(row))] for row in apart))


def came_back(silences: Silences, newest_ms: float) -> float | None:
    """Return the share of lost silences that ended before 2H; None of fewer than ten."""
    known = silences.lost & (silences.start_ms <= newest_ms - 2 * silences.horizon_ms)
    if np.count_nonzero(known) < RIGHT_MIN:
        return None
    return float(np.mean(silences.length_ms[known] < 2 * silences.horizon_ms))


def quality(alerted_ms: F64, lost: int, horizon_ms: float) -> Quality:
    """Return what alerts in silences of these lengths are worth."""
    right = int(np.count_nonzero(alerted_ms >= horizon_ms))
    count = len(alerted_ms)
    return Quality(count, right, share(right, count), right / lost if lost else None)


def _rule(silences: Silences, lengths: F64, trace: Trace, days: float) -> Rule | None:
    alerted = lengths[lengths > days * DAY_MS]
    if not 0 < len(alerted) <= len(trace.peaks):
        return None
    lost = int(np.count_nonzero(lengths >= silences.horizon_ms))
    threshold = trace.threshold(len(alerted))
    places, delay_ms = trace.first(threshold)
    found = silences.length_ms[places]
    right = delay_ms[found >= silences.horizon_ms] / DAY_MS
    return Rule(
        days=days,
        rule=quality(alerted, lost, silences.horizon_ms),
        project=quality(found, lost, silences.horizon_ms),
        threshold=threshold,
        earlier=earlier(days, right),
        delays_days=quantiles(right),
    )


def quantiles(delays_days: F64) -> tuple[float, ...]:
    """Return the quantiles 0, 5, …, 100 %; nothing of nothing."""
    if not len(delays_days):
        return ()
    return tuple(np.quantile(delays_days, np.linspace(0, 1, 21)).tolist())


def earlier(days: float, delays_days: F64) -> Earlier | None:
    """Return how much earlier than after so many days right alerts came; None of too few."""
    if len(delays_days) < RIGHT_MIN:
        return None
    ahead = days - delays_days
    low, middle, high = np.quantile(ahead, [0.25, 0.5, 0.75]).tolist()
    return Earlier(middle, (low, high), float(np.mean(ahead > 0)))


def _sent(
    silences: Silences, lengths: F64, alerts: tuple[Rows, F64], backstop_ms: float
) -> Sent | None:
    user, at_ms = alerts
    places, first = silences.first_of(user, at_ms)
    if not len(places):
        return None
    horizon_ms = silences.horizon_ms
    delay_ms = at_ms[first] - silences.start_ms[places]
    found = silences.length_ms[places]
    right = delay_ms[found >= horizon_ms] / DAY_MS
    lost = int(np.count_nonzero(lengths >= horizon_ms))
    equal_ms = min(float(lengths[len(places) - 1]), horizon_ms)
    span_weeks = max((float(at_ms.max()) - float(at_ms.min())) / (7 * DAY_MS), 1.0)
    return Sent(
        opened=len(user),
        project=quality(found, lost, horizon_ms),
        delay_days=float(np.median(right)) if len(right) else None,
        delays_days=quantiles(right),
        rule_days=equal_ms / DAY_MS,
        rule=quality(lengths[lengths >= equal_ms], lost, horizon_ms),
        earlier=earlier(equal_ms / DAY_MS, right),
        by_silence=float(np.mean(delay_ms == backstop_ms)),
        per_week=len(user) / span_weeks,
    )
