"""Back-test: what the service would have said about users then, knowing only what it knew then."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec
import numpy as np

from models.catalogue import CHAMPION
from models.features import Rhythm
from streams.core.outbox import EXAMPLES
from streams.core.rules import Rules
from streams.core.scoring import F64
from streams.errors import UserError
from streams.replay.apprentice import Apprentice
from streams.replay.blocks import Block
from streams.replay.fleet import Accepted, Fleet, drive
from streams.replay.gaps import Gaps
from streams.replay.guests import NOBODY, Guests
from streams.replay.instants import short_iso
from streams.replay.notebook import Notebook
from streams.replay.outcomes import PointOutcomes
from streams.replay.points import Points
from streams.replay.report.facts import Facts, facts_of
from streams.replay.report.figures import Figures, figures
from streams.replay.report.notes import Notes

YOUNG_HORIZONS: Final = 8
"""So long a model changes from day to day, and the pipeline follows it at every epoch, Δ/64."""
EPOCHS_LATER: Final = 16
"""Afterwards it follows at every so many epochs: Δ/4, as often as a challenger may take over."""


class Mute:
    """A scorer that sees no risk: when only scores at points are asked for, no other is needed."""

    version = "mute"
    examples = 0
    may_alert = False

    def hazard(self, _heads: F64, at_ms: F64) -> F64:
        """Return 1 for everybody."""
        return np.ones(len(at_ms))

    def reach(self, _heads: F64, at_ms: F64) -> F64:
        """Return 0 for everybody."""
        return np.zeros(len(at_ms))

    quiet = reach

    def explain(self, _heads: F64, at_ms: F64) -> list[tuple[tuple[str, float], ...]]:
        """Return no reason for anybody."""
        return [() for _ in at_ms]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a back-test is asked for.

    Attributes:
        points: Who is to be scored when.
        scores: Where the scores go.
        risk: Where P(this silence reaches H) at every rescore goes.
        alerts: Where the alerts go.
        since_ms: Risk, alerts and figures are of what comes from here on.
        partitions: How many partitions the service has.
        reports: Whether figures are wanted though points are scored.
        compares: Whether batch jobs answer the same questions.
        is_control: Whether the log was dealt out by chance.
        gaps: What is known to be missing in the log.
        guests: Models of somebody else that play.
    """

    points: Points | None
    scores: str | None
    risk: str | None
    alerts: str | None
    since_ms: int
    partitions: int
    reports: bool = False
    compares: bool = False
    is_control: bool = False
    gaps: Gaps = Gaps()
    guests: Guests = NOBODY

    @property
    def is_live(self) -> bool:
        """Whether the alert policy has to run, and so the model to change as it did then."""
        wants_more = self.risk is not None or self.alerts is not None or self.reports
        return wants_more or self.points is None


class Backtest:
    """One back-test: a shadow fleet, a learner, and a notebook. It is the ``Cuts`` of its run.

    Args:
        rules: The business rules.
        asked: What is wanted.
        now_ms: Record timestamp of all events, epoch ms UTC.

    Attributes:
        figures: What a report says, once the run is over; None if only points were scored.
    """

    def __init__(self, rules: Rules, asked: Asked, now_ms: int) -> None:
        self.gaps = Gaps((*rules.outages, *asked.gaps.outages), asked.gaps.pauses)
        rules = msgspec.structs.replace(rules, outages=self.gaps.outages)
        self.asked, self.rules = asked, rules
        self.apprentice = Apprentice(rules, keeps_history=asked.is_live, guests=asked.guests)
        self.horizon_ms = rules.churn.horizon_ms
        self.notes = Notes(rules, asked.since_ms, self.gaps) if asked.is_live else None
        self.notebook = Notebook(asked.risk, asked.alerts, asked.since_ms, self.notes)
        self.point_outcomes = PointOutcomes(asked.points, self.horizon_ms, self.gaps)
        self.figures: Figures | None = None
        self.fleet = Fleet(
            rules if asked.is_live else muted(rules),
            self.apprentice.scorer() if asked.is_live else Mute(),
            partitions=asked.partitions,
            now_ms=now_ms,
            is_shadow=True,
            observer=self.notebook if asked.is_live else None,
            pauses=self.gaps.pauses,
        )
        if self.notes is not None:
            self.notes.follow(self.fleet.given_up)

    def run(
        self, blocks: Iterator[Block], tick: Callable[[float], None] = lambda _: None
    ) -> dict[str, Any]:
        """Run the log; write what was asked for; return a summary.

        Args:
            blocks: The log, in order of time.
            tick: Called with the share of the batch jobs' work that is done.
        """
        with self.notebook:
            drive(self.fleet, self._seen(blocks), self, self._cut, self._note)
            self.fleet.close()
        self._check_used()
        self._collect()
        if self.asked.points is not None and self.asked.scores is not None:
            self.asked.points.write(self.asked.scores)
        if self.notes is not None:
            roster, newest_ms = self.apprentice.roster, self.fleet.newest_ms or 0
            roster.advance(newest_ms + 1)
            self.notes.look(newest_ms, self.fleet, roster)
            self.figures = figures(
                self.notes, roster.history, roster.report(), self.rules, newest_ms,
                compares=self.asked.compares, is_control=self.asked.is_control, tick=tick,
            )  # fmt: skip
        return self._summary()

    def _check_used(self) -> None:
        """Raise an error when no event could be used: no figure would mean anything."""
        if not self.fleet.counts["accepted"]:
            unused = self._rejected() | _named(self.fleet.counts, "skipped_")
            why = ", ".join(f"{number:,} {reason}" for reason, number in unused.items())
            raise UserError(
                f"it cannot say anything, because no event of the log could be used: {why}",
                "compare the log with the events that the rules name, and with the clock",
            )

    def _rejected(self) -> dict[str, int]:
        return _named(self.fleet.counts, "rejected_")

    def _seen(self, blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            if self.notes is not None:
                self.notes.begin(block)
            yield block

    def after(self, at_ms: int, *, is_over: bool = False) -> int | None:
        """Return the next instant at which a point is scored or the model changes."""
        if is_over:
            self.notebook.close(self.fleet.newest_ms or 0)
        points = self.asked.points
        point = None if points is None else points.after(at_ms)
        if is_over or not self.asked.is_live:
            return point
        epoch = self._epoch_after(at_ms)
        return epoch if point is None else min(epoch, point)

    def _epoch_after(self, at_ms: int) -> int:
        """Return the next instant at which the pipeline takes over what was learned.

        What is scored at points is as fresh as ever: this is about the scores that alerts rest on.
        """
        assert self.notes is not None
        span_ms = self.apprentice.epoch_ms
        if at_ms - self.notes.first_ms >= YOUNG_HORIZONS * self.horizon_ms:
            span_ms *= EPOCHS_LATER
        return (at_ms // span_ms + 1) * span_ms

    def _cut(self, at_ms: int) -> None:
        """Learn what the learner knew then, and score the points of this instant."""
        self._collect()
        self.apprentice.learn_before(min(at_ms, self._known_ms))
        if self.notes is not None and at_ms == self._epoch_after(at_ms - 1):
            self.fleet.use(self.apprentice.scorer())
            self.notes.look(at_ms, self.fleet, self.apprentice.roster)
        points = self.asked.points
        if points is None or not (places := points.places_at(at_ms)):
            return
        at = np.full(len(places), float(at_ms))
        heads, known = self.fleet.heads([points.rows[place].user_id for place in places], at)
        if known:
            chosen, at = [places[place] for place in known], at[known]
            points.said[chosen] = self.apprentice.scorer().quiet(heads, at)
            points.recency_ms[chosen] = at - heads[:, Rhythm.LAST]
            self.point_outcomes.wait(chosen)

    @property
    def _known_ms(self) -> int:
        """Return the end of what can be learned from the log: H/4 after its newest event.

        A point may lie later still; that nothing more is in the log teaches nothing about anybody.
        """
        return (self.fleet.newest_ms or 0) + self.rules.churn.period_ms

    def _note(self, accepted: Accepted) -> None:
        self._collect()
        self.point_outcomes.see(accepted, self.fleet.given_up)
        if self.notes is not None:
            self.notes.see(accepted)

    def _collect(self) -> None:
        for stream, _, records in self.fleet.take():
            if stream == EXAMPLES:
                self.apprentice.receive(records)

    def _summary(self) -> dict[str, Any]:
        fleet, roster = self.fleet, self.apprentice.roster
        newest_ms = fleet.newest_ms or 0
        out: dict[str, Any] = {
            "events": fleet.counts["accepted"],
            "events_rejected": sum(self._rejected().values()),
            "rejected_for": self._rejected(),
            "users": sum(partition.users for partition in fleet.partitions),
            "last_event_at": short_iso(newest_ms),
            "horizon_days": self.horizon_ms / 86_400_000,
            "examples_learned": roster.models[CHAMPION].examples,
            "model": msgspec.to_builtins(roster.report()),
        }
        if self.gaps.outages or self.gaps.pauses:
            out["missing"] = self.gaps.summary()
        if self.notes is not None and (blind := self.notes.blind()):
            out["blind"] = [
                {
                    "from": short_iso(outage.begin_ms),
                    "to": short_iso(outage.end_ms),
                    "users_a_day_expected": outage.users_expected,
                }
                for outage in blind
            ]
        if self.asked.points is not None:
            out["points"] = self.point_outcomes.grades(newest_ms)
        if self.figures is not None:
            out["figures"] = msgspec.to_builtins(self.figures)
            out["alerts"] = out["figures"].pop("alerts")
            del out["figures"]["report"]  # It is the model of above.
        return out

    def facts(self, summary: dict[str, Any], file: str) -> Facts:
        """Return what a report says of the run itself.

        Args:
            summary: That of the run, with the seconds it took and the rows that were skipped.
            file: Name of the log.
        """
        assert self.notes is not None, "only a run with figures has a report"
        first_ms = max(self.notes.first_ms, float(self.asked.since_ms))
        span_ms = (first_ms, float(self.fleet.newest_ms or first_ms))
        return facts_of(self.rules, self.gaps, span_ms, summary, file)


def muted(rules: Rules) -> Rules:
    """Return rules under which nobody is alerted, for a run of which only scores are wanted."""
    return msgspec.structs.replace(rules, alert=msgspec.structs.replace(rules.alert, is_muted=True))


def _named(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    """Return the counts whose name begins so, by the rest of it in words, most first."""
    found = {
        name.removeprefix(prefix).replace("_", " "): number
        for name, number in counts.items()
        if name.startswith(prefix) and number
    }
    return dict(sorted(found.items(), key=lambda entry: -entry[1]))
