"""``winback define``: from the facts of a log to a definition of churn, with what it rests on."""

from enum import StrEnum
from typing import Final

import msgspec
import numpy as np

from streams.core.time import DAY_MS
from streams.replay.define_calendar import Night, Outage, night, outages, resolution, without
from streams.replay.define_census import Facts, Ints, Mask
from streams.replay.define_names import NameFound, kinds_of, names_found, shows_activity
from streams.replay.define_silences import (
    Cover,
    Horizon,
    Silences,
    cover,
    horizon,
    silences_of,
    usual_pause_days,
)
from streams.replay.instants import short_iso

CANDIDATES: Final = (7, 10, 14, 21, 30, 45, 60, 90, 120, 180)
"""Horizons, days. Under a week a weekend looks like leaving; beyond half a year nobody waits."""
SHOWN_SPANS: Final = 3
"""A horizon is shown when the log covers so many: 1 H of silences, 2 H to see how they end."""
LEARNED_SPANS: Final = 4
"""It is proposed when the log covers so many, so that half of it can be learned from."""
SILENCES_LEAST: Final = 100
"""A share of fewer silences is uncertain by more than ten points of a hundred."""
USUAL_SHARE: Final = 0.8
"""A silence is unusual when so many of a typical user's returns come sooner."""
RARE_SHARE: Final = 0.9
"""The same where silences are never final: then H has to be rare at least."""
FINAL_MOST: Final = 1 / 3
"""Silences of H are final when no more end within another H: two of three stay away."""
LITTLE_BETTER: Final = 0.05
"""A longer horizon must be more final by this much to be worth the wait."""
COVERS: Final = (2, 3, 5, 10)
MIN_ACTIVE_DAYS: Final = (5, 3, 2)
COVERED_LEAST: Final = 2 / 3
"""Users with enough active days do at least so large a share of what is done."""


class Verdict(StrEnum):
    """How the horizon was found."""

    FINAL = "final"  # silences of H are unusual, and mostly final
    RARE = "rare"  # silences end whatever their length; those of H are rare at least
    LONGEST = "longest"  # returns come later still; it is the longest that can be proposed
    GIVEN = "given"  # people said so


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A definition of churn.

    Attributes:
        horizon_days: H: silence of this length is churn.
        period_days: Δ = H/4: the model looks so far ahead at a time.
        limit_days: 2 H: so long a silence is observed.
        min_active_days: Below so many nothing is said about a user.
        kinds: The event names that the model tells apart.
        verdict: How H was found.
    """

    horizon_days: float
    period_days: float
    limit_days: float
    min_active_days: int
    kinds: tuple[str, ...]
    verdict: Verdict


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """What ``winback define`` says.

    Attributes:
        events: How many.
        users: How many.
        first_event_at: ISO 8601 UTC.
        last_event_at: ISO 8601 UTC.
        span_days: Between them, less the days on which the log was blind.
        resolution: How fine the times are: day, hour, minute, second, millisecond, or unknown.
        in_future: Events left out because they lie in the future.
        currencies: Currency to events, where the log names one.
        names: Every event name and its meaning.
        covers: Whom a least number of active days leaves.
        usual_pause_days: Within it come 8 of 10 returns of a typical user; None: nobody came back.
        rare_pause_days: The same for 9 of 10.
        horizons: What every horizon would mean.
        outages: Days on which nobody did anything, though many were expected.
        night: The quiet hours.
        proposal: None when the log cannot say.
        cannot_say: Why not.
    """

    events: int
    users: int
    first_event_at: str
    last_event_at: str
    span_days: float
    resolution: str
    in_future: int
    currencies: dict[str, int]
    names: list[NameFound]
    covers: list[Cover]
    usual_pause_days: float | None
    rare_pause_days: float | None
    horizons: list[Horizon]
    outages: list[Outage]
    night: Night | None
    proposal: Proposal | None
    cannot_say: str | None

    @property
    def row(self) -> Horizon | None:
        """The proposed horizon."""
        wanted = self.proposal
        rows = self.horizons if wanted is not None else []
        return next((row for row in rows if row.days == wanted.horizon_days), None)  # type: ignore[union-attr]  # rows is empty else


def define(
    facts: Facts, *, horizon_days: float | None = None, min_active_days: int | None = None
) -> Definition:
    """Return a definition of churn for a log, or why none can be given.

    Args:
        facts: What one pass over the log found.
        horizon_days: Given by people; None proposes one.
        min_active_days: Given by people; None proposes a number.
    """
    names = names_found(facts)
    acts = shows_activity(names)
    wanted = np.array([count.name in acts for count in facts.names], np.bool_)
    silences, events, blind = _silences(facts, wanted)
    least = min_active_days or _enough(silences, events)
    span_days = (silences.end_ms - silences.begin_ms) / DAY_MS
    usual, rare = (usual_pause_days(silences, least, share) for share in (USUAL_SHARE, RARE_SHARE))
    rows = _rows(silences, span_days, least, horizon_days)
    days, how = _found(rows, span_days, usual, rare) or (None, Verdict.GIVEN)
    if horizon_days is not None and len(events):
        days, how = horizon_days, Verdict.GIVEN
    return Definition(
        events=facts.events,
        users=facts.users,
        first_event_at=short_iso(facts.begin_ms),
        last_event_at=short_iso(facts.end_ms),
        span_days=span_days,
        resolution=resolution(facts.tick_ms),
        in_future=facts.in_future,
        currencies=dict(facts.currencies),
        names=names,
        covers=[cover(silences, events, n) for n in sorted({*COVERS, least})],
        usual_pause_days=usual,
        rare_pause_days=rare,
        horizons=rows,
        outages=blind,
        night=night(facts.hours[wanted].sum(axis=0)),
        proposal=None if days is None else Proposal(
            horizon_days=days,
            period_days=days / 4,
            limit_days=days * 2,
            min_active_days=least,
            kinds=kinds_of(names),
            verdict=how,
        ),
        cannot_say=None if days else _why_not(rows, silences, least),
    )  # fmt: skip


def _silences(facts: Facts, acts: Mask) -> tuple[Silences, Ints, list[Outage]]:
    """Return the silences between activities, the events of their days, and the outages."""
    days = facts.days.of_names(acts).joined()
    blind = outages(days)
    begin_ms, end_ms = without(np.array([facts.begin_ms, facts.end_ms]), blind).tolist()
    seen = days._replace(
        first_ms=without(days.first_ms, blind), last_ms=without(days.last_ms, blind)
    )
    return silences_of(seen, begin_ms, end_ms), days.events, blind


def _enough(silences: Silences, events: Ints) -> int:
    """Return the active days to ask for: as many as leave most of what is done."""
    for least in MIN_ACTIVE_DAYS:
        if cover(silences, events, least).share_of_events >= COVERED_LEAST:
            return least
    return min(MIN_ACTIVE_DAYS)


def _rows(
    silences: Silences, span_days: float, min_active_days: int, given: float | None
) -> list[Horizon]:
    wanted = {float(days) for days in CANDIDATES if SHOWN_SPANS * days <= span_days}
    if given is not None:
        wanted.add(given)
    return [horizon(silences, days, min_active_days) for days in sorted(wanted)]


def _found(
    rows: list[Horizon], span_days: float, usual: float | None, rare: float | None
) -> tuple[float, Verdict] | None:
    """Return the horizon and how it was found, or None when the log cannot say.

    The shortest that is unusual for a typical user and mostly final. Where silences are never
    final, the shortest that is rare. Where that is too long, the longest the log can teach.
    """
    able = [
        (row.days, row.back_soon)
        for row in rows
        if LEARNED_SPANS * row.days <= span_days
        and row.silences >= SILENCES_LEAST
        and row.back_soon is not None
    ]
    if not able or usual is None or rare is None:
        return None
    unusual = [(days, back) for days, back in able if days >= usual]
    best = min((back for _, back in unusual), default=1.0)
    if best <= FINAL_MOST:
        wanted = max(FINAL_MOST, best + LITTLE_BETTER)
        return next(days for days, back in unusual if back <= wanted), Verdict.FINAL
    is_rare = [days for days, _ in able if days >= rare]
    if is_rare:
        return is_rare[0], Verdict.RARE
    return able[-1][0], Verdict.LONGEST


def _why_not(rows: list[Horizon], silences: Silences, min_active_days: int) -> str:
    span_days = (silences.end_ms - silences.begin_ms) / DAY_MS
    shortest = CANDIDATES[0]
    if not len(silences.users):
        return "no event shows activity"
    if span_days < LEARNED_SPANS * shortest:
        return (
            f"the log covers {span_days:.3g} days, and the shortest horizon, {shortest} days, "
            f"needs {LEARNED_SPANS * shortest}"
        )
    if silences.totals.max() < min_active_days:
        return f"no user has {min_active_days} active days"
    return (
        f"only {rows[0].silences} silences of users with {min_active_days} active days reached "
        f"{shortest} days and can be followed up; {SILENCES_LEAST} are needed"
    )
