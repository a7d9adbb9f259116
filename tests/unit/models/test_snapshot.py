"""A snapshot is read only if it is ours, whole, and sound."""

from __future__ import annotations

import hashlib
import hmac
import json

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from models.catalogue import CATALOGUE, CHAMPION
from models.snapshot import Refusal, Snapshot, SnapshotRefused, load, sign
from tests.unit.models.histories import HORIZON_MS, examples

KEY = b"a key of this test"


def snapshot() -> Snapshot:
    learner = CATALOGUE[CHAMPION](HORIZON_MS)
    rows, labels = examples(100)
    learner.learn(rows, labels, np.ones(100, np.float32))
    return learner.snapshot(
        rules_hash="rules",
        trained_to_ms=1_500_000_000_000,
        applied={"churn-examples": {0: 17}},
        metrics={"auc": 0.8, "log_loss": None},
    )


SNAPSHOT = snapshot()
SIGNED = sign(SNAPSHOT, KEY)


def refusal_of(data: bytes, key: bytes = KEY) -> Refusal:
    with pytest.raises(SnapshotRefused) as refusal:
        load(data, key)
    return refusal.value.reason


def test_a_snapshot_comes_back_to_the_last_bit() -> None:
    assert load(SIGNED, KEY) == SNAPSHOT


def test_it_is_json_that_anybody_can_read() -> None:
    seen = json.loads(SIGNED)

    assert seen["snapshot"]["applied"] == {"churn-examples": {"0": 17}}
    assert len(SIGNED) < 40_000


def test_equal_states_have_equal_versions_and_others_do_not() -> None:
    assert snapshot().version == SNAPSHOT.version
    assert CATALOGUE[CHAMPION](HORIZON_MS).snapshot().version != SNAPSHOT.version


def test_another_key_is_refused() -> None:
    assert refusal_of(SIGNED, b"another key") is Refusal.BAD_SIGNATURE


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused(place: int, change: int) -> None:
    tampered = bytearray(SIGNED)
    tampered[place] ^= change

    assert refusal_of(bytes(tampered)) in {Refusal.BAD_SIGNATURE, Refusal.NOT_A_SNAPSHOT}


@given(st.one_of(st.binary(max_size=200), st.integers(0, len(SIGNED) - 1).map(SIGNED.__getitem__)))
def test_rubbish_is_refused(data: bytes | int) -> None:
    assert refusal_of(data if isinstance(data, bytes) else SIGNED[:data])


def resigned(fields: dict[str, object]) -> bytes:
    """Sign what ``sign`` would not."""
    body = msgspec.to_builtins(SNAPSHOT, str_keys=True) | fields
    plain = sign(SNAPSHOT, KEY)[: -len(msgspec.json.encode(SNAPSHOT)) - 1]
    data = plain + msgspec.json.encode(body) + b"}"
    return data.replace(data[16:80], mac_of(msgspec.json.encode(body)))


def mac_of(body: bytes) -> bytes:
    return hmac.new(KEY, body, hashlib.sha256).hexdigest().encode()


def test_another_format_is_refused_as_such() -> None:
    assert refusal_of(resigned({"format": 2, "new": 1})) is Refusal.OTHER_FORMAT


def test_an_unknown_field_is_refused() -> None:
    assert refusal_of(resigned({"new": 1})) is Refusal.NOT_DECODABLE


@pytest.mark.parametrize("fields", [{"means": [0.0]}, {"weights": []}, {"covariance": [[1.0]]}])
def test_shapes_that_do_not_agree_are_refused(fields: dict[str, object]) -> None:
    assert refusal_of(resigned(fields)) is Refusal.BROKEN_NUMBERS


def test_a_broken_model_is_never_signed() -> None:
    broken = (float("nan"), *SNAPSHOT.weights[1:])
    with pytest.raises(AssertionError):
        sign(replace(SNAPSHOT, weights=broken), KEY)
