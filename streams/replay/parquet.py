"""Parquet files that are there when they are whole: written in row groups under another name."""

import contextlib
import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from streams.errors import Exit, UserError

ROW_GROUP_ROWS: Final = 50_000
"""Rows kept in memory and written at once: 20 MB of the widest table."""
PART: Final = ".part"
"""Ends the name of a file that is not whole yet."""


def pyarrow() -> Any:
    """Return the library that reads and writes Parquet, and is needed for nothing else.

    Raises:
        UserError: It is not installed.
    """
    try:
        return importlib.import_module("pyarrow")
    except ImportError:
        hint = "install it: pip install 'winback[export]'"
        raise UserError("pyarrow is not installed, and Parquet needs it", hint) from None


class ParquetFile:
    """A table on its way to disk.

    Left by an error or Ctrl-C, it leaves nothing behind.

    Args:
        path: Where it will lie; a file that is there is replaced at the end.
        schema: Of pyarrow; its metadata go into the file.

    Attributes:
        rows: Rows added so far.

    Raises:
        UserError: It cannot be written; also later, when the disk is full.
    """

    def __init__(self, path: Path, schema: Any) -> None:
        self.path, self.schema = path, schema
        self.rows = 0
        self._part = path.with_name(path.name + PART)
        self._waiting: list[Any] = []
        self._arrow = pyarrow()
        parquet = importlib.import_module("pyarrow.parquet")
        with self._explained():
            self._file = self._part.open("wb")
            self._writer = parquet.ParquetWriter(self._file, schema, compression="zstd")

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Forget what was not kept."""
        with contextlib.suppress(OSError, ValueError):  # It is closed, or there is no room.
            self._writer.close()
        with contextlib.suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)

    def add(self, columns: Sequence[Any]) -> None:
        """Add rows: one array per column of the schema."""
        kinds = self.schema.types
        arrays = [
            self._arrow.array(column, kind, from_pandas=True)  # NaN is null: nothing was said.
            for column, kind in zip(columns, kinds, strict=True)
        ]
        batch = self._arrow.record_batch(arrays, schema=self.schema)
        self.rows += batch.num_rows
        self._waiting.append(batch)
        if sum(batch.num_rows for batch in self._waiting) >= ROW_GROUP_ROWS:
            self._flush()

    def finish(self, more: Mapping[str, str]) -> None:
        """Write what is left, and what is known only now, into the foot of the file."""
        self._flush()
        with self._explained():
            self._writer.add_key_value_metadata(dict(more))
            self._writer.close()
            self._file.close()

    def keep(self) -> None:
        """Give the file that is finished its name."""
        with self._explained():
            self._part.replace(self.path)

    def _flush(self) -> None:
        if not self._waiting:
            return
        table = self._arrow.Table.from_batches(self._waiting, self.schema)
        self._waiting = []
        with self._explained():
            self._writer.write_table(table, row_group_size=ROW_GROUP_ROWS)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            said = f"{self.path} cannot be written: {error.strerror or error}"
            hint = "make room, or choose another place with --out"
            raise UserError(said, hint, Exit.FAILED) from None
