"""Lists that staff have filled in: read whatever a spreadsheet has made of them."""

import codecs
import csv
import io
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from winback_sender.call_lists.cells import text_of
from winback_sender.call_lists.columns import COLUMNS, column_of, result
from winback_sender.receipt import Receipt

CELL_MAX: Final = 32_767
"""Characters, as in Excel. The limit of `csv` is one for the whole process, and others set it."""
BYTES_MAX: Final = 20_000_000
_SEPARATORS: Final = ",;\t"
_ZIP: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
WORDS: Final = "已接通、答应回来、拒绝、无人接听、占线、号码错误、不再联系"


class Fault(NamedTuple):
    """What is wrong with a file; line and column count from 1, 0 = the whole file or line."""

    line: int
    column: int
    what: str

    def __str__(self) -> str:
        place = f"line {self.line}" if self.line else "file"
        return (
            f"{place}, column {self.column}: {self.what}"
            if self.column
            else f"{place}: {self.what}"
        )


class Returned(NamedTuple):
    """What staff say, by touch id, and what could not be read."""

    results: dict[str, Receipt]
    faults: list[Fault]


def read_returned(data: bytes, is_ours: Callable[[str], bool]) -> Returned:
    """Return the results in a file; a line without a result was not called yet, which is no fault.

    UTF-8 with or without a mark, UTF-16 ("Unicode text") and GBK (what Excel in Chinese calls CSV);
    separated by commas, semicolons or tabs; columns in any order, others are passed over.

    Args:
        data: The file.
        is_ours: Whether a touch is on a list of ours.
    """
    if len(data) > BYTES_MAX:
        return Returned({}, [Fault(0, 0, f"longer than {BYTES_MAX:,} bytes")])
    if data.startswith((_ZIP, _OLD_EXCEL)):
        return Returned({}, [Fault(0, 0, "an Excel workbook: save it as CSV (另存为 CSV UTF-8)")])
    try:
        text = _decoded(data)
    except UnicodeDecodeError:
        return Returned({}, [Fault(0, 0, "neither UTF-8 nor GBK")])
    return _read(text, is_ours)


def ids_in(data: bytes) -> set[str]:
    """Return the ids of the touches on a list of ours, whatever has become of it.

    Raises:
        ValueError: They cannot be found.
    """
    rows = _rows(_decoded(data))
    place = [column_of(heading) for heading in next(rows, [])].index("touch_id")
    return {text_of(row[place]) for row in rows if len(row) > place}


def _read(text: str, is_ours: Callable[[str], bool]) -> Returned:
    rows = _rows(text)
    found = Returned({}, [])
    try:
        places = {column_of(heading): place for place, heading in enumerate(next(rows, []))}
        if missing := {"touch_id", "result"} - places.keys():
            names = "、".join(COLUMNS[name]["zh"] for name in COLUMNS if name in missing)
            found.faults.append(Fault(1, 0, f"the column {names} is missing"))
            return found
        for row in rows:
            if max(map(len, row), default=0) > CELL_MAX:
                what = f"no CSV: a cell is longer than {CELL_MAX:,} characters"
                found.faults.append(Fault(rows.line_num, 0, what))
                break
            _take(row, rows.line_num, places, found, is_ours)
    except csv.Error as error:
        found.faults.append(Fault(rows.line_num, 0, f"no CSV: {error}"))
    return found


def _take(
    row: list[str],
    line: int,
    places: dict[str, int],
    found: Returned,
    is_ours: Callable[[str], bool],
) -> None:
    """Read one line."""

    def at(column: str) -> str:
        place = places[column]
        return text_of(row[place]) if place < len(row) else ""

    said, touch_id = at("result"), at("touch_id")
    if not said:
        return
    receipt = result(said)
    if receipt is None:
        fault = Fault(line, places["result"] + 1, f"{said[:20]!r} is no result: {WORDS}")
    elif not touch_id:
        fault = Fault(line, places["touch_id"] + 1, "the id is empty")
    elif not is_ours(touch_id):
        fault = Fault(line, places["touch_id"] + 1, "the id is on no list of ours")
    elif found.results.setdefault(touch_id, receipt) != receipt:
        fault = Fault(line, places["result"] + 1, "another result of a touch in an earlier line")
    else:
        return
    found.faults.append(fault)


def _rows(text: str) -> Any:
    separator = max(_SEPARATORS, key=text.partition("\n")[0].count)
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator)


def _decoded(data: bytes) -> str:
    """Return the text of a file.

    Raises:
        UnicodeDecodeError: It is none.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030")
