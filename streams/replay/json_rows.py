"""Event logs as JSON lines: native events, or objects with the names of the csv columns."""

import math
from datetime import tzinfo
from itertools import islice
from typing import Any, Final

import msgspec

from streams.replay.blocks import BadRow, Block
from streams.replay.instants import BadInstantError, instant_ms
from streams.replay.opening import Opened

HINT: Final = 'write one object a line: {"user_id":"u1","event_time":"2017-01-31T18:30:00Z",...}'


class Line(msgspec.Struct):
    """One line; both the native names and those of the csv columns are understood."""

    user_id: str
    event: str
    event_time: str | int | None = None
    ts: str | int | None = None
    event_id: str = ""
    amount: float | None = None
    currency: str | None = None
    properties: dict[str, Any] | None = None


class JsonRows:
    """Reads rows of a file of JSON lines; blank lines are passed over."""

    def __init__(self, source: Opened, zone: tzinfo | None) -> None:
        self.name = source.name
        self.lines = enumerate(source.text, start=1)
        self.zone = zone
        self.row = 0
        self.decoder = msgspec.json.Decoder(Line)
        self.places: dict[int, int] = {}

    def read(self, count: int) -> tuple[Block, list[BadRow]] | None:
        """Return up to ``count`` rows, the bad ones apart; None at the end."""
        taken = list(islice(self.lines, count))
        if not taken:
            return None
        self.places = {}
        good: list[tuple[int, Line, int]] = []
        bad: list[BadRow] = []
        for place, text in taken:
            if text.isspace():
                continue
            self.row += 1
            self.places[self.row] = place
            answer = self._parsed(place, text)
            if isinstance(answer, BadRow):
                bad.append(answer)
            else:
                good.append((self.row, *answer))
        return self._block(good), bad

    def line_of(self, row: int) -> int:
        """Return the line of a row of the newest block."""
        return self.places[row]

    def _parsed(self, place: int, text: str) -> tuple[Line, int] | BadRow:
        try:
            line = self.decoder.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            column = _column(str(error))
            return BadRow(place, column, str(error), HINT)
        for name in ("user_id", "event"):
            if not getattr(line, name):
                return BadRow(place, name, "the field is empty", "every event needs one")
        at = line.event_time if line.event_time is not None else line.ts
        if at is None:
            return BadRow(place, "event_time", "there is no time", HINT)
        try:
            at_ms = instant_ms(str(at), self.zone)
        except BadInstantError as error:
            return BadRow(place, "event_time", str(error), error.hint)
        if line.amount is not None and not math.isfinite(line.amount):
            return BadRow(place, "amount", "the amount is not finite", "write a number, or null")
        return line, at_ms

    def _block(self, good: list[tuple[int, Line, int]]) -> Block:
        extras = [_extra(line) for _, line, _ in good]
        return Block(
            rows=[row for row, _, _ in good],
            event_ids=[line.event_id or f"{self.name}:{row}" for row, line, _ in good],
            user_ids=[line.user_id for _, line, _ in good],
            times_ms=[at_ms for _, _, at_ms in good],
            events=[line.event for _, line, _ in good],
            amounts=[line.amount for _, line, _ in good],
            extras=extras if any(extras) else None,
        )


def _extra(line: Line) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    if line.currency is not None:
        extra["currency"] = line.currency
    if line.properties:
        extra["properties"] = line.properties
    return extra


def _column(message: str) -> str:
    """Return the field that a decoding error of msgspec names, else a dash."""
    for mark in ("at `$.", "required field `"):
        if mark in message:
            return message.split(mark, 1)[1].split("`", 1)[0]
    return "-"
