"""What a model is when it travels: signed JSON, never a pickle."""

from __future__ import annotations

import hashlib
import hmac
import math
from enum import StrEnum
from typing import Final

import msgspec

from models.features import features_hash

FORMAT: Final = 1
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


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One state of one model, complete: it scores, and learning goes on from it.

    Attributes:
        name: Name in the catalogue.
        version: Name of this state, unique per content.
        horizon_ms: H of the rules, ms.
        features_hash: Hash of the feature list.
        rules_hash: Hash of the rules that change features; empty if nobody asked.
        examples: Examples learned.
        trained_to_ms: Event time up to which outcomes were learned, epoch ms UTC.
        applied: Topic to partition to next offset: where learning goes on.
        columns: Names of the features that the model uses.
        counts: Examples behind each column of the scaler.
        means: Mean of each column.
        variances: Variance of each column.
        weights: Mean of the belief, intercept first.
        covariance: Rows of the covariance of the belief, intercept first.
        metrics: Prequential scores at this state.
    """

    name: str
    version: str
    horizon_ms: int
    features_hash: str
    examples: int
    columns: tuple[str, ...]
    counts: tuple[float, ...]
    means: tuple[float, ...]
    variances: tuple[float, ...]
    weights: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    format: int = FORMAT
    rules_hash: str = ""
    trained_to_ms: int = 0
    applied: dict[str, dict[int, int]] = {}
    metrics: dict[str, float | None] = {}


def sign(snapshot: Snapshot, key: bytes) -> bytes:
    """Return the snapshot as one JSON object with its HMAC-SHA256."""
    assert _is_sound(snapshot)
    body = msgspec.json.encode(snapshot)
    return _OPEN + _mac(body, key) + _MIDDLE + body + _CLOSE


def load(data: bytes, key: bytes) -> Snapshot:
    """Return the snapshot that ``sign`` wrote; the signature is checked before anything is read.

    Raises:
        SnapshotRefused: Not ours, tampered with, of another format, or with broken numbers.
    """
    framed = data[: len(_OPEN)] == _OPEN and data[_BODY_AT - len(_MIDDLE) : _BODY_AT] == _MIDDLE
    if not framed or not data.endswith(_CLOSE):
        raise SnapshotRefused(Refusal.NOT_A_SNAPSHOT)
    said, body = data[len(_OPEN) : len(_OPEN) + _MAC_CHARACTERS], data[_BODY_AT : -len(_CLOSE)]
    if not hmac.compare_digest(said, _mac(body, key)):
        raise SnapshotRefused(Refusal.BAD_SIGNATURE, "made with another key, or changed since")
    try:
        form = msgspec.json.decode(body, type=_Form).format
        if form != FORMAT:
            raise SnapshotRefused(Refusal.OTHER_FORMAT, f"{form}, this is {FORMAT}")
        snapshot = msgspec.json.decode(body, type=Snapshot)
    except msgspec.DecodeError as error:
        raise SnapshotRefused(Refusal.NOT_DECODABLE, str(error)) from error
    if not _is_sound(snapshot):
        raise SnapshotRefused(Refusal.BROKEN_NUMBERS)
    return snapshot


def check(snapshot: Snapshot, *, horizon_ms: float, rules_hash: str = "") -> None:
    """Refuse a snapshot that was learned from other features, another horizon or other rules.

    Raises:
        SnapshotRefused: With the reason. An empty hash of rules, on either side, is not compared.
    """
    if snapshot.features_hash != features_hash():
        raise SnapshotRefused(Refusal.OTHER_FEATURES, snapshot.features_hash)
    if snapshot.horizon_ms != horizon_ms:
        raise SnapshotRefused(Refusal.OTHER_HORIZON, f"{snapshot.horizon_ms} ms")
    if rules_hash and snapshot.rules_hash and snapshot.rules_hash != rules_hash:
        raise SnapshotRefused(Refusal.OTHER_RULES, snapshot.rules_hash)


class _Form(msgspec.Struct):
    format: int


def _mac(body: bytes, key: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).hexdigest().encode()


def _is_sound(snapshot: Snapshot) -> bool:
    """Return whether shapes agree and every number is finite."""
    size = len(snapshot.columns)
    scaler = (snapshot.counts, snapshot.means, snapshot.variances)
    belief = (snapshot.weights, *snapshot.covariance)
    fits = all(len(row) == size for row in scaler) and all(len(row) == size + 1 for row in belief)
    finite = all(math.isfinite(number) for row in (*scaler, *belief) for number in row)
    return fits and finite and len(snapshot.covariance) == size + 1
