"""What stands in records: every path with the values that were seen there."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from streams.core.sources import Unit
from streams.core.sources_schema import PATH

DEPTH_MAX: Final = 5
TEXTS_MAX: Final = 200
"""Different texts of a path that are remembered."""
TEXT_MAX: Final = 80
MOST: Final = 0.95
"""Of the values of a path so many must be alike for it to be one thing."""
NUMBER: Final = re.compile(r"-?\d{1,15}(\.\d{1,6})?")
DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")
PLAIN: Final = re.compile(PATH)
YEARS: Final = (631_152_000, 4_102_444_800)
"""Seconds from the year 1990 to the year 2100."""
RANGES: Final = (
    (1, Unit.SECONDS), (10**3, Unit.MILLISECONDS), (10**6, Unit.MICROSECONDS),
    (10**9, Unit.NANOSECONDS),
)  # fmt: skip


class Field:
    """One path.

    Attributes:
        path: As rules write it.
        count: Values that are there and not null.
        numbers: How many are numbers, or text that is one.
        whole: How many of these are whole.
        texts: How many are text.
        flags: How many are true or false.
        low: The least number.
        high: The greatest number.
        words: The texts and how often, as far as they are remembered.
        units: What they would be as instants.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.count = self.numbers = self.whole = self.texts = self.flags = 0
        self.low, self.high = float("inf"), float("-inf")
        self.words: Counter[str] = Counter()
        self.units: Counter[tuple[Unit, bool]] = Counter()

    def see(self, value: Any) -> None:
        """Take a value."""
        self.count += 1
        if isinstance(value, bool):
            self.flags += 1
            return
        if isinstance(value, str):
            self.texts += 1
            if len(self.words) < TEXTS_MAX or value in self.words:
                self.words[value[:TEXT_MAX]] += 1
        if isinstance(value, int | float) or NUMBER.fullmatch(value):
            number = float(value)
            self.numbers += 1
            self.whole += number.is_integer()
            self.low, self.high = min(self.low, number), max(self.high, number)
        if (unit := unit_of(value)) is not None:
            self.units[unit] += 1

    @property
    def name(self) -> str:
        """Its last step."""
        return re.split(r"[.\[]", self.path)[-1].strip("]'\"")

    @property
    def is_number(self) -> bool:
        """Whether it holds numbers."""
        return self.numbers >= MOST * self.count

    @property
    def unit(self) -> tuple[Unit, bool] | None:
        """As what its values are instants, and whether they name a zone; None = they are none."""
        if not self.units:
            return None
        unit, count = self.units.most_common(1)[0]
        return unit if count >= MOST * self.count else None


class Fields:
    """All paths of records that belong together.

    Attributes:
        records: How many were seen.
        by_path: Every path that leads to a value.
    """

    def __init__(self) -> None:
        self.records = 0
        self.by_path: dict[str, Field] = {}

    def see(self, body: dict[str, Any]) -> None:
        """Take a record."""
        self.records += 1
        for path, value in _leaves(body, "$", 0):
            field = self.by_path.get(path)
            if field is None:
                field = self.by_path[path] = Field(path)
            field.see(value)

    def common(self, share: float) -> list[Field]:
        """Return the fields that so large a share of the records has."""
        return [field for field in self.by_path.values() if field.count >= share * self.records]


def _leaves(body: dict[str, Any], at: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield the single values of an object; lists are passed over, for they hold several."""
    for name, value in body.items():
        path = f"{at}.{name}"
        if not PLAIN.fullmatch(path):
            path = f'{at}["{name}"]'
            if not PLAIN.fullmatch(path):
                continue
        if isinstance(value, dict):
            if depth < DEPTH_MAX:
                yield from _leaves(value, path, depth + 1)
        elif value is not None and not isinstance(value, list):
            yield path, value


def unit_of(value: Any) -> tuple[Unit, bool] | None:
    """Return as what a value is an instant, and whether it names its zone; None = it is none."""
    if isinstance(value, str) and not NUMBER.fullmatch(value):
        if DATE.fullmatch(value):
            return Unit.DAY, False
        if not INSTANT.match(value):
            return None
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return None
        return Unit.ISO, at.tzinfo is not None
    number = float(value)
    for scale, unit in RANGES:
        if YEARS[0] * scale <= number < YEARS[1] * scale:
            return unit, True
    return None
