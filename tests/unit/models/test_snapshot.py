"""A record is read only if it is ours, whole, and sound."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from models.calibration import Platt
from models.catalogue import CHAMPION
from models.learner import SecondOrderLearner
from models.snapshot import (
    FORMAT,
    Phase,
    Refusal,
    Serving,
    Snapshot,
    SnapshotRefused,
    load,
    seal,
    sign,
    unseal,
)
from tests.unit.models.cast import lessons
from tests.unit.models.histories import HORIZON_MS

KEYS = (b"a key of this test",)
MODEL = SecondOrderLearner(CHAMPION, HORIZON_MS)
MODEL.learn(lessons(50).rows, lessons(50).active, lessons(50).weight)
SERVING = Serving(
    version="v",
    champion=CHAMPION,
    phase=Phase.BLENDED,
    horizon_ms=HORIZON_MS,
    examples=400,
    prior_weight=0.25,
    platt=Platt(0.1, 0.9),
    model=MODEL.snapshot(),
    rules_hash="rules",
    trained_to_ms=1_500_000_000_000,
    applied={"churn-examples": {0: 17}},
    metrics={"auc": 0.8, "log_loss": None},
)
SIGNED = sign(SERVING, KEYS)


def refusal_of(data: bytes, keys: tuple[bytes, ...] = KEYS) -> Refusal:
    with pytest.raises(SnapshotRefused) as refusal:
        load(data, keys, Serving)
    return refusal.value.reason


def resigned(**fields: object) -> bytes:
    """Sign what ``sign`` would not."""
    return seal(msgspec.json.encode(msgspec.to_builtins(SERVING, str_keys=True) | fields), KEYS)


def test_a_record_comes_back_to_the_last_bit() -> None:
    assert load(SIGNED, KEYS, Serving) == SERVING


def test_it_is_json_that_anybody_can_read() -> None:
    seen = json.loads(SIGNED)

    assert seen["snapshot"]["applied"] == {"churn-examples": {"0": 17}}
    assert seen["snapshot"]["phase"] == "blended"
    assert len(SIGNED) < 40_000
    assert json.loads(unseal(SIGNED, KEYS)) == seen["snapshot"]


def test_another_key_is_refused() -> None:
    assert refusal_of(SIGNED, (b"another key",)) is Refusal.BAD_SIGNATURE


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused(place: int, change: int) -> None:
    tampered = bytearray(SIGNED)
    tampered[place] ^= change

    assert refusal_of(bytes(tampered)) in {Refusal.BAD_SIGNATURE, Refusal.NOT_A_SNAPSHOT}


@given(st.one_of(st.binary(max_size=200), st.integers(0, len(SIGNED) - 1).map(SIGNED.__getitem__)))
def test_rubbish_is_refused(data: bytes | int) -> None:
    assert refusal_of(data if isinstance(data, bytes) else SIGNED[:data])


def test_another_format_is_refused_as_such() -> None:
    assert refusal_of(resigned(format=FORMAT + 1, new=1)) is Refusal.OTHER_FORMAT
    assert refusal_of(seal(b'{"no":"format"}', KEYS)) is Refusal.NOT_DECODABLE


@pytest.mark.parametrize("fields", [{"new": 1}, {"phase": "sure"}, {"platt": [1.0, 2.0, 3.0]}])
def test_what_does_not_belong_is_refused(fields: dict[str, object]) -> None:
    assert refusal_of(resigned(**fields)) is Refusal.NOT_DECODABLE


def test_another_kind_of_record_is_refused() -> None:
    with pytest.raises(SnapshotRefused) as refusal:
        load(SIGNED, KEYS, Snapshot)
    assert refusal.value.reason is Refusal.NOT_DECODABLE


def test_a_number_beyond_all_bounds_is_refused() -> None:
    """JSON cannot say infinity, but it can say 1e999."""
    body = unseal(SIGNED, KEYS).replace(b'"prior_weight":0.25', b'"prior_weight":1e999')

    assert b"1e999" in body
    assert refusal_of(seal(body, KEYS)) in {Refusal.BROKEN_NUMBERS, Refusal.NOT_DECODABLE}


def test_a_broken_model_is_never_signed() -> None:
    model = MODEL.snapshot()
    broken = replace(model, numbers=model.numbers | {"weights": (float("nan"),)})
    for record in (
        broken,
        replace(SERVING, model=broken),
        replace(SERVING, platt=Platt(float("inf"))),
    ):
        with pytest.raises(AssertionError, match="never signed"):
            sign(record, KEYS)
