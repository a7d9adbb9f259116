"""Back-test: what the service would have said about users then, knowing only what it knew then."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Final

import msgspec
import numpy as np

from models.catalogue import CHAMPION
from models.features import Rhythm
from streams.core.partitioner import Partitioner
from streams.core.rules import Rules
from streams.errors import UserError
from streams.replay.apprentice import Apprentice
from streams.replay.blocks import Block
from streams.replay.crew import Alone, Crew, Crowd
from streams.replay.gaps import Gaps
from streams.replay.gathering import Gathering, alerts_of
from streams.replay.guests import NOBODY, Guests
from streams.replay.instants import short_iso
from streams.replay.notebook import Notebook
from streams.replay.outcomes import PointOutcomes
from streams.replay.points import Points
from streams.replay.report.facts import Facts, facts_of
from streams.replay.report.figures import Figures, figures
from streams.replay.report.notes import Notes
from streams.replay.slices import Slice, sliced
from streams.replay.timeline import Timeline
from streams.replay.told import Asked as AskedPoints
from streams.replay.told import Judged, Setup, Task, Taught

YOUNG_HORIZONS: Final = 8
"""So long a model changes from day to day, and the pipeline follows it at every epoch, Δ/64."""
EPOCHS_LATER: Final = 16
"""Afterwards it follows at every so many epochs: Δ/4, as often as a challenger may take over."""


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
        jobs: How many processes run the users; it changes no result.
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
    jobs: int = 1

    @property
    def is_live(self) -> bool:
        """Whether the alert policy has to run, and so the model to change as it did then."""
        wants_more = self.risk is not None or self.alerts is not None or self.reports
        return wants_more or self.points is None


class Backtest:
    """One back-test: shares of users, a learner, and a notebook.

    Args:
        rules: The business rules.
        asked: What is wanted.
        now_ms: Record timestamp of all events, epoch ms UTC.

    Attributes:
        figures: What a report says, once the run is over; None if only points were scored.
        cpu_s: CPU time of each process that was started, s.
    """

    def __init__(self, rules: Rules, asked: Asked, now_ms: int) -> None:
        self.gaps = Gaps((*rules.outages, *asked.gaps.outages), asked.gaps.pauses)
        rules = msgspec.structs.replace(rules, outages=self.gaps.outages)
        self.asked, self.rules = asked, rules
        self.apprentice = Apprentice(rules, keeps_history=asked.is_live, guests=asked.guests)
        self.horizon_ms = rules.churn.horizon_ms
        self.notes = Notes(rules, asked.since_ms, self.gaps) if asked.is_live else None
        self.point_outcomes = PointOutcomes(asked.points, self.horizon_ms, self.gaps)
        self.figures: Figures | None = None
        self.counts: Counter[str] = Counter()
        self.users = 0
        self.cpu_s: list[float] = []
        self.newest_ms = 0
        self._now_ms = now_ms
        self._first_ms: float = np.inf
        self._scorer = self.apprentice.scorer()
        self._scored_to: float = -np.inf
        self._setups = setups(rules, asked, self.gaps, now_ms)
        self._share_of = Partitioner(self._setups[0].partitions)
        if self.notes is not None:
            names = self.notes.names
            self.notebook = Notebook(asked.risk, asked.alerts, asked.since_ms, names)
            self._gathering = Gathering(names, len(self._setups))

    def run(
        self, blocks: Iterator[Block], tick: Callable[[float], None] = lambda _: None
    ) -> dict[str, Any]:
        """Run the log; write what was asked for; return a summary.

        Args:
            blocks: The log, in order of time.
            tick: Called with the share of the batch jobs' work that is done.

        Raises:
            UserError: Nothing can be said.
            OneShareError: The log has to be run by one process.
        """
        with ExitStack() as stack:
            if self.notes is not None:
                stack.enter_context(self.notebook)
            crew = self._crew(stack)
            self._drive(crew, blocks)
        self.cpu_s = crew.cpu_s
        self._check_used()
        if self.asked.points is not None and self.asked.scores is not None:
            self.asked.points.write(self.asked.scores)
        if self.notes is not None:
            roster = self.apprentice.roster
            roster.advance(self.newest_ms + 1)
            self.notes.diary.look(self.newest_ms, roster)
            self.figures = figures(
                self.notes, roster.history, roster.report(), self.rules, self.newest_ms,
                compares=self.asked.compares, is_control=self.asked.is_control, tick=tick,
            )  # fmt: skip
        return self._summary()

    # -- the log

    def _crew(self, stack: ExitStack) -> Crew:
        """Return who runs the shares."""
        if len(self._setups) > 1:
            return stack.enter_context(Crowd(self._setups))
        alone = Alone(self._setups[0])
        if self.notes is not None:
            self.notes.follow(alone.share.teachers.given_up)
        return alone

    def _drive(self, crew: Crew, blocks: Iterator[Block]) -> None:
        """Run a log, slice by slice.

        While a slice is taught, the one before is learned, and the one before that is judged.
        """
        taught: Slice | None = None
        is_judged = False
        for each in sliced(self._seen(blocks), self._epoch_after, self._now_ms):
            crew.teach(self._tasks(each))
            if taught is not None:
                timeline = self._learned(taught, crew.taught())
                if is_judged:
                    self._hear(crew.judged())
                if self.notes is not None:
                    crew.judge(timeline)
                    is_judged = True
            taught = each
        assert taught is not None, "a log has a last slice"
        timeline = self._learned(taught, crew.taught())
        if is_judged:
            self._hear(crew.judged())
        if self.notes is not None:
            crew.judge(timeline)
            self._hear(crew.judged())
        for ended in crew.end():
            self.counts.update(ended.counts)
            self.users += ended.users
            self.point_outcomes.next_ms.update(ended.next_ms)

    def _seen(self, blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            self._first_ms = min(self._first_ms, float(block.times_ms[0]))
            if self.notes is not None:
                self.notes.begin(block)
            yield block

    def _tasks(self, part: Slice) -> list[Task]:
        """Return what each share has to do in a slice."""
        cuts = self._cuts(part)
        shares: list[list[int]] = [[] for _ in self._setups]
        if len(shares) == 1:
            blocks = [part.block]
        else:
            for place, user_id in enumerate(part.block.user_ids):
                shares[self._share_of[user_id] % len(shares)].append(place)
            blocks = [part.block.picked(places) for places in shares]
        return [Task(block, cuts, part.until_ms, part.newest_ms, part.is_last) for block in blocks]

    def _cuts(self, part: Slice) -> list[int]:
        """Return the instants of a slice at which points are scored."""
        points = self.asked.points
        if points is None or part.newest_ms is None:
            return []
        limit_ms = part.newest_ms if part.until_ms is None else part.until_ms
        begin = bisect_right(points.instants, max(self._scored_to, self._first_ms - 1))
        end = len(points.instants) if part.is_last else bisect_right(points.instants, limit_ms)
        self._scored_to = max(self._scored_to, limit_ms)
        return points.instants[begin:end]

    def _epoch_after(self, at_ms: int) -> int:
        """Return the next instant at which the pipeline takes over what was learned.

        What is scored at points is as fresh as ever: this is about the scores that alerts rest on.
        """
        span_ms = self.apprentice.epoch_ms
        if at_ms - self._first_ms >= YOUNG_HORIZONS * self.horizon_ms:
            span_ms *= EPOCHS_LATER
        return (at_ms // span_ms + 1) * span_ms

    # -- the learner

    def _learned(self, part: Slice, taught: list[Taught]) -> Timeline:
        """Learn what a slice taught; score its points; return the scorers that its users get."""
        asked: defaultdict[int, list[AskedPoints]] = defaultdict(list)
        for said in taught:
            self.apprentice.receive(said.lessons)
            for each in said.asked:
                asked[each.at_ms].append(each)
        self._note(taught)
        self.newest_ms = part.newest_ms or 0
        # H/4 after the newest event nothing more can be learned: that a log has ended, and a point
        # lies still later, teaches nothing about anybody.
        known_ms = self.newest_ms + self.rules.churn.period_ms
        epochs = frozenset(part.epochs if self.asked.is_live else ())
        since_ms, scorers = [-np.inf], [self._scorer]
        for at_ms in sorted(epochs | asked.keys()):
            self.apprentice.learn_before(min(at_ms, known_ms))
            if at_ms in epochs:
                self._take_over(at_ms, since_ms, scorers)
            for each in asked[at_ms]:
                self._score(each)
        self._scorer = scorers[-1]
        return Timeline(since_ms, scorers)

    def _take_over(self, at_ms: int, since_ms: list[float], scorers: list[Any]) -> None:
        """Add what is in force from an instant on, if that is something else."""
        scorer = self.apprentice.scorer()
        if scorer is not scorers[-1]:
            since_ms.append(at_ms)
            scorers.append(scorer)
        assert self.notes is not None, "only who is judged needs a scorer"
        self.notes.diary.look(at_ms, self.apprentice.roster)

    def _score(self, asked: AskedPoints) -> None:
        """Score the points of an instant with what is known by now."""
        points = self.asked.points
        assert points is not None, "only points are asked about"
        if asked.places:
            at = np.full(len(asked.places), float(asked.at_ms))
            points.said[asked.places] = self.apprentice.scorer().quiet(asked.heads, at)
            points.recency_ms[asked.places] = at - asked.heads[:, Rhythm.LAST]

    # -- the notes

    def _note(self, taught: list[Taught]) -> None:
        """Note what users did."""
        if self.notes is None:
            return
        self.notes.see(self._gathering.acts(taught))
        for _, user_id, source in sorted(each for part in taught for each in part.sources):
            self.notes.come_from(user_id, source)

    def _hear(self, judged: list[Judged]) -> None:
        """Note what was thought of users."""
        assert self.notes is not None, "only who is judged is heard"
        scores, alerts = self._gathering.scores(judged), alerts_of(judged)
        self.notes.risk(scores)
        self.notes.alert(alerts)
        self.notebook.risk(scores)
        self.notebook.alerts(alerts)

    # -- the end

    def _check_used(self) -> None:
        """Raise an error when no event could be used: no figure would mean anything."""
        if not self.counts["accepted"]:
            unused = self._rejected() | _named(self.counts, "skipped_")
            why = ", ".join(f"{number:,} {reason}" for reason, number in unused.items())
            raise UserError(
                f"it cannot say anything, because no event of the log could be used: {why}",
                "compare the log with the events that the rules name, and with the clock",
            )

    def _rejected(self) -> dict[str, int]:
        return _named(self.counts, "rejected_")

    def _summary(self) -> dict[str, Any]:
        roster, newest_ms = self.apprentice.roster, self.newest_ms
        out: dict[str, Any] = {
            "events": self.counts["accepted"],
            "events_rejected": sum(self._rejected().values()),
            "rejected_for": self._rejected(),
            "users": self.users,
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
        span_ms = (first_ms, float(self.newest_ms or first_ms))
        return facts_of(self.rules, self.gaps, span_ms, summary, file)


def setups(rules: Rules, asked: Asked, gaps: Gaps, now_ms: int) -> list[Setup]:
    """Return the shares of a back-test.

    Where a budget is shared out among partitions, their number matters; else it is as good as any.
    """
    partitions = asked.partitions
    if not rules.budget.per_day:
        partitions = max(partitions, asked.jobs)
    shares = min(asked.jobs, partitions)
    return [
        Setup(
            rules=rules, points=asked.points, gaps=gaps, partitions=partitions,
            own=range(number, partitions, shares), now_ms=now_ms, is_live=asked.is_live,
        )
        for number in range(shares)
    ]  # fmt: skip


def _named(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    """Return the counts whose name begins so, by the rest of it in words, most first."""
    found = {
        name.removeprefix(prefix).replace("_", " "): number
        for name, number in counts.items()
        if name.startswith(prefix) and number
    }
    return dict(sorted(found.items(), key=lambda entry: -entry[1]))
