"""Rows that change, for the tests of Debezium and Canal."""

import json
from base64 import b64encode
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import msgspec

from streams.core.decoded import Rejected, Skipped
from streams.core.sources import Form, Path, Source
from streams.intake.fact import Facts, Parse, Read, UnreadableError
from streams.intake.formats.catalogue import format_of
from streams.intake.wire.json_values import json_parse_as

TOPIC: Final = "shop.inventory.orders"
PATHS: Final[tuple[Path, ...]] = (
    ("after", "id"),
    ("after", "status"),
    ("after", "amount"),
    ("before", "customer_id"),
    ("source", "table"),
    ("op",),
)
COLUMNS: Final = ("id", "status", "amount", "customer_id")

Outcome = Facts | Rejected | Skipped


def reader(form: Form, paths: tuple[Path, ...] = PATHS) -> Read:
    return format_of(form).make_read(Source(topic=TOPIC, form=form), paths, json_parse_as)


def packed_parse_as(shape: type) -> Parse:
    """Stand for an encoding that is not text, whose values are converted into what is read."""

    def parse(value: bytes) -> Any:
        try:
            return msgspec.convert(msgspec.msgpack.decode(value), shape)
        except msgspec.MsgspecError as error:
            raise UnreadableError(str(error)) from None

    return parse


def said(outcome: Outcome) -> str:
    """Return what a record came to, as the examples of the specifications have it."""
    if isinstance(outcome, Skipped):
        return f"skipped: {outcome.reason}"
    if isinstance(outcome, Rejected):
        return f"refused: {outcome.reason}"
    return ", ".join(fact.name for fact in outcome)


def row_of(shape: Any) -> dict[str, Any] | None:
    """Return the columns of a row that were read."""
    return None if shape is None else {name: getattr(shape, name) for name in COLUMNS}


def written(value: Any) -> bytes:
    return json.dumps(value).encode()


def decimal_text(amount: str, scale: int = 2) -> str:
    """Write a decimal as Kafka Connect does: the unscaled integer, in base64."""
    unscaled = int(Decimal(amount).scaleb(scale))
    size = (unscaled if unscaled >= 0 else ~unscaled).bit_length() // 8 + 1
    return b64encode(unscaled.to_bytes(size, "big", signed=True)).decode()


def tabled(rows: Iterable[tuple[str, ...]]) -> str:
    """Return rows as a page writes them."""
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
