"""From the values that a rules file names to those that a mapping reads, or to what is wrong."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from streams.core.sources import (
    Amount,
    Condition,
    Op,
    Pick,
    Question,
    Scalar,
    Scale,
    Unit,
    When,
)
from streams.core.sources import Path as Way
from streams.core.sources_schema import PATH, AmountFile, ConditionFile, PickFile, TimeFile
from streams.core.sources_schema import Pick as Said
from streams.core.time import span_ms
from winback_sender.documents.faults import Fault, Path
from winback_sender.documents.yaml_nodes import Document

_WHOLE: Final = re.compile(PATH)
_STEP: Final = re.compile(r"""\.([^.\[\]"'\s]+)|\["([^"]+)"\]|\['([^']+)'\]|\[(\d+)\]""")
_STEPS_MAX: Final = 16

Kinds = tuple[type, ...]
TEXT: Final[Kinds] = (str,)
FLAG: Final[Kinds] = (bool,)
WHOLE: Final[Kinds] = (int,)
ANY: Final[Kinds] = (str, int, float, bool)
_WORDS: Final[dict[Kinds, str]] = {TEXT: "text", FLAG: "true or false", WHOLE: "a whole number"}
RATE_MAX: Final = 1_000_000


def way_of(text: str) -> Way | None:
    """Return the steps of a path such as ``$.items[0]["unit price"]``; None = it is none."""
    if not _WHOLE.match(text):
        return None
    steps = [
        int(match[4]) if match[4] else match[1] or match[2] or match[3]
        for match in _STEP.finditer(text)
    ]
    return tuple(steps) if len(steps) <= _STEPS_MAX else None


def is_zone(name: str) -> bool:
    """Return whether there is a time zone of that name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def loose_words(node: object, path: Path) -> Iterator[Fault]:
    """Yield the words of a YAML node that are taken for true or false though they say yes or no."""
    if isinstance(node, yaml.MappingNode):
        for key, part in node.value:
            yield from loose_words(part, (*path, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for place, part in enumerate(node.value):
            yield from loose_words(part, (*path, place))
    elif (
        isinstance(node, yaml.ScalarNode)
        and node.tag == "tag:yaml.org,2002:bool"
        and node.value.lower() not in {"true", "false"}
    ):
        what = f"YAML takes {node.value} for true or false"
        yield Fault(path, what, f"write that, or '{node.value}' in quotes")


class Values:
    """Compiles the values of rules, and gathers what is wrong with them.

    Attributes:
        faults: What is wrong so far.
    """

    def __init__(self, document: Document) -> None:
        """Args: ``document``: The rules file, for the lines."""
        self.document, self.faults = document, list[Fault]()

    def wrong(self, path: Path, what: str, hint: str = "", *, is_of_name: bool = False) -> None:
        """Note that something is wrong at a place of the file."""
        self.faults.append(Fault(path, what, hint, is_of_name))

    def line(self, path: Path) -> int:
        """Return the line of a place of the file."""
        return self.document.place(path)[0]

    def ms(self, text: str, path: Path, default_ms: int = 0) -> int:
        """Return the milliseconds of a span; an empty one is the default."""
        try:
            return span_ms(text) if text else default_ms
        except ValueError as error:
            self.wrong(path, str(error))
            return default_ms

    def way(self, text: str, path: Path) -> Way:
        """Return the steps of a path."""
        way = way_of(text)
        if way is None:
            hint = 'write it as $.a.b, $.items[0].sku or $["a name"]'
            self.wrong(path, f"{text!r} is no path into a record", hint)
        return way or ()

    def pick(self, said: Said | None, path: Path, kinds: Kinds = TEXT) -> Pick | None:
        """Return a value of the record, or a constant; None = nothing was said."""
        if said is None:
            return None
        line = self.line(path)
        if isinstance(said, PickFile):
            way = self.way(said.path, (*path, "path"))
            for field, word in (("default", said.default), ("others", said.others)):
                self._fits(word, (*path, field), kinds)
            for key, word in (said.table or {}).items():
                self._fits(word, (*path, "table", key), kinds)
            if said.others is not None and said.table is None:
                self.wrong((*path, "others"), "others is for what a table does not have")
            return Pick(
                path=way, default=said.default, table=said.table, others=said.others, line=line
            )
        if isinstance(said, str) and said.startswith("$"):
            return Pick(path=self.way(said, path), line=line)
        self._fits(said, path, kinds)
        return Pick(default=said, line=line)

    def _fits(self, word: Scalar, path: Path, kinds: Kinds) -> None:
        is_fit = word is None or type(word) in kinds
        if not is_fit:
            hint = "write it in quotes" if kinds == TEXT else ""
            self.wrong(path, f"{word!r} is not {_WORDS.get(kinds, 'a single value')}", hint)
        elif word == "":
            self.wrong(path, "it is empty", "leave it out")

    def when(self, said: str | TimeFile | None, path: Path) -> When | None:
        """Return when something happened; None = nothing was said."""
        if said is None:
            return None
        line = self.line(path)
        if isinstance(said, str):
            return When(path=self.way(said, path), line=line)
        if said.zone and not is_zone(said.zone):
            what = f"{said.zone!r} is no IANA time zone: write it as in Asia/Shanghai"
            self.wrong((*path, "zone"), what)
        elif said.unit is Unit.DAY and not said.zone:
            hint = "say in which zone it begins: zone: Asia/Shanghai"
            self.wrong((*path, "unit"), "a day has no begin without a zone", hint)
        way = self.way(said.path, (*path, "path"))
        return When(path=way, unit=said.unit, zone=said.zone, line=line)

    def amount(self, said: str | float | AmountFile | None, path: Path) -> Amount | None:
        """Return how much it was; None = nothing was said."""
        if said is None:
            return None
        line = self.line(path)
        if isinstance(said, str):
            return Amount(path=self.way(said, path), line=line)
        if not isinstance(said, AmountFile):
            return Amount(default=float(said), line=line)
        scale: int | Scale
        if said.scale == "own":
            scale = Scale.OWN
        else:
            scale = Scale(said.unit) if said.scale is None else int(said.scale)
        if said.scale is not None and said.unit == "minor":
            what = "unit: minor and scale say the same twice"
            self.wrong((*path, "unit"), what, "leave out one of them")
        way = self.way(said.path, (*path, "path"))
        less = () if said.less is None else self.way(said.less, (*path, "less"))
        return Amount(
            path=way, scale=scale, sign=said.sign, default=said.default, less=less, line=line
        )

    def condition(self, said: ConditionFile, path: Path, *, is_change: bool) -> Condition:
        """Return what a value must be.

        Args:
            said: As it is written.
            path: Where.
            is_change: The format tells what a record was before.
        """
        way = self.way(said.path, (*path, "path"))
        asked = (
            (Op.IS, "is", said.is_), (Op.IS, "in", said.in_), (Op.IS_NOT, "is_not", said.is_not),
            (Op.CONTAINS, "contains", said.contains), (Op.WAS, "was", said.was),
            (Op.WAS_NOT, "was_not", said.was_not), (Op.IS_SET, "is_set", said.is_set),
        )  # fmt: skip
        questions = []
        for op, field, words in asked:
            if words is None:
                continue
            answers = tuple(words) if isinstance(words, list) else (words,)
            if not answers:
                self.wrong((*path, field), "the list is empty: nothing fits")
            if op in {Op.WAS, Op.WAS_NOT}:
                self._asks_before(way, (*path, field), is_change=is_change)
            questions.append(Question(op, answers))
        if not questions:
            hint = "say is, is_not, in, contains, was, was_not or is_set"
            self.wrong(path, "the condition asks nothing", hint)
        return Condition(path=way, questions=tuple(questions), line=self.line(path))

    def _asks_before(self, way: Way, path: Path, *, is_change: bool) -> None:
        if not is_change:
            what = "only debezium and canal tell what a record was before a change"
            self.wrong(path, what, is_of_name=True)
        elif way[:1] != ("after",) and way:
            what = "what it was is asked of a column as it is now: a path of $.after"
            self.wrong(path, what, is_of_name=True)


def rates_of(said: Mapping[str, float]) -> dict[str, Decimal]:
    """Return the worth of currencies in that of the rules, exactly as it is written."""
    return {name: Decimal(repr(rate)) for name, rate in said.items()}


def rate_faults(said: Mapping[str, float], currency: str) -> Iterator[Fault]:
    """Yield what is wrong with the rates of currencies.

    Args:
        said: Currency to its worth.
        currency: Of the rules.
    """
    for name, rate in said.items():
        path = ("money", "rates", name)
        if not 0.0 < rate <= RATE_MAX:
            yield Fault(path, f"{rate} is no rate: above 0, at most 1,000,000")
        if name == currency:
            yield Fault(path, f"{name} is the currency of the rules: it is worth 1")
