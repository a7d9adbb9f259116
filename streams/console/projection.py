"""From a topic's record to rows of the read model: pure, one function a message."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from models.roster_records import ANSWERS, SERVING
from models.standing import REPORT
from streams.console.changes import Change, Forget
from streams.console.of_state import changes_of
from streams.core.ids import key_id
from streams.core.messages import (
    BudgetStatus,
    Control,
    Decision,
    Episode,
    OfDecisions,
    RiskChanged,
    TouchUnaccepted,
)
from streams.core.rules import Rules
from streams.core.worth import quadrant
from streams.runtime.letters import Opened, Word, read_record
from winback_sender.contract.instants import instant_ms
from winback_sender.contract.messages import (
    CaseClosed,
    Feedback,
    OfWinBack,
    TouchRequested,
    TouchRevoked,
    UserErased,
)
from winback_sender.contract.words import STRENGTH

USERS: Final = "users"
DECISIONS: Final = "decisions"
TOUCHES: Final = "touches"
FEEDBACK: Final = "feedback"
CONTROL: Final = "control"
LETTERS: Final = "letters"
MODELS: Final = "models"
STREAMS: Final = (MODELS, CONTROL, DECISIONS, TOUCHES, FEEDBACK, LETTERS, USERS)
"""What the read model is made of."""

DETAIL_MAX: Final = 300
KEPT_MODELS: Final = frozenset(key.encode() for key in (SERVING, REPORT, ANSWERS))
"""Of the topic of models what pages speak of; they check its signature when they read it."""

_DECISION: Final = msgspec.json.Decoder(OfDecisions)
_MESSAGE: Final = msgspec.json.Decoder(OfWinBack)
_FEEDBACK: Final = msgspec.json.Decoder(Feedback)
_CONTROL: Final = msgspec.json.Decoder(Control)
_text: Final = msgspec.json.encode


class Record(NamedTuple):
    """A record of a topic, as it was read."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


Changes = Iterator[Change | Forget]


def made_by(rules: Rules) -> str:
    """Return a fingerprint of what the read model depends on besides the topics."""
    keys = [key_id(key) for key in rules.ids.keys]
    parts = (rules.hash, rules.alert.probability, rules.important, rules.stake_least, keys)
    return hashlib.blake2b(repr(parts).encode(), digest_size=12).hexdigest()


class Projection:
    """Turns records into rows.

    Args:
        rules: Say what is important, what is at stake, and what stands for a user's id.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._folds: dict[str, Callable[[Record], Changes]] = {
            USERS: self._user,
            DECISIONS: self._decided,
            TOUCHES: self._touched,
            FEEDBACK: self._heard,
            CONTROL: self._ordered,
            LETTERS: _put_aside,
            MODELS: _modelled,
        }

    def name_of(self, user_id: str) -> str:
        """Return what stands for a user on pages and in addresses; 32 characters."""
        return self._rules.ids.pseudonym(user_id, 0)

    def changes(self, stream: str, record: Record) -> list[Change | Forget]:
        """Return what a record changes; what cannot be understood is counted."""
        try:
            return list(self._folds[stream](record))
        except (msgspec.DecodeError, ValueError, OverflowError, LookupError):
            return [Change("broken", "", 0, (stream,))]

    def _user(self, record: Record) -> Changes:
        yield from changes_of(record, self._rules, self.name_of)

    # -- decisions

    def _decided(self, record: Record) -> Changes:
        key = (record.key or b"").decode()
        if record.value is None:
            yield Change("decision_gone", "", 0, (key,))
            yield Change("move_gone", "", 0, (key,))
            return
        match _DECISION.decode(record.value):
            case Decision() as said:
                yield from self._decision(key, said)
            case RiskChanged() as said:
                yield from self._moved(key, said)
            case Episode() as said:
                yield _episode(said, record.value)
            case TouchUnaccepted() as said:
                at_ms = instant_ms(said.given_up_at)
                yield Change("given_up", said.user_id, at_ms, (said.touch_id, said.user_id, at_ms))
            case BudgetStatus() as said:
                yield from _budget(said)

    def _decision(self, key: str, said: Decision) -> Changes:
        at_ms, user_id = instant_ms(said.decided_at), said.user_id
        reasons, loss = ",".join(said.reasons), round(said.expected_loss)
        yield Change("decision", user_id, at_ms, (
            key, user_id, at_ms, said.case_id, said.step, said.verdict, said.reason, said.channel,
            said.probability, loss, said.playbook, said.variant, reasons, said.model_version,
            said.mode, said.touch_id,
        ))  # fmt: skip
        if said.case_id:
            yield Change("opened", user_id, at_ms, (
                said.case_id, user_id, at_ms, said.trigger, said.reasons[0] if said.reasons else "",
                said.acquisition_source, said.value_tier, said.lifecycle_stage, said.quadrant,
                said.playbook, said.variant, said.channel, loss, said.probability,
            ))  # fmt: skip
        yield self._score(user_id, at_ms, said.value_tier, said.quadrant, reasons, said.probability)

    def _moved(self, key: str, said: RiskChanged) -> Changes:
        at_ms, user_id = instant_ms(said.changed_at), said.user_id
        yield Change("move", user_id, at_ms, (
            key, user_id, at_ms, said.band, said.band_before, said.probability, said.model_version,
        ))  # fmt: skip
        found = quadrant(said.value_tier, said.probability, self._rules)
        yield self._score(user_id, at_ms, said.value_tier, found, "", said.probability)

    def _score(
        self, user_id: str, at_ms: int, tier: str, where: str, reasons: str, probability: float
    ) -> Change:
        row = (user_id, self.name_of(user_id), tier, where, reasons, probability, at_ms)
        return Change("score", user_id, at_ms, row)

    # -- win-back

    def _touched(self, record: Record) -> Changes:
        if record.value is None:
            return
        match _MESSAGE.decode(record.value):
            case TouchRequested() as touch:
                yield _touch(touch)
            case TouchRevoked() as said:
                at_ms = instant_ms(said.revoked_at)
                yield Change("revoked", said.user_id, at_ms, (
                    said.touch_id, said.user_id, at_ms, said.reason))  # fmt: skip
            case CaseClosed() as said:
                at_ms = instant_ms(said.closed_at)
                yield Change("closed", said.user_id, at_ms, (
                    said.case_id, said.user_id, at_ms, said.outcome, said.touches,
                    int(said.is_held_out),
                ))  # fmt: skip
            case UserErased() as said:
                yield Forget(said.user_id, instant_ms(said.erased_at))

    def _heard(self, record: Record) -> Changes:
        if record.value is None:
            return
        said = _FEEDBACK.decode(record.value)
        at_ms = said.at if isinstance(said.at, int) else round(said.at.timestamp() * 1_000)
        yield Change("feedback", said.user_id, at_ms, (
            record.partition, record.offset, said.user_id, said.touch_id, said.status,
            said.outcome, said.reason, said.channel, said.provider, at_ms,
        ))  # fmt: skip
        yield Change("sender", "", 0, (said.channel, said.provider, at_ms))
        if said.touch_id and said.status in STRENGTH:
            yield Change("heard", said.user_id, at_ms, (
                said.touch_id, said.user_id, STRENGTH[said.status], said.status, said.outcome,
                at_ms,
            ))  # fmt: skip

    def _ordered(self, record: Record) -> Changes:
        if record.value is None:
            return
        said = _CONTROL.decode(record.value)
        yield Change("order", "", 0, (
            said.key, said.value, said.effective_at, said.ordered_at, said.by))  # fmt: skip


def _touch(touch: TouchRequested) -> Change:
    asked_ms = instant_ms(touch.not_before)
    reasons = [(reason.code, reason.weight) for reason in touch.risk.reasons]
    return Change("touch", touch.user_id, asked_ms, (
        touch.touch_id, touch.user_id, touch.case_id, touch.step, touch.steps_total, touch.channel,
        touch.template_key, _text(touch.params).decode(), _text(touch.offer).decode(),
        _text(touch.user.traits).decode(), _text(reasons).decode(), asked_ms,
        instant_ms(touch.expires_at), touch.audience_local_timezone, touch.experiment.playbook,
        touch.experiment.variant, touch.user.value_tier, touch.priority.quadrant,
        touch.priority.rank, touch.risk.probability, touch.user.value_net, touch.user.currency,
        touch.user.acquisition_source, instant_ms(touch.user.last_active_at),
    ))  # fmt: skip


def _episode(said: Episode, value: bytes) -> Change:
    at_ms = instant_ms(said.matured_at)
    return Change("episode", said.user_id, at_ms, (
        said.case_id, said.user_id, instant_ms(said.exposed_at), at_ms, int(said.is_held_out),
        value,
    ))  # fmt: skip


def _budget(said: BudgetStatus) -> Changes:
    for kind in sorted({*said.used, *said.share}):
        yield Change("budget", "", 0, (
            said.day, kind, said.partition, said.used.get(kind, 0), said.share.get(kind, -1),
            said.waiting, said.threshold, int(said.is_fused), said.at,
        ))  # fmt: skip


class _Letter(NamedTuple):
    """A record as `read_record` wants it."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp_ms: int
    partition: int


def _put_aside(record: Record) -> Changes:
    found: Any = read_record(
        _Letter(record.key, record.value, record.headers, record.timestamp_ms, record.partition)
    )
    if isinstance(found, Opened):
        letter = found.letter
        yield Change("letter", "", 0, (
            str(letter.place), letter.place.topic, letter.reason, letter.detail[:DETAIL_MAX],
            letter.aside_ms, letter.size, int(letter.is_whole),
        ))  # fmt: skip
    elif isinstance(found, Word):
        yield Change("letter_word", "", 0, (found.letter, found.what, found.at, found.by))


def _modelled(record: Record) -> Changes:
    if record.key in KEPT_MODELS and record.value is not None:
        yield Change("model", "", 0, (record.key.decode(), record.timestamp_ms, record.value))
