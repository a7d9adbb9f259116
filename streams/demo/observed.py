"""What the topics say: a pure fold of their records into the numbers of the demo."""

from collections import Counter, defaultdict
from typing import Final, NamedTuple

import msgspec

from models.snapshot import Serving, SnapshotRefused, load
from streams.core.messages import CaseClosed, Decision, JournalEntry, TouchRequested, TouchRevoked
from streams.core.native import FeedbackEvent
from streams.senders.inbox import instant_ms
from streams.settings import Settings

Message = TouchRequested | TouchRevoked | CaseClosed

_MESSAGE: Final = msgspec.json.Decoder(Message)
_DECISION: Final = msgspec.json.Decoder(Decision)
_JOURNAL: Final = msgspec.json.Decoder(JournalEntry)
_FEEDBACK: Final = msgspec.json.Decoder(FeedbackEvent)


class Case(NamedTuple):
    """An alert: who, when (epoch ms UTC), and whether the silence backstop gave it."""

    user_id: str
    at_ms: int
    trigger: str


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
        cases: Every alert by case id.
        touch_ids: Every touch that was asked for, with how often.
        touched: Cases with a touch.
        revoked: Touches taken back.
        closed: Every closed case by id.
        held_out: Cases that are watched and not touched.
        answers: Touches by the last word of the sender.
        reported: Touches that the sender has reported.
        applied: Next offset by source topic and partition, durable.
        moved_ms: When the newest commit of a partition was made, epoch ms UTC.
        newest_ms: The furthest event time that is durable, epoch ms UTC.
        model: The newest.
    """

    def __init__(self, settings: Settings) -> None:
        self.cases: dict[str, Case] = {}
        self.touch_ids: Counter[str] = Counter()
        self.touched: set[str] = set()
        self.revoked = 0
        self.closed: dict[str, CaseClosed] = {}
        self.held_out: set[str] = set()
        self.answers: dict[str, str] = {}
        self.reported: set[str] = set()
        self.applied: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.moved_ms: dict[int, int] = {}
        self.newest_ms = 0
        self.model = Model()
        self._key = settings.model_key.encode()
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
    def open_cases(self) -> int:
        """Users at risk now: their case is open."""
        return len(self.cases.keys() - self.closed.keys())

    @property
    def returned(self) -> int:
        """Cases that ended because the user came back by itself."""
        return sum(case.outcome == "returned" for case in self.closed.values())

    def alerts(self) -> dict[str, list[int]]:
        """Return the instants of the alerts by user, epoch ms UTC."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for case in self.cases.values():
            found[case.user_id].append(case.at_ms)
        return dict(found)

    def _message(self, value: bytes) -> None:
        match _MESSAGE.decode(value):
            case TouchRequested(touch_id=touch_id, case_id=case_id):
                self.touch_ids[touch_id] += 1
                self.touched.add(case_id)
            case TouchRevoked():
                self.revoked += 1
            case CaseClosed() as closed:
                self.closed[closed.case_id] = closed

    def _decision(self, value: bytes) -> None:
        decision = _DECISION.decode(value)
        if not decision.case_id:
            return
        if decision.case_id not in self.cases:  # A case is decided about when it is opened.
            at_ms = instant_ms(decision.decided_at)
            self.cases[decision.case_id] = Case(decision.user_id, at_ms, decision.trigger)
        if decision.reason == "holdout":
            self.held_out.add(decision.case_id)

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
            serving = load(value, self._key, Serving)
        except SnapshotRefused:
            return  # Another's, or another record of the learner.
        said = serving.metrics
        self.model = Model(
            serving.version, serving.examples, said.get("auc"), said.get("log_loss"),
            said.get("base_rate"),
        )  # fmt: skip
