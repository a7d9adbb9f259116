"""What a model is when it travels: signed JSON, never a pickle."""

from __future__ import annotations

import hashlib
import hmac
import math
from enum import StrEnum
from typing import Any, Final, TypeVar

import msgspec

from models.calibration import IDENTITY, Platt
from models.features import features_hash
from models.upgrades import brought_up

FORMAT: Final = 2
"""Version of every record on the topic of models; `models.upgrades` knows the way to it."""
_OPEN: Final = b'{"hmac_sha256":"'
_MIDDLE: Final = b'","snapshot":'
_CLOSE: Final = b"}"
_MAC_CHARACTERS: Final = 64
_BODY_AT: Final = len(_OPEN) + _MAC_CHARACTERS + len(_MIDDLE)


class Refusal(StrEnum):
    """Why a snapshot is not used."""

    NOT_A_SNAPSHOT = "not_a_snapshot"
    BAD_SIGNATURE = "bad_signature"
    NOT_DECODABLE = "not_decodable"
    OTHER_FORMAT = "other_format"
    OTHER_MODEL = "other_model"
    OTHER_FEATURES = "other_features"
    OTHER_RULES = "other_rules"
    OTHER_HORIZON = "other_horizon"
    BROKEN_NUMBERS = "broken_numbers"


class SnapshotRefused(Exception):  # noqa: N818 - a refusal is an answer, not an accident
    """A snapshot that must not be used; ``reason`` says why."""

    def __init__(self, reason: Refusal, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason.value)
        self.reason = reason


class Phase(StrEnum):
    """How far the service trusts what it has learned."""

    PRIOR = "prior"  # too little is learned: the prior speaks, and nobody is alerted by it
    BLENDED = "blended"  # both speak; the model the louder the more it has learned
    LEARNED = "learned"  # the model speaks alone
    FALLEN_BACK = "fallen_back"  # the model errs more than silence alone: the prior speaks


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One state of one model, complete: it scores, and learning goes on from it.

    Attributes:
        name: Name in the catalogue.
        version: Name of this state, unique per content.
        horizon_ms: H of the rules, ms.
        features_hash: Hash of the feature list.
        examples: Examples learned.
        columns: Names of the features that the model uses.
        numbers: Vectors by name; which, the model knows.
        trees: Text of a booster, or empty.
    """

    name: str
    version: str
    horizon_ms: int
    examples: int
    columns: tuple[str, ...] = ()
    numbers: dict[str, tuple[float, ...]] = {}
    trees: str = ""
    features_hash: str = msgspec.field(default_factory=features_hash)
    format: int = FORMAT


class Serving(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a worker needs to score.

    Attributes:
        version: What touches and decisions name.
        champion: Name of the model in force.
        phase: How far it is trusted.
        prior_weight: Share of the prior in the log-odds, 0 to 1.
        may_alert: Whether an alert may rest on it.
        platt: Calibration of P(no activity within H), identity if it is not in force.
        model: The champion; None while nothing is learned.
        horizon_ms: H of the rules, ms.
        features_hash: Hash of the feature list.
        rules_hash: Hash of the rules that change features; empty if nobody asked.
        examples: Examples that the champion learned.
        trained_to_ms: Event time up to which outcomes were learned, epoch ms UTC.
        applied: Topic to partition to next offset: where learning goes on.
        metrics: Prequential scores at this state.
    """

    version: str
    champion: str
    phase: Phase
    horizon_ms: int
    examples: int
    prior_weight: float = 0.0
    may_alert: bool = True
    platt: Platt = IDENTITY
    model: Snapshot | None = None
    features_hash: str = msgspec.field(default_factory=features_hash)
    rules_hash: str = ""
    trained_to_ms: int = 0
    applied: dict[str, dict[int, int]] = {}
    metrics: dict[str, float | None] = {}
    format: int = FORMAT


Record = TypeVar("Record", bound=msgspec.Struct)
Keys = tuple[bytes, ...]
"""Secrets whose signatures are accepted; the first one signs."""


def sign(record: msgspec.Struct, keys: Keys) -> bytes:
    """Return a record as one JSON object with its HMAC-SHA256."""
    assert _is_sound(record), "a broken model is never signed"
    return seal(msgspec.json.encode(record), keys)


def load(data: bytes, keys: Keys, kind: type[Record]) -> Record:
    """Return the record that ``sign`` wrote; the signature is checked before anything is read.

    Raises:
        SnapshotRefused: Not ours, tampered with, of another format, or with broken numbers.
    """
    body = unseal(data, keys)
    try:
        form = msgspec.json.decode(body, type=_Form).format
        if form > FORMAT:
            what = f"{form}, of a newer version of winback; this one knows formats up to {FORMAT}"
            raise SnapshotRefused(Refusal.OTHER_FORMAT, what)
        if form < FORMAT:
            body = brought_up(body, form, FORMAT) or b""
        if not body:
            what = f"{form}, which was never released; this is {FORMAT}"
            raise SnapshotRefused(Refusal.OTHER_FORMAT, what)
        record = msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SnapshotRefused(Refusal.NOT_DECODABLE, str(error)) from error
    if not _is_sound(record):
        raise SnapshotRefused(Refusal.BROKEN_NUMBERS)
    return record


def seal(body: bytes, keys: Keys) -> bytes:
    """Return a JSON object around JSON, with its HMAC-SHA256."""
    return _OPEN + _mac(body, keys[0]) + _MIDDLE + body + _CLOSE


def unseal(data: bytes, keys: Keys) -> bytes:
    """Return the JSON that ``seal`` was given, signed with any of the keys.

    Raises:
        SnapshotRefused: Not ours, or tampered with.
    """
    framed = data[: len(_OPEN)] == _OPEN and data[_BODY_AT - len(_MIDDLE) : _BODY_AT] == _MIDDLE
    if not framed or not data.endswith(_CLOSE):
        raise SnapshotRefused(Refusal.NOT_A_SNAPSHOT)
    said, body = data[len(_OPEN) : len(_OPEN) + _MAC_CHARACTERS], data[_BODY_AT : -len(_CLOSE)]
    if not any(hmac.compare_digest(said, _mac(body, key)) for key in keys):
        raise SnapshotRefused(Refusal.BAD_SIGNATURE, "made with another key, or changed since")
    return body


def resealed(data: bytes, keys: Keys) -> bytes | None:
    """Return a sealed record with the signature of the first key; None = it has that already.

    Raises:
        SnapshotRefused: Not ours, or tampered with.
    """
    sealed = seal(unseal(data, keys), keys)
    return None if sealed == data else sealed


def check(serving: Serving, *, horizon_ms: float, rules_hash: str = "") -> None:
    """Refuse what was learned from other features, another horizon or other rules.

    Raises:
        SnapshotRefused: With the reason. An empty hash of rules, on either side, is not compared.
    """
    if serving.features_hash != features_hash():
        raise SnapshotRefused(Refusal.OTHER_FEATURES, serving.features_hash)
    if serving.horizon_ms != horizon_ms:
        raise SnapshotRefused(Refusal.OTHER_HORIZON, f"{serving.horizon_ms} ms")
    if rules_hash and serving.rules_hash and serving.rules_hash != rules_hash:
        raise SnapshotRefused(Refusal.OTHER_RULES, serving.rules_hash)


def check_model(snapshot: Snapshot, *, name: str, horizon_ms: float) -> None:
    """Refuse the state of another model, or of the same for other features or another horizon.

    Raises:
        SnapshotRefused: With the reason.
    """
    if snapshot.name != name:
        raise SnapshotRefused(Refusal.OTHER_MODEL, f"{snapshot.name}, this is {name}")
    if snapshot.features_hash != features_hash():
        raise SnapshotRefused(Refusal.OTHER_FEATURES, snapshot.features_hash)
    if snapshot.horizon_ms != horizon_ms:
        raise SnapshotRefused(Refusal.OTHER_HORIZON, f"{snapshot.horizon_ms} ms")


class _Form(msgspec.Struct):
    format: int


def _mac(body: bytes, key: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).hexdigest().encode()


def _is_sound(record: Any) -> bool:
    """Return whether every number is finite; JSON itself cannot say otherwise but by overflow."""
    if isinstance(record, float):
        return math.isfinite(record)
    if isinstance(record, dict):
        return all(map(_is_sound, record.values()))
    if isinstance(record, tuple | list):
        return all(map(_is_sound, record))
    if isinstance(record, msgspec.Struct):
        return all(_is_sound(getattr(record, name)) for name in record.__struct_fields__)
    return True
