"""Event logs as comma-separated values with a header."""

import csv
import math
from datetime import tzinfo
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final

from streams.errors import UserError
from streams.replay.blocks import BadRow, Block
from streams.replay.instants import BadInstantError, instant_ms, instants_ms
from streams.replay.opening import Opened

TIMES: Final = ("ts", "event_time")
NEEDED: Final = ("user_id", "ts", "event")
KNOWN: Final = (*NEEDED, "event_time", "amount", "event_id", "currency")
HEADER_HINT: Final = "the header must name user_id,ts,event,amount; other columns are kept as well"

COLUMNS_MAX: Final = 500
NAME_MAX: Final = 40
"""So many columns, of names so long, are looked through for one that is misspelt."""

Columns = list[tuple[str, ...]]


class CsvRows:
    """Reads rows of a csv file; columns are found by name, their order is free."""

    def __init__(self, path: str, source: Opened, zone: tzinfo | None) -> None:
        """Read the header.

        Raises:
            UserError: It is missing, or lacks a column, or names one twice.
        """
        self.name = source.name
        self.zone = zone
        self.reader = csv.reader(source.text, strict=True)
        self.path = path
        self.row = 0
        self.block_line = 0
        self.block_heights: list[int] | None = None
        self.block_row = 0
        try:
            header = [name.strip() for name in next(self.reader, [])]
        except csv.Error as error:
            raise UserError(f"{path}, line 1: the header is no csv: {error}", HEADER_HINT) from None
        check_header(f"{path}, line 1", header)
        self.header = header
        self.place = {name: header.index(name) for name in KNOWN if name in header}
        self.time_place = self.place.get("ts", self.place.get("event_time", 0))
        self.others = [(i, name) for i, name in enumerate(header) if name not in KNOWN]

    def read(self, count: int) -> tuple[Block, list[BadRow]] | None:
        """Return up to ``count`` rows, the bad ones apart; None at the end."""
        line = self.reader.line_num
        rows, broken = self._take(count)
        if not rows and broken is None:
            return None
        self._remember(line, rows)
        first = self.row + 1
        self.row += len(rows)
        block = self._fast(rows, first)
        bad: list[BadRow] = []
        if block is None:
            good = []
            for number, row in enumerate(rows, start=first):
                if not row:
                    continue  # A blank line is no mistake.
                if (wrong := self._wrong(row, number)) is None:
                    good.append((number, row))
                else:
                    bad.append(wrong)
            block = self._careful(good)
        if broken is not None:
            self.row += 1
            bad.append(broken)
        return block, bad

    def line_of(self, row: int) -> int:
        """Return the line on which a row of the newest block begins."""
        before = row - self.block_row
        heights = self.block_heights
        return self.block_line + 1 + (before if heights is None else sum(heights[:before]))

    def _take(self, count: int) -> tuple[list[list[str]], BadRow | None]:
        rows: list[list[str]] = []
        try:
            rows.extend(islice(self.reader, count))
        except csv.Error as error:
            what = f"the row is no csv: {error}"
            return rows, BadRow(self.reader.line_num, "-", what, "check the quotes of the row")
        return rows, None

    def _remember(self, line: int, rows: list[list[str]]) -> None:
        """Note where the block lies, for messages; a quoted value may span lines."""
        self.block_line, self.block_row = line, self.row + 1
        one_line_each = self.reader.line_num - line == len(rows)
        self.block_heights = None if one_line_each else [1 + "".join(r).count("\n") for r in rows]

    def _fast(self, rows: list[list[str]], first: int) -> Block | None:
        """Return the block when every row is as usual, else None; whole columns at a time."""
        if not rows or set(map(len, rows)) != {len(self.header)}:
            return None
        columns: Columns = list(zip(*rows, strict=True))
        users, events = columns[self.place["user_id"]], columns[self.place["event"]]
        times = instants_ms(columns[self.time_place])
        amounts = self._amounts(columns, len(rows))
        if times is None or amounts is None or "" in users or "" in events:
            return None
        numbers = list(range(first, first + len(rows)))
        ids = self._event_ids(columns, numbers)
        return Block(numbers, ids, list(users), times, list(events), amounts, self._extras(columns))

    def _amounts(self, columns: Columns, count: int) -> list[float | None] | None:
        place = self.place.get("amount")
        if place is None:
            return [None] * count
        try:
            amounts = [float(text) if text else None for text in columns[place]]
        except ValueError:
            return None
        finite = math.isfinite(sum(amount for amount in amounts if amount is not None))
        return amounts if finite else None

    def _event_ids(self, columns: Columns, numbers: list[int]) -> list[str]:
        name = self.name
        made = [f"{name}:{number}" for number in numbers]
        if "event_id" not in self.place:
            return made
        given = columns[self.place["event_id"]]
        return [own or other for own, other in zip(given, made, strict=True)]

    def _extras(self, columns: Columns) -> list[dict[str, Any]] | None:
        if not self.others and "currency" not in self.place:
            return None
        extras: list[dict[str, Any]] = []
        for row in zip(*columns, strict=True):
            properties = {name: row[i] for i, name in self.others if row[i]}
            extra: dict[str, Any] = {"properties": properties} if properties else {}
            if "currency" in self.place and (currency := row[self.place["currency"]]):
                extra["currency"] = currency
            extras.append(extra)
        return extras

    def _wrong(self, row: list[str], number: int) -> BadRow | None:
        """Say what is wrong with a row; None when nothing is."""
        line = self.line_of(number)
        if len(row) != len(self.header):
            what = f"the row has {len(row)} fields, the header {len(self.header)}"
            return BadRow(line, "-", what, "a comma inside a value needs quotes around the value")
        for name in ("user_id", "event"):
            if not row[self.place[name]]:
                return BadRow(line, name, "the field is empty", "every event needs one")
        try:
            instant_ms(row[self.time_place], self.zone)
        except BadInstantError as error:
            return BadRow(line, self.header[self.time_place], str(error), error.hint)
        text = row[self.place["amount"]] if "amount" in self.place else ""
        if not _is_amount(text):
            hint = "write amounts like 12.50, or leave the field empty"
            return BadRow(line, "amount", f"{text!r} is no finite number", hint)
        return None

    def _careful(self, good: list[tuple[int, list[str]]]) -> Block:
        if not good:
            return Block([], [], [], [], [], [], None)
        numbers = [number for number, _ in good]
        columns: Columns = list(zip(*(row for _, row in good), strict=True))
        times = [instant_ms(text, self.zone) for text in columns[self.time_place]]
        users, events = columns[self.place["user_id"]], columns[self.place["event"]]
        amounts = self._amounts(columns, len(good)) or []
        ids = self._event_ids(columns, numbers)
        return Block(numbers, ids, list(users), times, list(events), amounts, self._extras(columns))


def _is_amount(text: str) -> bool:
    try:
        return text == "" or math.isfinite(float(text))
    except ValueError:
        return False


def check_header(place: str, header: list[str]) -> None:
    """See that every column is there, once.

    Args:
        place: Where the names stand, for messages.
        header: The names.

    Raises:
        UserError: One is missing, misspelt or there twice.
    """
    named = ["ts" if name == "event_time" else name for name in header]
    missing = [name for name in NEEDED if name not in named]
    twice = {name for name in named if name in KNOWN and named.count(name) > 1}
    found = ",".join(header)[:120]
    if len(missing) == len(NEEDED):
        hint = HEADER_HINT
        if len(header) == 1 and any(mark in found for mark in ";\t|"):
            hint = "the columns must be separated by commas"
        raise UserError(f"{place}: there is no header, but {found!r}", hint)
    likely = [name for name in header[:COLUMNS_MAX] if len(name) <= NAME_MAX and name not in KNOWN]
    for name in (*missing, *(["amount"] if "amount" not in named else [])):
        near = get_close_matches(name, likely, n=1)
        if near:
            raise UserError(f"{place}: no column {name}", f"is {near[0]!r} meant to be it?")
    if missing:
        raise UserError(f"{place}: no column {', '.join(missing)} in {found!r}", HEADER_HINT)
    if twice:
        raise UserError(f"{place}: column {min(twice)} is there twice", HEADER_HINT)
