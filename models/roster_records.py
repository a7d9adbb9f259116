"""The roster as records: what a worker needs, and what the learner goes on from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from models.calibration import Platt
from models.catalogue import GUEST
from models.drift import Alarm, Drift
from models.evidence import Evidence
from models.features import features_hash
from models.newest import KEY as NEWEST
from models.newest import Part
from models.open_block import Block
from models.policy import POLICY, Policy
from models.questions import KEY as OPENINGS
from models.snapshot import FORMAT, Refusal, Serving, Snapshot, SnapshotRefused
from models.standing import Promotion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.features import F64
    from models.roster import Roster

SERVING: Final = "serving"
"""Key of the record that workers follow."""
ROSTER: Final = "roster"
ANSWERS: Final = "answers"
"""Key of what is large and changes only with an outcome."""
MODEL: Final = "model/"
FROZEN: Final = "frozen/"
"""Models as of the last assembly; without a name: what was in force then."""


class Kept(msgspec.Struct, kw_only=True):
    """What the roster knows besides its models and open questions; numbers as little-endian bytes.

    Attributes:
        horizon_ms: H, ms.
        rules_hash: Of the rules that examples are made with.
        features_hash: Of the list of features.
        champion: Who is in force.
        promotions: How that came.
        trained_to_ms: Newest example learned.
        assembled_ms: Last assembly.
        unsettled_ms: Earliest of what has happened since.
        newest_ms: Latest time of what ever came in.
        evidence: By challenger.
        floor: Of the champion against the floor.
        since_ms: Questions opened from then on are evidence.
        guard: Evidence for the calibration.
        platt: Its calibration.
        frozen_platt: The same as of the last assembly.
        drift: What is watched.
        worse: The floor's advantage, example by example.
        alarm: Whether the champion errs more than the floor.
    """

    horizon_ms: int
    rules_hash: str
    features_hash: str
    champion: str
    promotions: list[Promotion]
    trained_to_ms: int
    assembled_ms: int | None
    unsettled_ms: float | None
    newest_ms: int
    evidence: dict[str, Evidence]
    floor: Evidence
    since_ms: float | None
    guard: Evidence
    platt: Platt
    frozen_platt: Platt
    drift: Drift
    worse: bytes
    alarm: Alarm | None
    format: int = FORMAT


class Answers(msgspec.Struct, kw_only=True):
    """The newest outcomes; numbers as little-endian bytes.

    Attributes:
        happened: n × uint8.
        weight: n × float64.
        said: Name to n × float64: what each model said of them.
        told: What the calibrator was told: raw, calibrated at the time, weight, happened.
    """

    happened: bytes
    weight: bytes
    said: dict[str, bytes]
    told: tuple[bytes, bytes, bytes, bytes]
    format: int = FORMAT


Record = Serving | Snapshot | Kept | Answers | Block | Part | Policy


def kind_of(key: str) -> type[Any] | None:
    """Return what the record of a key is, or None for a key that is not ours."""
    if key in {SERVING, FROZEN}:
        return Serving
    whole = {ROSTER: Kept, ANSWERS: Answers, POLICY: Policy}.get(key)
    if whole is not None:
        return whole
    kinds = {MODEL: Snapshot, FROZEN: Snapshot, OPENINGS: Block, NEWEST: Part}
    return next((kind for begin, kind in kinds.items() if key.startswith(begin)), None)


def take(roster: Roster, applied: dict[str, dict[int, int]]) -> dict[str, Record | None]:
    """Return the records that changed since the last call, by key; None = gone.

    Args:
        roster: Whose.
        applied: Topic to partition to next offset: where learning goes on.
    """
    out: dict[str, Record | None] = {SERVING: roster.serving(applied), ROSTER: _kept(roster)}
    for name in sorted(roster.changed_models):
        out[MODEL + name] = roster.models[name].snapshot()
    roster.changed_models.clear()
    if roster.has_frozen:
        out[FROZEN] = roster.frozen.serving
        out.update({FROZEN + name: kept for name, kept in roster.frozen.snapshots.items()})
        roster.has_frozen = False
    if roster.has_answered:
        out[ANSWERS] = _answers(roster)
        roster.has_answered = False
    out.update(roster.questions.take())
    out.update(roster.newest.changed())
    return out


def restore(roster: Roster, records: Mapping[str, Record]) -> None:
    """Let a new roster go on from records.

    Raises:
        SnapshotRefused: They are of other features, rules or horizon, or of a model that is gone.
    """
    kept = records.get(ROSTER)
    if kept is None:
        return
    assert isinstance(kept, Kept)
    _check(roster, kept)
    for key, record in records.items():
        if not isinstance(record, Snapshot) or not key.startswith(MODEL):
            continue
        name = key.removeprefix(MODEL)
        if name.startswith(GUEST):
            roster.enter(record)
        elif name in roster.models:
            roster.models[name].restore(record)
        elif name == kept.champion:
            raise SnapshotRefused(Refusal.OTHER_MODEL, f"the catalogue has no {name}")
    roster.changed_models.clear()
    questions = {key: record for key, record in records.items() if isinstance(record, Block)}
    roster.questions.load(questions)
    roster.newest.load(record for record in records.values() if isinstance(record, Part))
    answers = records.get(ANSWERS)
    if isinstance(answers, Answers):
        _load_answers(roster, answers)
    _restore(roster, kept)
    serving = records.get(FROZEN)
    if isinstance(serving, Serving):
        found = {name: records.get(FROZEN + name) for name in roster.models}
        frozen = {name: model for name, model in found.items() if isinstance(model, Snapshot)}
        roster.frozen.load(frozen, serving, kept.frozen_platt)


def _check(roster: Roster, kept: Kept) -> None:
    if kept.features_hash != features_hash():
        raise SnapshotRefused(Refusal.OTHER_FEATURES, kept.features_hash)
    if kept.horizon_ms != roster.horizon_ms:
        raise SnapshotRefused(Refusal.OTHER_HORIZON, f"{kept.horizon_ms} ms")
    if kept.rules_hash != roster.rules_hash:
        raise SnapshotRefused(Refusal.OTHER_RULES, kept.rules_hash)


def _kept(roster: Roster) -> Kept:
    board, calibrator = roster.board, roster.calibrator
    return Kept(
        horizon_ms=roster.horizon_ms,
        rules_hash=roster.rules_hash,
        features_hash=features_hash(),
        champion=roster.champion,
        promotions=roster.promotions,
        trained_to_ms=roster.trained_to_ms,
        assembled_ms=roster.assembled_ms,
        unsettled_ms=roster.unsettled_ms,
        newest_ms=roster.queue.newest_ms,
        evidence=board.evidence,
        floor=board.floor,
        since_ms=board.since_ms,
        guard=calibrator.evidence,
        platt=calibrator.platt,
        frozen_platt=roster.frozen.platt,
        drift=roster.drift,
        worse=_bytes(roster.errors.worse),
        alarm=roster.errors.alarm,
    )


def _restore(roster: Roster, kept: Kept) -> None:
    board, calibrator = roster.board, roster.calibrator
    roster.champion, roster.promotions = kept.champion, kept.promotions
    roster.trained_to_ms, roster.assembled_ms = kept.trained_to_ms, kept.assembled_ms
    roster.unsettled_ms, roster.queue.newest_ms = kept.unsettled_ms, kept.newest_ms
    board.evidence, board.floor = kept.evidence, kept.floor
    board.since_ms = kept.since_ms
    calibrator.evidence = kept.guard
    calibrator.platt = kept.platt
    roster.drift = kept.drift
    roster.errors.worse, roster.errors.alarm = _floats(kept.worse), kept.alarm


def _answers(roster: Roster) -> Answers:
    board, calibrator = roster.board, roster.calibrator
    told = (calibrator.raw, calibrator.said, calibrator.weight)
    raw, said, weight = map(_bytes, told)
    return Answers(
        happened=board.happened.astype("u1").tobytes(),
        weight=_bytes(board.weight),
        said={name: _bytes(numbers) for name, numbers in board.said.items()},
        told=(raw, said, weight, calibrator.happened.astype("u1").tobytes()),
    )


def _load_answers(roster: Roster, answers: Answers) -> None:
    board, calibrator = roster.board, roster.calibrator
    board.happened = np.frombuffer(answers.happened, "u1") != 0
    board.weight = _floats(answers.weight)
    board.said = {name: _floats(numbers) for name, numbers in answers.said.items()}
    *told, happened = answers.told
    calibrator.raw, calibrator.said, calibrator.weight = map(_floats, told)
    calibrator.happened = np.frombuffer(happened, "u1") != 0


def _bytes(numbers: F64) -> bytes:
    return numbers.astype("<f8").tobytes()


def _floats(data: bytes) -> F64:
    return np.frombuffer(data, "<f8")
