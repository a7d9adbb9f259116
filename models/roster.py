"""The roster: who plays, how good each is, and what is in force.

It lives in event time. Examples are learned as they mature. Every quarter of a period there is an
*assembly*: models are frozen as they are then, and what is asked until the next one is answered by
those frozen models, so nobody is graded with hindsight; a challenger that is better for certain is
promoted; calibration, drift and the booster are looked after. What the roster says depends on what
matured before an instant, not on how it was delivered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from models.board import SERVED, Board
from models.calibration import Calibrator
from models.catalogue import CATALOGUE, CHAMPION, FLOOR, GUEST, MATURED, MIX, PRIOR, Setup
from models.challengers import GuestLearner, MixedLearner
from models.drift import Drift
from models.error_watch import ErrorWatch
from models.features import features
from models.frozen import Frozen
from models.learner import sound
from models.questions import Examples, Matured, Openings, Outcomes, Questions
from models.queue import Queue
from models.serving import in_force
from models.snapshot import Phase, Serving, Snapshot
from models.standing import Promotion, Report, Standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.challengers import Background
    from models.learner import Learner
    from models.newest import NewestExamples
    from models.scorer import Scorer

ASSEMBLIES_PER_HORIZON: Final = 16
EXAMPLES_MIN: Final = 500
"""Fewer matured examples, and nothing beats knowing how often a user comes."""
BLENDED_TO: Final = 4
"""The prior has left when so many times the least number of examples is learned."""


class Roster:
    """The models of a deployment.

    Args:
        horizon_ms: H, ms.
        columns: Names of the features that models may use; empty = the 31 without configuration.
        rules_hash: Of the rules that the examples are made with.
        examples_min: From so many examples on the model is listened to.
        keeps_history: Whether every matured question is kept for a report.
        is_automatic: Whether evidence promotes by itself; an operator always may.
        keeps_records: Whether its state is written down (`roster_records.py`); a replay forgets.
        background: Runs a fit in another thread; None = at once.
    """

    def __init__(
        self,
        horizon_ms: int,
        *,
        columns: Sequence[str] = (),
        rules_hash: str = "",
        examples_min: int = EXAMPLES_MIN,
        keeps_history: bool = False,
        is_automatic: bool = True,
        keeps_records: bool = True,
        background: Background | None = None,
    ) -> None:
        self.horizon_ms, self.rules_hash = horizon_ms, rules_hash
        self.is_automatic = is_automatic
        self.champion = CHAMPION
        self.promotions: list[Promotion] = []
        self.history: list[Matured] = []
        self.models: dict[str, Learner] = {}
        for name, entry in CATALOGUE.items():
            self.models[name] = entry.make(Setup(horizon_ms, tuple(columns), self.models))
        self.questions = Questions(horizon_ms, keeps_heads=keeps_history)
        self.board, self.calibrator = Board(horizon_ms), Calibrator()
        self.drift, self.errors = Drift.of(horizon_ms), ErrorWatch()
        self.trained_to_ms = 0
        self.changed_models: set[str] = set()
        self.has_frozen = False
        self.has_answered = False
        self._keeps_history, self._keeps_records = keeps_history, keeps_records
        self._examples_min = max(examples_min, 1)
        self._background = background
        self._span_ms = max(1, horizon_ms // ASSEMBLIES_PER_HORIZON)
        self.assembled_ms: int | None = None
        self.unsettled_ms: float | None = None  # Earliest of what happened since the assembly.
        self.queue = Queue()
        self.frozen = Frozen(horizon_ms)
        self._scorer: Scorer = in_force(None, horizon_ms)
        self._scorer_of: tuple[Any, ...] = ()

    # -- in

    def receive(
        self,
        *,
        examples: Examples | None = None,
        openings: Openings | None = None,
        outcomes: Outcomes | None = None,
    ) -> None:
        """Take what came in; it counts when its time has come."""
        self.queue.put(examples, openings, outcomes)

    def advance(self, until_ms: int) -> None:
        """Let everything happen that lies before an instant, in order."""
        while (at_ms := self._next_assembly()) is not None and at_ms <= until_ms:
            self._happen(at_ms)
            self._assemble(at_ms)
        self._happen(until_ms)

    def catch_up(self) -> None:
        """Let everything happen that came in: live, nothing older is waited for.

        So a question of a partition that is behind is answered by models that know a little more.
        """
        self.advance(self.queue.newest_ms + 1)

    def freeze(self) -> None:
        """Let the models of now answer what is asked from now on."""
        self.frozen.take(self.models, self.scorer(), self.calibrator.platt)
        if self._keeps_records:
            self.frozen.keep(self.models, self.serving())
        self.has_frozen = True

    def _next_assembly(self) -> int | None:
        """Return when the next assembly is: at the end of a span in which something happens."""
        earliest = self._earliest_ms
        if earliest is None:
            return None
        after = (int(earliest) // self._span_ms + 1) * self._span_ms
        if self.assembled_ms is None or after > self.assembled_ms:
            return after
        return self.assembled_ms + self._span_ms

    @property
    def _earliest_ms(self) -> float | None:
        """Earliest of what waits and of what has happened since the last assembly."""
        known = (self.queue.earliest_ms, self.unsettled_ms)
        return min((at_ms for at_ms in known if at_ms is not None), default=None)

    def _happen(self, until_ms: int) -> None:
        """Ask, learn and answer what lies before an instant."""
        earliest = self._earliest_ms
        if earliest is not None and earliest < until_ms:
            self.unsettled_ms = earliest
        openings = self.queue.openings_before(until_ms)
        if openings is not None:
            self._ask(openings)
        examples = self.queue.examples_before(until_ms)
        if examples is not None:
            self._learn(examples)
        outcomes = self.queue.outcomes_before(until_ms)
        if outcomes is not None:
            matured = self.questions.answer(outcomes)
            if matured is not None:
                self._answered(matured)

    def _ask(self, openings: Openings) -> None:
        rows = features(openings.heads, openings.at_ms, float(self.horizon_ms)).astype(np.float32)
        self.questions.ask(openings, rows, *self.frozen.answers(openings))

    def _learn(self, examples: Examples) -> None:
        may = sound(examples.rows, examples.weight)
        usable = Examples._make(column[may] for column in examples)
        if len(usable.active):
            self.errors.see(self.frozen.scorers, usable, self.champion)
            self.drift.see(usable)
        for name, model in self.models.items():
            before = model.examples
            model.learn(examples.rows, examples.active, examples.weight)
            if model.examples != before and name != MIX:  # That changes with its trees.
                self.changed_models.add(name)
        self.trained_to_ms = max(self.trained_to_ms, int(examples.matured_at_ms[-1]))

    def _answered(self, matured: Matured) -> None:
        self.has_answered = True
        self.board.see(matured, self.champion, FLOOR)
        since_ms = self.promotions[-1].at_ms if self.promotions else 0
        own = (matured.opened_at_ms >= since_ms) & ~np.isnan(matured.candidate)
        weight = matured.weight[own].astype(np.float64)
        raw, candidate = matured.raw[own], matured.candidate[own]
        self.calibrator.update(raw, candidate, matured.churned[own], weight)
        for name, model in self.models.items():
            before = model.examples
            model.mature(matured.rows, matured.churned, matured.weight)
            if model.examples != before:
                self.changed_models.add(name)
        if self._keeps_history:
            self.history.append(matured)

    # -- assemblies

    def _assemble(self, at_ms: int) -> None:
        self.assembled_ms, self.unsettled_ms = at_ms, None
        mix = self.models[MIX]
        assert isinstance(mix, MixedLearner)
        if mix.refit(self._background):
            self.changed_models.add(MIX)
        self.questions.forget_before(at_ms)
        self.errors.judge(at_ms)
        self.board.close()
        self.calibrator.refit()
        better = self.board.better(but={FLOOR, PRIOR, MATURED}) if self.is_automatic else None
        if better is not None and self.models[better].scorer() is not None:
            interval = self.board.evidence[better].interval()
            assert interval is not None
            rows = self.board.evidence[better].rows
            self.promote(
                better, at_ms,
                f"Brier score better by {interval.mean:.5f} [{interval.low:.5f}, "
                f"{interval.high:.5f}] on {rows:,} outcomes",
            )  # fmt: skip
        self.freeze()

    def promote(self, name: str, at_ms: int, why: str) -> None:
        """Put a model in force from now on.

        Raises:
            KeyError: Nobody of that name plays.
            ValueError: It has nothing to say yet.
        """
        if self.models[name].scorer() is None:
            raise ValueError(f"{name} has not learned enough to be in force")
        if name == self.champion:
            return
        self.promotions.append(Promotion(name, self.champion, at_ms, why))
        self.champion = name
        self.board.begin_anew(at_ms)
        self.errors = ErrorWatch()
        self.calibrator, self.has_answered = Calibrator(), True
        self.freeze()

    def rollback(self, at_ms: int) -> None:
        """Put the model in force that was before the last promotion.

        Raises:
            ValueError: There was no promotion.
        """
        if not self.promotions:
            raise ValueError("there was no promotion")
        self.promote(self.promotions[-1].over, at_ms, "rolled back by an operator")

    def enter(self, snapshot: Snapshot) -> None:
        """Let a guest play: trees that somebody fitted to examples.

        Raises:
            ValueError: Its name is not that of a guest, or another one plays under it.
            SnapshotRefused: It does not fit, or is none.
        """
        if not snapshot.name.startswith(GUEST):
            raise ValueError(f"{snapshot.name}: the name of a guest begins with {GUEST}")
        playing = self.models.get(snapshot.name)
        if playing is not None and playing.snapshot() != snapshot:
            raise ValueError(f"{snapshot.name} plays already; names are permanent")
        self.models[snapshot.name] = GuestLearner(snapshot, self.horizon_ms)
        self.changed_models.add(snapshot.name)

    # -- out

    @property
    def newest(self) -> NewestExamples:
        """The newest examples, kept for the next fit."""
        mix = self.models[MIX]
        assert isinstance(mix, MixedLearner)
        return mix.newest

    @property
    def examples(self) -> int:
        """Examples that the champion has learned."""
        return self.models[self.champion].examples

    @property
    def phase(self) -> Phase:
        """How far what was learned is trusted."""
        if self.models[CHAMPION].examples < self._examples_min:
            return Phase.PRIOR
        if self.errors.alarm is not None:
            return Phase.FALLEN_BACK
        return Phase.BLENDED if self.prior_weight > 0.0 else Phase.LEARNED

    @property
    def prior_weight(self) -> float:
        """Share of the prior in the log-odds: 1 at the least examples, 0 from four times that."""
        learned = self.models[CHAMPION].examples - self._examples_min
        span = (BLENDED_TO - 1) * self._examples_min
        return min(max(1.0 - learned / span, 0.0), 1.0)

    @property
    def may_alert(self) -> bool:
        """Whether alerts may rest on what is in force."""
        return self.phase in {Phase.BLENDED, Phase.LEARNED} and not self.board.is_below_floor

    def scorer(self) -> Scorer:
        """Return what is in force now; the same object while nothing has changed."""
        key = (self.champion, self.models[self.champion].examples, self.models[CHAMPION].examples,
               self.phase, self.may_alert, self.calibrator.in_force, id(self._trees))  # fmt: skip
        if key != self._scorer_of:
            self._scorer_of = key
            alone = self.phase in {Phase.PRIOR, Phase.FALLEN_BACK}
            self._scorer = in_force(
                self.models[self.champion].scorer(),
                self.horizon_ms,
                prior_weight=1.0 if alone else self.prior_weight,
                platt=self.calibrator.in_force,
                may_alert=self.may_alert,
            )
        return self._scorer

    @property
    def _trees(self) -> object:
        mix = self.models[MIX]
        return mix.trees if isinstance(mix, MixedLearner) else None

    def serving(self, applied: dict[str, dict[int, int]] | None = None) -> Serving:
        """Return all that a worker needs; ``applied``: where learning goes on, by topic."""
        has_model = self.phase is not Phase.PRIOR
        grades = msgspec.to_builtins(self.board.grades(SERVED))
        return Serving(
            version=self.scorer().version,
            champion=self.champion,
            phase=self.phase,
            horizon_ms=self.horizon_ms,
            examples=self.examples,
            prior_weight=self.prior_weight,
            may_alert=self.may_alert,
            platt=self.calibrator.in_force,
            model=self.models[self.champion].snapshot() if has_model else None,
            rules_hash=self.rules_hash,
            trained_to_ms=self.trained_to_ms,
            applied=applied or {},
            metrics=grades,
        )

    def report(self) -> Report:
        """Return how things stand."""
        standings = [
            Standing(
                name,
                CATALOGUE[name].what if name in CATALOGUE else "a guest's trees",
                model.examples,
                self.board.grades(name),
                self.board.evidence[name].interval() if name in self.board.evidence else None,
            )
            for name, model in self.models.items()
        ]
        alarms = [*self.drift.alarms.values(), *([self.errors.alarm] if self.errors.alarm else [])]
        return Report(
            champion=self.champion,
            phase=self.phase,
            prior_weight=self.prior_weight,
            may_alert=self.may_alert,
            examples=self.examples,
            trained_to_ms=self.trained_to_ms,
            platt=self.calibrator.in_force,
            calibration_gain=self.calibrator.gain,
            served=self.board.grades(SERVED),
            reliability=self.board.reliability(),
            questions=len(self.questions),
            models=standings,
            alarms=alarms,
            promotions=self.promotions,
        )
