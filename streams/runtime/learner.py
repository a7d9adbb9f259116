"""The learner's engine: blocks of examples, outcomes and episodes in, signed records out.

It runs in the same lanes as the pipeline. Its changelog is the topic of models: the state *is* what
lies there, and says how far the blocks were learned. So a restart or another learner goes on
exactly there, and two learners at once are fenced. Orders of operators stand between the blocks.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from models import roster_records
from models.catalogue import CHAMPION
from models.challengers import Background
from models.episodes import Episodes
from models.policy import POLICY, Policy, PolicyLearner
from models.questions import Examples, Forget, Openings, Outcomes
from models.roster import Roster
from models.snapshot import Phase, Serving, SnapshotRefused, load, resealed, sign
from models.standing import REPORT, Report
from streams import orders
from streams.core.partition_record import HALF_A_PAST, PAST_KEY
from streams.core.rules import Rules
from streams.core.teaching import ModelOrder
from streams.errors import Exit, UserError
from streams.lessons import BadLessonError, Lesson, OtherRulesError, input_of, lesson_of
from streams.runtime.columns import Chunk
from streams.runtime.metrics import Metric, Metrics
from streams.runtime.model_meter import ExperimentMeter, model_facts, show_report, show_serving
from streams.runtime.orders import OrderBook
from streams.runtime.producer import Commit
from streams.runtime.ticks import Tick
from streams.settings import Settings
from winback_sender.log_errors import unquoted
from winback_sender.logs import get_logger

log = get_logger(__name__)

SNAPSHOT_EVERY_S: Final = 1.0
POLICY_EVERY: Final = 10
OTHER: Final = "other_rules"
"""Commits after which the policy is repeated: who follows it reads from the end of the topic."""
CHUNK_MAX: Final = 2
"""Blocks at once: one may hold 4,000 examples, and all models together take 100 µs for each."""


class LearnerEngine:
    """The models of a deployment, learning.

    Args:
        settings: Name the topic and the key that signs models.
        rules: The churn definition that examples must have been made with.
        metrics: Where measures go.
        background: Runs the fit of a booster in another thread; None = at once.
        keeps_history: Whether every matured question is kept, for an export.
    """

    held: frozenset[str] = frozenset()
    """Nothing: what it reads is ours."""

    def __init__(
        self,
        settings: Settings,
        rules: Rules,
        metrics: Metrics,
        background: "Background | None" = None,
        *,
        keeps_history: bool = False,
    ) -> None:
        self.applied: dict[str, int] = {}
        self.roster = Roster(
            rules.churn.horizon_ms,
            columns=rules.columns,
            rules_hash=rules.hash,
            examples_min=rules.alert.examples_min,
            is_automatic=rules.is_promotion_automatic,
            keeps_history=keeps_history,
            background=background,
        )
        self.policy = PolicyLearner(rules.hash)
        self._keys = settings.model_keys
        self._rules = rules
        self._metrics = metrics
        self._orders = OrderBook(self.roster, self._keys, metrics)
        self._experiments = ExperimentMeter(metrics)
        self._facts: dict[str, object] = {}
        self._told: tuple[Phase, int] = (self.roster.phase, 0)
        self._episodes_told = -1
        self._takes = 0
        self._has_learned = False
        self._refused: Counter[str] = Counter()
        self._resealed: dict[bytes, bytes] = {}

    def restore(self, records: Mapping[bytes, bytes]) -> None:
        """Go on from the newest records, if there are any.

        Raises:
            UserError: They cannot be gone on from; overwriting them in silence would lose them.
        """
        if PAST_KEY in records:
            raise UserError("a history is being read in, and that has not ended", HALF_A_PAST,
                            Exit.FAILED)  # fmt: skip
        try:
            found = self._loaded(records)
            self._resealed = self._signed_anew(records)
            roster_records.restore(self.roster, found)
            policy = found.get(POLICY)
            if isinstance(policy, Policy):
                self.policy.restore(policy)
                self._episodes_told = policy.episodes
            given = records.get(orders.KEY.encode())
            if given is not None:
                self._orders.orders = load(given, self._keys, orders.Orders)
        except SnapshotRefused as refused:
            raise UserError(
                f"the newest model cannot be gone on from: {refused}",
                "Use the WINBACK_MODEL_KEY, the rules and the version it was made with. To go over "
                "to other rules: winback state migrate; to learn from nothing: another "
                "WINBACK_TOPIC_MODELS.",
                Exit.FAILED,
            ) from refused
        serving = found.get(roster_records.SERVING)
        if isinstance(serving, Serving):
            self.applied = {topic: offsets[0] for topic, offsets in serving.applied.items()}
            self._told = (self.roster.phase, len(self.roster.promotions))
            log.info("model_restored", version=serving.version, examples=serving.examples)

    def _loaded(self, records: Mapping[bytes, bytes]) -> dict[str, roster_records.Record]:
        """Return what the records hold, by key; what an older version wrote is refused.

        Raises:
            SnapshotRefused: One cannot be read.
        """
        found = {}
        for key, data in records.items():
            kind = roster_records.kind_of(key.decode())
            if kind is not None or key == CHAMPION.encode():
                found[key.decode()] = load(data, self._keys, kind or Serving)
        return found

    def _signed_anew(self, records: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """Return the records that a former key has signed, as the present one signs them.

        They are written with the next commit: after it nobody needs the former key.
        """
        signed = {}
        for key, data in records.items():
            with suppress(SnapshotRefused):  # What we have loaded is sound; the rest is not ours.
                if (record := resealed(data, self._keys)) is not None:
                    signed[key] = record
        if signed:
            log.info("models_signed_anew", records=len(signed))
        return signed

    def apply(self, chunk: Chunk) -> None:
        """Learn the blocks of a chunk and carry out orders, in order."""
        columns = chunk.columns
        rows = zip(columns.values, columns.offsets, columns.timestamps_ms, strict=True)
        for value, offset, made_ms in rows:
            found = self._read(value, offset)
            if isinstance(found, ModelOrder):
                self._orders.carry_out(found, made_ms)
            elif found is not None:
                self._learn(found)
            self._tell()
        self._has_learned = True

    def _read(self, value: bytes | None, offset: int) -> Lesson | ModelOrder | None:
        """Return what a record says; what is broken or of other rules is counted and left."""
        count = 1
        try:
            found = input_of(value or b"")
            if isinstance(found, ModelOrder):
                return found
            count = max(found.count, 0)
            return lesson_of(found, self._rules.hash)
        except (BadLessonError, OtherRulesError) as error:
            outcome = OTHER if isinstance(error, OtherRulesError) else "not_decodable"
            self._refused[outcome] += 1
            if str(times := self._refused[outcome]).strip("0") == "1":  # 1st, 10th, 100th, ...
                why = unquoted(str(error))
                log.warning("examples_refused", offset=offset, times=times, reason=why)
        self._metrics.add(
            Metric.EXAMPLES_LEARNED, count if outcome == OTHER else 1, outcome=outcome
        )
        return None

    def _learn(self, lesson: Lesson) -> None:
        roster = self.roster
        learned = roster.models[CHAMPION].examples
        match lesson:
            case Examples():
                roster.receive(examples=lesson)
            case Openings():
                roster.receive(openings=lesson)
                self._metrics.add(Metric.LESSONS, len(lesson.users), kind="opening")
            case Outcomes():
                roster.receive(outcomes=lesson)
                self._metrics.add(Metric.LESSONS, len(lesson.users), kind="outcome")
            case Forget():
                roster.questions.forget(lesson.users)
                return
            case Episodes():
                self.policy.learn(lesson)
                self._metrics.add(Metric.LESSONS, len(lesson.treated), kind="episode")
                self._experiments.count(lesson)
                return
        roster.catch_up()
        if isinstance(lesson, Examples):
            learned = roster.models[CHAMPION].examples - learned
            refused = len(lesson.active) - learned
            self._metrics.add(Metric.EXAMPLES_LEARNED, learned, outcome="learned")
            self._metrics.add(Metric.EXAMPLES_LEARNED, refused, outcome="refused")

    def _tell(self) -> None:
        """Log a change of the phase or of the champion."""
        roster = self.roster
        before, promoted = self._told
        self._told = (roster.phase, len(roster.promotions))
        if roster.phase is not before:
            tell = log.warning if roster.phase is Phase.FALLEN_BACK else log.info
            tell(
                "model_phase", phase=roster.phase.value, before=before.value,
                champion=roster.champion, examples=roster.examples,
            )  # fmt: skip
        for promotion in roster.promotions[promoted:]:
            log.info("model_promoted", model=promotion.name, over=promotion.over, why=promotion.why)
            self._metrics.add(Metric.MODEL_PROMOTIONS, model=promotion.name)

    def tick(self, tick: Tick, span_ms: int) -> bool:  # noqa: ARG002 (the lane's signature)
        """Learning follows examples, not the clock."""
        return True

    def take(self) -> Commit:
        """Hand over what changed since the last time."""
        if not self._has_learned:
            return Commit([], {})
        self._has_learned = False
        applied = {topic: {0: offset} for topic, offset in self.applied.items()}
        taken: dict[str, Any] = {**roster_records.take(self.roster, applied)}
        self._takes += 1
        if self._episodes_told != self.policy.episodes or self._takes % POLICY_EVERY == 0:
            self._episodes_told = self.policy.episodes
            taken[POLICY] = self.policy.policy()
        taken[REPORT] = report = self.roster.report()
        taken[orders.KEY] = self._orders.orders
        self._show(taken[roster_records.SERVING], report)
        written: dict[bytes, bytes | None] = {**self._resealed}
        self._resealed = {}
        for key, record in taken.items():
            written[key.encode()] = None if record is None else sign(record, self._keys)
        return Commit([*written.items()], {})

    def facts(self) -> dict[str, object]:
        """Return what /health says of the models."""
        return {"model": self._facts}

    def _show(self, serving: Serving, report: Report) -> None:
        self._facts = model_facts(serving)
        show_serving(self._metrics, serving)
        show_report(self._metrics, report)
