"""What the topics say: a pure fold of their records into the numbers of the demo."""

from collections import Counter, defaultdict
from typing import Final, NamedTuple

import msgspec

from models.snapshot import Serving, SnapshotRefused, load
from streams.core.messages import (
    BudgetStatus,
    Decision,
    Episode,
    JournalEntry,
    OfDecisions,
    RiskChanged,
)
from streams.demo.places import Places
from streams.demo.spells import Spells
from streams.settings import Settings
from winback_sender.contract.instants import instant_ms
from winback_sender.contract.messages import (
    CaseClosed,
    Feedback,
    OfWinBack,
    TouchRequested,
    TouchRevoked,
)

Message = OfWinBack

_MESSAGE: Final = msgspec.json.Decoder(Message)
_DECISION: Final = msgspec.json.Decoder(OfDecisions)
_JOURNAL: Final = msgspec.json.Decoder(JournalEntry)
_FEEDBACK: Final = msgspec.json.Decoder(Feedback)


class Case(NamedTuple):
    """An alert: who, when (epoch ms UTC), and whether the silence backstop gave it."""

    user_id: str
    at_ms: int
    trigger: str


class Asked(NamedTuple):
    """A touch that was asked for: when (epoch ms UTC), and on which channel."""

    at_ms: int
    channel: str


class Model(NamedTuple):
    """The newest model and its quality so far: said before the outcome was known."""

    version: str = ""
    examples: int = 0
    auc: float | None = None
    log_loss: float | None = None
    base_rate: float | None = None


class Observed:
    """The state of the run, as its topics tell it.

    Args:
        settings: Names the topics and the key of the models.

    Attributes:
        spells: When users were at high risk.
        places: What the partitions say of their budgets.
        cases: Every case by id.
        touch_ids: Every touch that was asked for, with how often.
        asked: The same, with when and where.
        touched: Cases with a touch.
        revoked: Touches taken back.
        closed: Every closed case by id.
        held_out: Cases that are watched and not touched.
        refused: Case to the last reason why a touch did not leave or had to wait.
        answers: Touches by the last word of the sender.
        reported: Touches that the sender has reported.
        applied: Next offset by source topic and partition, durable.
        moved_ms: When the newest commit of a partition was made, epoch ms UTC.
        newest_ms: The furthest event time that is durable, epoch ms UTC.
        model: The newest.
    """

    def __init__(self, settings: Settings) -> None:
        self.spells = Spells()
        self.places = Places(settings.partitions)
        self.cases: dict[str, Case] = {}
        self.touch_ids: Counter[str] = Counter()
        self.asked: dict[str, Asked] = {}
        self.touched: set[str] = set()
        self.revoked = 0
        self.closed: dict[str, CaseClosed] = {}
        self.held_out: set[str] = set()
        self.refused: dict[str, str] = {}
        self.answers: dict[str, str] = {}
        self.reported: set[str] = set()
        self.applied: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.moved_ms: dict[int, int] = {}
        self.newest_ms = 0
        self.model = Model()
        self._keys = settings.model_keys
        self._folds = {
            settings.topic_touches: self._message,
            settings.topic_decisions: self._decision,
            settings.topic_feedback: self._feedback,
            settings.topic_models: self._snapshot,
        }
        self._journal_topic = settings.topic_journal

    def see(self, topic: str, value: bytes, made_ms: int) -> None:
        """Take note of one record.

        Args:
            topic: Where it stands.
            value: Its bytes.
            made_ms: When it was made, epoch ms UTC.
        """
        if topic == self._journal_topic:
            self._journal(_JOURNAL.decode(value), made_ms)
        else:
            self._folds[topic](value)

    def applied_of(self, topic: str) -> int:
        """Return how many records of a source are durable in the state."""
        return sum(offset for (found, _), offset in self.applied.items() if found == topic)

    @property
    def returned(self) -> int:
        """Cases that ended because the user came back by itself."""
        return sum(case.outcome == "returned" for case in self.closed.values())

    def _message(self, value: bytes) -> None:
        match _MESSAGE.decode(value):
            case TouchRequested() as touch:
                self.touch_ids[touch.touch_id] += 1
                self.asked[touch.touch_id] = Asked(instant_ms(touch.not_before), touch.channel)
                self.touched.add(touch.case_id)
            case TouchRevoked():
                self.revoked += 1
            case CaseClosed() as closed:
                self.closed[closed.case_id] = closed

    def _decision(self, value: bytes) -> None:
        match _DECISION.decode(value):
            case Decision() as decision:
                self._decided(decision)
            case RiskChanged() as changed:
                self.spells.see(changed)
            case BudgetStatus() as status:
                self.places.see(status)
            case Episode():
                pass  # The report at the end counts them.

    def _decided(self, decision: Decision) -> None:
        if not decision.case_id:
            return
        if decision.case_id not in self.cases:  # A case is decided about when it is opened.
            at_ms = instant_ms(decision.decided_at)
            self.cases[decision.case_id] = Case(decision.user_id, at_ms, decision.trigger)
        if decision.reason == "holdout":
            self.held_out.add(decision.case_id)
        elif decision.verdict != "send":
            self.refused[decision.case_id] = decision.reason

    def _feedback(self, value: bytes) -> None:
        said = _FEEDBACK.decode(value)
        self.reported.add(said.touch_id)
        self.answers[said.touch_id] = said.outcome or said.status

    def _journal(self, entry: JournalEntry, made_ms: int) -> None:
        for topic, _, end in entry.inputs:
            key = topic, entry.partition
            self.applied[key] = max(self.applied[key], end)
        self.moved_ms[entry.partition] = made_ms
        self.newest_ms = max(self.newest_ms, entry.watermark_ms)

    def _snapshot(self, value: bytes) -> None:
        try:
            serving = load(value, self._keys, Serving)
        except SnapshotRefused:
            return  # Another's, or another record of the learner.
        said = serving.metrics
        self.model = Model(
            serving.version, serving.examples, said.get("auc"), said.get("log_loss"),
            said.get("base_rate"),
        )  # fmt: skip
