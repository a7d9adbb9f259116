"""Event logs as Parquet: the columns of a csv log, each with a type."""

import importlib
import math
from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Any, Final

from streams.errors import UserError
from streams.replay.blocks import BadRow, Block
from streams.replay.csv_rows import KNOWN, NEEDED, check_header
from streams.replay.instants import BadInstantError, instant_ms, instants_ms
from streams.replay.parquet import pyarrow

MAGIC: Final = b"PAR1"
PROPERTIES: Final = "properties"
"""A column of objects of this name is what JSON lines have under it."""
EPOCH_MS_MIN: Final = 10**10
"""Smaller numbers are epoch seconds by mistake, as in a csv log."""

Wrong = dict[int, BadRow]
"""Place in a batch, and why the row there is no event."""


def is_parquet(path: str) -> bool:
    """Return whether a file begins as Parquet does; what cannot be read does not."""
    try:
        with Path(path).open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


class ParquetRows:
    """Reads rows of a Parquet file; columns are found by name, nested ones are properties.

    Attributes:
        row: Rows read so far.
        rows: Of the whole file.
    """

    def __init__(self, path: str, zone: tzinfo | None, count: int) -> None:
        """Read the schema.

        Args:
            path: The file.
            zone: Zone of times that name none; without it such times are bad rows.
            count: Rows that are read at once.

        Raises:
            UserError: It is damaged, lacks a column, one of them has a type that says nothing, or
                pyarrow is not installed.
        """
        self._arrow = pyarrow()
        parquet = importlib.import_module("pyarrow.parquet")
        self._compute = importlib.import_module("pyarrow.compute")
        self.path, self.name, self.zone = path, Path(path).name, zone
        self.row = 0
        try:
            self._file = parquet.ParquetFile(path)
        except (self._arrow.ArrowException, OSError) as error:
            raise _damaged(path, error) from None
        self.rows = int(self._file.metadata.num_rows)
        schema = self._file.schema_arrow
        check_header(path, list(schema.names))
        self._time = "ts" if "ts" in schema.names else "event_time"
        self._others = [name for name in schema.names if name not in KNOWN]
        for name in (self._time, *NEEDED, "amount", "event_id", "currency"):
            if name in schema.names:
                self._check_type(name, schema.field(name).type)
        self._batches: Iterator[Any] = self._file.iter_batches(batch_size=count)

    def read(self, _count: int) -> tuple[Block, list[BadRow]] | None:
        """Return the next rows, the bad ones apart; None at the end."""
        try:
            batch = next(self._batches, None)
        except (self._arrow.ArrowException, OSError) as error:
            raise _damaged(self.path, error) from None
        if batch is None:
            return None
        first, count = self.row + 1, batch.num_rows
        self.row += count
        wrong: Wrong = {}
        amounts = self._amounts(batch, first, wrong)
        times = self._times(batch.column(self._time), first, wrong)
        users, events = (self._named(batch, name, first, wrong) for name in ("user_id", "event"))
        numbers = list(range(first, first + count))
        ids = self._texts(batch, "event_id") or [None] * count
        made = [given or f"{self.name}:{row}" for given, row in zip(ids, numbers, strict=True)]
        block = Block(numbers, made, users, times, events, amounts, self._extras(batch))
        if not wrong:
            return block, []
        good = [place for place in range(count) if place not in wrong]
        return block.picked(good), [wrong[place] for place in sorted(wrong)]

    def line_of(self, row: int) -> int:
        """Return the number of a row: there are no lines."""
        return row

    def _check_type(self, name: str, kind: Any) -> None:
        types = self._arrow.types
        kind = kind.value_type if types.is_dictionary(kind) else kind
        is_text = types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind)
        fits = is_text or types.is_integer(kind)
        if name == self._time:
            fits |= types.is_timestamp(kind) or types.is_date(kind)
        elif name == "amount":
            fits |= types.is_floating(kind) or types.is_decimal(kind)
        if not fits:
            hint = "text will do; times may be timestamps, amounts numbers"
            raise UserError(f"{self.path}: column {name} is of the type {kind}", hint)

    def _texts(self, batch: Any, name: str) -> list[str | None]:
        """Return a column as text, empty if it is not there."""
        if name not in batch.schema.names:
            return []
        texts: list[str | None] = batch.column(name).cast(self._arrow.string()).to_pylist()
        return texts

    def _named(self, batch: Any, name: str, first: int, wrong: Wrong) -> list[str]:
        """Return a column that no event may do without."""
        texts = self._texts(batch, name)
        if None in texts or "" in texts:
            for place, text in enumerate(texts):
                if not text:
                    what = "the field is empty"
                    wrong[place] = BadRow(first + place, name, what, "every event needs one")
        return [text or "" for text in texts]

    def _times(self, column: Any, first: int, wrong: Wrong) -> list[int]:
        types, kind = self._arrow.types, column.type
        if types.is_timestamp(kind) and kind.tz is not None and not column.null_count:
            utc = self._arrow.timestamp("ms", tz="UTC")
            listed: list[int] = column.cast(utc, safe=False).cast(self._arrow.int64()).to_pylist()
            return listed
        if types.is_integer(kind) and not column.null_count:
            listed = column.to_pylist()
            if all(abs(at_ms) >= EPOCH_MS_MIN for at_ms in listed):
                return listed
        if types.is_timestamp(kind) and kind.tz is not None:
            column = column.cast(self._arrow.timestamp(kind.unit, tz="UTC"))
        texts = [text or "" for text in column.cast(self._arrow.string()).to_pylist()]
        return instants_ms(texts) or [
            self._instant(text, first + place, place, wrong) for place, text in enumerate(texts)
        ]

    def _instant(self, text: str, row: int, place: int, wrong: Wrong) -> int:
        try:
            return instant_ms(text, self.zone)
        except BadInstantError as error:
            wrong[place] = BadRow(row, self._time, str(error), error.hint)
            return 0

    def _amounts(self, batch: Any, first: int, wrong: Wrong) -> list[float | None]:
        if "amount" not in batch.schema.names:
            return [None] * batch.num_rows
        column = batch.column("amount")
        is_text = not (
            self._arrow.types.is_floating(column.type) or self._arrow.types.is_integer(column.type)
        )
        found: list[Any] = self._texts(batch, "amount") if is_text else column.to_pylist()
        for place, amount in enumerate(found):
            try:
                found[place] = None if amount is None or amount == "" else float(amount)
            except ValueError:
                found[place] = math.nan
            if found[place] is not None and not math.isfinite(found[place]):
                what = f"{str(amount)!r} is no finite number"
                hint = "write amounts like 12.50, or leave the field empty"
                wrong[place] = BadRow(first + place, "amount", what, hint)
        return found

    def _extras(self, batch: Any) -> list[dict[str, Any]] | None:
        """Return currency and further columns of each row, what is null left out."""
        has_currency = "currency" in batch.schema.names
        if not self._others and not has_currency:
            return None
        currencies = self._texts(batch, "currency") or [None] * batch.num_rows
        rows = batch.select(self._others).to_pylist() or [{}] * batch.num_rows
        extras: list[dict[str, Any]] = []
        for row, currency in zip(rows, currencies, strict=True):
            properties = {name: value for name, value in row.items() if value not in (None, "")}
            if isinstance(nested := properties.get(PROPERTIES), dict):
                del properties[PROPERTIES]
                properties |= {key: value for key, value in nested.items() if value is not None}
            extra: dict[str, Any] = {PROPERTIES: properties} if properties else {}
            if currency:
                extra["currency"] = currency
            extras.append(extra)
        return extras


def _damaged(path: str, error: Exception) -> UserError:
    return UserError(f"{path}: this Parquet file cannot be read: {error}", "write it again")
