"""Values as change data capture writes them: exact decimals, and columns that were not told."""

from binascii import a2b_base64
from decimal import Decimal
from typing import Any, Final

UNAVAILABLE: Final = "__debezium_unavailable_value"
"""What Debezium writes in place of a large column that did not change, so it was not told.

Source:
    https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-toasted-values
"""
DECIMAL_BYTES_MAX: Final = 16
"""38 digits are the widest that MySQL and most others can hold exactly; more is no money."""
SCALE_MAX: Final = 38
_BASE64_MAX: Final = 24  # characters of so many bytes


def decimal_of(value: Any, scale: int) -> Decimal:
    """Return a decimal that Kafka Connect wrote as an unscaled integer.

    Args:
        value: Big-endian two's complement, as bytes or in base64; or what Debezium writes of a
            column without a scale: ``{"scale": 2, "value": …}``, whose own scale holds.
        scale: Digits behind the point, as the column is declared.

    Raises:
        ValueError: It is not that.

    Source:
        https://kafka.apache.org/36/javadoc/org/apache/kafka/connect/data/Decimal.html and
        https://debezium.io/documentation/reference/stable/connectors/mysql.html#mysql-decimal-types
    """
    digits: Any = scale
    if isinstance(value, dict):
        digits, value = value.get("scale"), value.get("value")
    if type(digits) is not int or not -SCALE_MAX <= digits <= SCALE_MAX:
        raise ValueError(f"{digits!r} is no scale of a decimal: at most {SCALE_MAX}")
    unscaled = int.from_bytes(_bytes_of(value), "big", signed=True)
    return Decimal(f"{unscaled}E{-digits}")


def _bytes_of(value: Any) -> bytes:
    if isinstance(value, str) and len(value) <= _BASE64_MAX:
        try:
            value = a2b_base64(value, strict_mode=True)
        except ValueError:
            value = None
    if not isinstance(value, bytes) or not 0 < len(value) <= DECIMAL_BYTES_MAX:
        message = (
            "no decimal in base64; if decimal.handling.mode is string or double, or the encoding "
            "is no JSON, leave `scale` out"
        )
        raise ValueError(message)
    return value
