"""Decimals as Kafka Connect writes them."""

from base64 import b64encode
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.formats.cdc_values import decimal_of


@given(st.integers(-(10**38) + 1, 10**38 - 1), st.integers(0, 38))
def test_a_decimal_of_38_digits_is_exact(unscaled: int, scale: int) -> None:
    written = unscaled.to_bytes(16, "big", signed=True)
    expected = Decimal(f"{unscaled}E{-scale}")

    assert decimal_of(written, scale) == expected
    assert decimal_of(b64encode(written).decode(), scale) == expected
    assert decimal_of({"scale": scale, "value": b64encode(written).decode()}, 7) == expected


def test_examples() -> None:
    assert decimal_of("BNI=", 2) == Decimal("12.34")
    assert decimal_of("/w==", 2) == Decimal("-0.01")
    assert decimal_of("AA==", 2) == 0


@pytest.mark.parametrize(
    "value",
    [None, "", "12.50", "12,50", "BNI", 1250, 12.5, True, [], b"", b"x" * 17, "A" * 100,
     {"scale": 2}, {"value": "BNI="}, {"scale": "2", "value": "BNI="}, {"scale": 2, "value": {}},
     {"scale": 10**9, "value": "BNI="}, {"scale": True, "value": "BNI="}],
)  # fmt: skip
def test_what_is_no_decimal_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="decimal"):
        decimal_of(value, 2)
