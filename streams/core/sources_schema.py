"""What ``inputs:`` of a rules file may say: one strict struct a part, every default in its place.

The descriptions are what an editor shows; `rules_page.py` makes the JSON Schema of them.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from streams.core.meanings import Meaning
from streams.core.sources import Encoding, Form, KeyedBy, Scale, Sign, Unit

MEANT: Final = tuple(Meaning)

PATH: Final = (
    r"""^\$(\.[^.\[\]"'\s\\\x00-\x1f]+|\["[^"\\\x00-\x1f]+"\]"""
    r"""|\['[^'"\\\x00-\x1f]+'\]|\[\d{1,3}\])+$"""
)
"""No quote, backslash or control character in a name: no type can have a field of such a name."""

PathText = Annotated[
    str,
    Meta(
        max_length=500,
        description='Where it stands in the record: $.a.b, $.items[0].sku, $["a name"].',
        extra_json_schema={"pattern": PATH},
    ),
]
Word = str | int | float | bool
Words = str | int | float | bool | list[Word]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Digits = Annotated[int, Meta(ge=0, le=18)]
Names = Annotated[list[Name], Meta(min_length=1, max_length=1_000)]


def _says(text: str) -> Meta:
    return Meta(description=text)


def _span(says: str) -> Meta:
    return Meta(description=f"{says} Written as 90s, 15m, 12h, 30d.")


class PickFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value of the record."""

    path: PathText
    default: Annotated[Word | None, _says("Where it is missing or null.")] = None
    table: (
        Annotated[
            dict[Name, Word],
            Meta(
                min_length=1,
                max_length=1_000,
                description="What is written there to what it means; keys in quotes where YAML "
                "would read another thing: '1', 'true', 'yes'.",
            ),
        ]
        | None
    ) = None
    others: Annotated[Word | None, _says("What a value means that the table does not have.")] = None


Pick = Word | PickFile
"""A path (a text that begins with ``$.`` or ``$[``), a constant, or a path with what belongs to it.
"""


class TimeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When it happened."""

    path: PathText
    unit: Annotated[
        Unit,
        _says(
            "Of what stands there: iso (text), s, ms, us, ns since 1970, or day: a date, or days "
            "since 1970, which mean the begin of that day in the zone."
        ),
    ] = Unit.ISO
    zone: Annotated[
        str,
        _says(
            "IANA zone of what names none. With s, ms, us, ns: the numbers count the wall clock "
            "of that zone, as databases do that know no zones."
        ),
    ] = ""


class AmountFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much it was."""

    path: PathText
    unit: Annotated[
        Literal["major", "minor"], _says("major: yuan, dollars. minor: fen, cents.")
    ] = "major"
    scale: Annotated[
        Digits | Literal["own"] | None,
        _says(
            "Decimals of a whole number, or of the bytes in which Debezium writes a decimal; own: "
            "every value brings its scale."
        ),
    ] = None
    sign: Annotated[
        Sign,
        _says("How money that is taken back is told; either: some so, some so, its size counts."),
    ] = Sign.POSITIVE
    default: Annotated[float | None, _says("In major units, where it is missing or null.")] = None
    less: Annotated[
        PathText | None,
        _says(
            "Takes from it what stands there: $.before.amount makes of an amount by how much it "
            "changed. Nothing changed: left out."
        ),
    ] = None


class ConditionFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a value must be; a list of answers: any of them (with not: none of them)."""

    path: PathText
    is_: Annotated[Words | None, _says("It is this.")] = msgspec.field(name="is", default=None)
    is_not: Annotated[Words | None, _says("It is not this; a missing value is not.")] = None
    in_: Annotated[list[Word] | None, _says("It is one of these.")] = msgspec.field(
        name="in", default=None
    )
    contains: Annotated[
        Words | None, _says("A text that has this in it, small or capital; a list that has it.")
    ] = None
    was: Annotated[Words | None, _says("It was this before the change.")] = None
    was_not: Annotated[Words | None, _says("It was not this before the change.")] = None
    is_set: Annotated[bool | None, _says("It is there and not null, or false: it is not.")] = None


class DropFile(ConditionFile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Records that are left out: bots, staff, test accounts."""

    reason: Annotated[
        str,
        Meta(
            pattern="^[a-z][a-z0-9_]{0,39}$",
            description="Under which they are counted: dropped_<reason>.",
            extra={"hint": "small letters, digits and _, as in test_account"},
        ),
    ]


class MapFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What events of some names mean; the first rule that fits is taken."""

    event: Annotated[
        Name | Names, _says("Their name, or a list of names, as the format tells them.")
    ]
    meaning: Annotated[Meaning, _says("What it is to us.")] = msgspec.field(name="as")
    name: Annotated[
        str,
        Meta(
            max_length=200,
            description="What we call it; left out: the first name of that meaning in `events`, "
            "and of an activity its own.",
        ),
    ] = ""
    when: Annotated[
        list[ConditionFile], Meta(max_length=20, description="What must hold besides, all of it.")
    ] = []
    user: Annotated[Pick | None, _says("Whose it is, if not as the topic says.")] = None
    anonymous: Annotated[Pick | None, _says("Of a link: the id that is given up.")] = None
    id: Annotated[Pick | None, _says("Idempotency key, if not as the topic says.")] = None
    once_per: Annotated[
        Pick | None, _says("However often it is told: once for each of these, as of $.after.id.")
    ] = None
    time: Annotated[str | TimeFile | None, _says("When, if not as the topic says.")] = None
    amount: Annotated[str | float | AmountFile | None, _says("How much it was.")] = None
    currency: Annotated[Pick | None, _says("Of the amount; left out: that of the rules.")] = None
    traits: (
        Annotated[
            dict[Name, Pick], Meta(max_length=32, description="Of traits: our name to theirs.")
        ]
        | None
    ) = None
    channel: Annotated[Pick | None, _says("Of consent, opt_out, reach, feedback.")] = None
    granted: Annotated[Pick | None, _says("Of consent: true or false.")] = None
    tokens: Annotated[Pick | None, _says("Of reach: permissions for one message each.")] = None
    open_for: Annotated[Pick | None, _says("Of reach: how long a window is open, as 48h.")] = None
    open_until: Annotated[Pick | None, _says("Of reach: until when a window is open.")] = None
    is_reachable: Annotated[Pick | None, _says("Of reach: true or false.")] = None
    from_: Annotated[Pick | None, _says("Of coverage: from when on; left out: its time.")] = (
        msgspec.field(name="from", default=None)
    )
    to: Annotated[Pick | None, _says("Of coverage: until when.")] = None
    touch_id: Annotated[Pick | None, _says("Of feedback: the touch.")] = None
    status: Annotated[Pick | None, _says("Of feedback: what became of it.")] = None
    outcome: Annotated[Pick | None, _says("Of feedback: why, or with which result.")] = None


class SourceFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One topic, and how it is understood."""

    format: Annotated[Form, _says("What its records follow.")]
    inner: Annotated[
        Literal["json", "winback", "segment", "sensors"],
        _says("Of CloudEvents: what the data inside follows."),
    ] = "json"
    encoding: Annotated[Encoding, _says("How they are written.")] = Encoding.JSON
    keyed_by: Annotated[
        KeyedBy,
        _says(
            "user: the Kafka key is the user id, by murmur2, on as many partitions as ours: read "
            "as it is. anything: through the router."
        ),
    ] = KeyedBy.ANYTHING
    lateness: Annotated[str, _span("How far its events may be out of order.")] = ""
    idle_after: Annotated[str, _span("Without a record so long, it holds nothing back.")] = "5m"
    event: Annotated[Pick | None, _says("Where the event name stands.")] = None
    user: Annotated[Pick | None, _says("Where the id of the known user stands.")] = None
    anonymous: Annotated[Pick | None, _says("Where the id of device or browser stands.")] = None
    id: Annotated[Pick | None, _says("Where the idempotency key stands.")] = None
    time: Annotated[str | TimeFile | None, _says("Where it says when it happened.")] = None
    drop: Annotated[
        list[DropFile], Meta(max_length=100, description="What is left out, before any rule.")
    ] = []
    map: Annotated[
        list[MapFile], Meta(max_length=500, description="What the events mean; the first fits.")
    ] = []
    others: Annotated[
        Literal["activity", "ignored"] | None,
        _says(
            "Events that no rule names. Left out: as churn.activity says; of database changes: "
            "ignored."
        ),
    ] = None


SCALES: Final[dict[str, Any]] = {"major": Scale.MAJOR, "minor": Scale.MINOR, "own": Scale.OWN}
