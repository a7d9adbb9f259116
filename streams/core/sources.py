"""Sources: the topics of other people's formats, and how what they carry is understood.

What `inputs:` of a rules file says, compiled: plain data, every part with the line where it stands.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from streams.core.meanings import Meaning

LINK_EVENT: Final = "$identify"
"""Name of the native event that says: two ids are one person."""

Path = tuple[str | int, ...]
"""Where a value stands in a record: names of fields and places in lists; () = nowhere."""

Scalar = str | int | float | bool | None


_PLAIN_NAME: Final = re.compile(r"""[^.\[\]"'\s]+""")


def path_text(path: Path) -> str:
    """Return a path as the rules write it: ``$.items[0]["unit price"]``."""
    return "$" + "".join(map(_step_text, path))


def _step_text(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if _PLAIN_NAME.fullmatch(step):
        return f".{step}"
    return f"['{step}']" if '"' in step else f'["{step}"]'


class Form(StrEnum):
    """What the records of a topic follow."""

    WINBACK = "winback"
    SEGMENT = "segment"
    SENSORS = "sensors"
    CLOUDEVENTS = "cloudevents"
    DEBEZIUM = "debezium"
    CANAL = "canal"
    JSON = "json"


CHANGES: Final = frozenset({Form.DEBEZIUM, Form.CANAL})
"""Formats that tell how rows of tables change: what nobody names is no activity of a user."""


class Encoding(StrEnum):
    """How the values of a topic are written; the binary ones as a schema registry frames them."""

    JSON = "json"
    AVRO = "avro"
    PROTOBUF = "protobuf"


class KeyedBy(StrEnum):
    """What the Kafka keys of a topic are."""

    USER = "user"  # the user id, by murmur2 on as many partitions as our own: read as it is
    ANYTHING = "anything"  # goes through the router


class Unit(StrEnum):
    """What a number or a text says of an instant."""

    ISO = "iso"
    SECONDS = "s"
    MILLISECONDS = "ms"
    MICROSECONDS = "us"
    NANOSECONDS = "ns"
    DAY = "day"  # a date, or days since 1970: it means the begin of that day in the zone


class Scale(StrEnum):
    """How the digits of an amount are to be read, where no number of decimals says it."""

    MAJOR = "major"  # yuan
    MINOR = "minor"  # fen
    OWN = "own"  # every value brings its own scale: {"scale": 2, "value": "BNI="}


class Sign(StrEnum):
    """How a source tells of money that is taken back."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    EITHER = "either"  # some so and some so: its size counts


class Op(StrEnum):
    """What a condition asks of a value."""

    IS = "is"
    IS_NOT = "is_not"
    CONTAINS = "contains"
    WAS = "was"
    WAS_NOT = "was_not"
    IS_SET = "is_set"


class Pick(msgspec.Struct, frozen=True, kw_only=True):
    """A value that a rule takes from a record, or says itself.

    Attributes:
        path: Where it stands; () = the rule says it itself: it is `default`.
        default: What it is where the path leads to nothing or to null; None = it is needed.
        table: What is written there to what it means, numbers and booleans as JSON writes them.
        others: What a value means that the table does not have; None = it is refused.
        line: Of the rules file.
    """

    path: Path = ()
    default: Scalar = None
    table: Mapping[str, Scalar] | None = None
    others: Scalar = None
    line: int = 0


class When(msgspec.Struct, frozen=True, kw_only=True):
    """When something happened.

    Attributes:
        path: Where it stands.
        unit: Of what stands there.
        zone: IANA zone of what names none; empty = such a value is refused.
        line: Of the rules file.
    """

    path: Path
    unit: Unit = Unit.ISO
    zone: str = ""
    line: int = 0


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    """How much it was.

    Attributes:
        path: Where it stands; () = it is always `default`.
        scale: Decimals that a whole number (or the bytes of one) has, or how else to read it.
        sign: How money that is taken back is told.
        default: In major units; None = it is needed.
        less: Where stands what is to be taken from it: how much it was before; () = nothing.
        line: Of the rules file.
    """

    path: Path = ()
    scale: int | Scale = Scale.MAJOR
    sign: Sign = Sign.POSITIVE
    default: float | None = None
    less: Path = ()
    line: int = 0


class Question(msgspec.Struct, frozen=True):
    """What is asked of a value, and which answers fit; `is_set` has one, true or false."""

    op: Op
    answers: tuple[Scalar, ...]


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What a value of the record must be; all of it together."""

    path: Path
    questions: tuple[Question, ...]
    line: int = 0


class Drop(msgspec.Struct, frozen=True, kw_only=True):
    """Records that mean nothing to us: bots, staff, test accounts.

    Attributes:
        condition: What they have in common.
        reason: Under which they are counted, ``dropped_<reason>``.
    """

    condition: Condition
    reason: str


class MapRule(msgspec.Struct, frozen=True, kw_only=True):
    """What events of some names mean.

    Attributes:
        events: Their names, as the format tells them.
        meaning: What they are to us.
        name: Of the native event; empty = the event's own.
        when: What must hold besides.
        user: Instead of what the format or the source says.
        time: Likewise.
        id: Likewise, as it is.
        once_per: Makes an id of this value and the name: told twice, it counts once.
        amount: How much it was.
        currency: Of the amount; None = that of the rules.
        says: Further properties of the native event, by name.
        line: Of the rules file.
    """

    events: tuple[str, ...]
    meaning: Meaning
    name: str = ""
    when: tuple[Condition, ...] = ()
    user: Pick | None = None
    time: When | None = None
    id: Pick | None = None
    once_per: Pick | None = None
    amount: Amount | None = None
    currency: Pick | None = None
    says: dict[str, Pick] = {}
    line: int = 0


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One topic, and how it is understood.

    Attributes:
        topic: Its name.
        form: What its records follow.
        inner: What the data inside an envelope follows, of CloudEvents.
        encoding: How they are written.
        keyed_by: Whether they can be read where they are.
        lateness_ms: How far the watermark of the topic stays behind its newest event.
        idle_after_ms: Without a record for so long it holds nothing back any more.
        event: Where the event name stands, instead of where the format has it.
        user: Likewise, under which id the person is known.
        anonymous: Likewise, the id of the device or browser.
        id: Likewise, the idempotency key.
        time: Likewise, when it happened.
        drop: What is left out before any rule is asked.
        rules: What the events mean; of those that name an event the first that fits.
        is_other_activity: Whether an event that no rule names is an activity of its own name.
        line: Of the rules file.
    """

    topic: str
    form: Form
    inner: Form = Form.JSON
    encoding: Encoding = Encoding.JSON
    keyed_by: KeyedBy = KeyedBy.ANYTHING
    lateness_ms: int = 60_000
    idle_after_ms: int = 300_000
    event: Pick | None = None
    user: Pick | None = None
    anonymous: Pick | None = None
    id: Pick | None = None
    time: When | None = None
    drop: tuple[Drop, ...] = ()
    rules: tuple[MapRule, ...] = ()
    is_other_activity: bool = False
    line: int = 0

    @property
    def paths(self) -> frozenset[Path]:
        """All that the mapping reads of a record, from the root of a fact's body."""
        return frozenset(path for path in self._paths() if path)

    def _paths(self) -> Iterator[Path]:
        for pick in (self.event, self.user, self.anonymous, self.id, self.time):
            yield pick.path if pick else ()
        for drop in self.drop:
            yield drop.condition.path
        for rule in self.rules:
            yield from (condition.path for condition in rule.when)
            yield from (pick.path for pick in rule.says.values())
            for pick in (rule.user, rule.time, rule.id, rule.once_per, rule.currency):
                yield pick.path if pick else ()
            yield from (rule.amount.path, rule.amount.less) if rule.amount else ()


Rates = dict[str, Decimal]
"""Currency to its worth in the currency of the rules."""
