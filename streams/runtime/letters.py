"""What stands on the topic of dead letters: letters, and words on what became of them.

A word follows its letter on the letter's own partition, so retention takes the letter first. Its
name is where the record stood: topic, partition and offset.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Self

import msgspec

from streams.errors import UserError
from winback_sender.contract.dead_letters import CUT
from winback_sender.contract.messages import Headers, Output

REPLAYED: Final = "replayed"
DISCARDED: Final = "discarded"
WORD: Final = "winback.letter.word"
"""Header of a word; its value says what became of the letter."""
REPLAY_HEADER: Final = "winback.replayed"
"""Header of a record that was sent again: the name of its letter, the same whoever sends it."""
TEXT_MAX: Final = 500
"""Characters of a text that somebody has written about a letter; what is longer is cut."""

_BEGIN: Final = "__connect.errors."
_TOPIC: Final = f"{_BEGIN}topic"


class Place(NamedTuple):
    """Where a record stands, and the name of its letter."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def named(cls, text: str) -> Self:
        """Return the place of a name.

        Raises:
            UserError: It is none.
        """
        topic, _, rest = text.strip().partition("/")
        partition, _, offset = rest.partition("/")
        if not (topic and partition.isdecimal() and offset.isdecimal()):
            raise UserError(
                f"{text!r} is no name of a dead letter", "names are TOPIC/PARTITION/OFFSET, as in "
                "winback dead-letters list",
            )  # fmt: skip
        return cls(topic, int(partition), int(offset))


class Letter(msgspec.Struct, frozen=True):
    """A dead letter without its bytes.

    Attributes:
        place: Where the record stood.
        reason: A code of those who count dead letters.
        detail: In words; may quote the record.
        aside_ms: When it was put aside, epoch ms UTC.
        record_ms: Timestamp of the record, epoch ms UTC.
        partition: Of the topic of dead letters.
        size: Bytes of the value.
        is_whole: Nothing was cut off.
    """

    place: Place
    reason: str
    detail: str
    aside_ms: int
    record_ms: int
    partition: int
    size: int
    is_whole: bool


class Opened(NamedTuple):
    """A dead letter with its bytes.

    Attributes:
        letter: What it is.
        key: As it came.
        value: As it came.
        headers: Of the record itself, where they were known.
    """

    letter: Letter
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]]


class Word(msgspec.Struct, frozen=True):
    """What became of a letter.

    Attributes:
        letter: Its name.
        what: ``replayed`` or ``discarded``.
        at: When, ISO 8601 UTC.
        by: Who ordered it.
        reason: Why it was discarded.
        to: Names of the records that it was sent as; none = the rules leave it out by now.
        attempt: How often it was sent by then.
        first_reason: Of the first letter of this record.
        first_at: When that was, ISO 8601 UTC.
    """

    letter: str
    what: str
    at: str
    by: str
    reason: str = ""
    to: tuple[str, ...] = ()
    attempt: int = 1
    first_reason: str = ""
    first_at: str = ""


_TEXTS: Final = ("what", "at", "by", "reason", "first_reason", "first_at")


def read_record(record: Any) -> Opened | Word | None:
    """Return what a record of the topic is; None = neither, somebody else wrote it.

    Only the last headers count: those of the record itself stand before them.

    Args:
        record: With key, value, headers, timestamp_ms and partition.
    """
    names = [name for name, _ in record.headers]
    if _TOPIC in names:
        begin = len(names) - 1 - names[::-1].index(_TOPIC)
        return _opened(record, dict(record.headers[begin:]), record.headers[:begin])
    if WORD in names:
        try:
            return _bounded(msgspec.json.decode(record.value or b"", type=Word))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, UserError):
            return None
    return None


def _bounded(word: Word) -> Word:
    """Return a word with texts of bounded length.

    Raises:
        UserError: What it names is no place.
    """
    for name in (word.letter, *word.to):
        Place.named(name)
    texts = {name: getattr(word, name)[:TEXT_MAX] for name in _TEXTS}
    return msgspec.structs.replace(word, **texts)


def _opened(record: Any, said: dict[str, bytes], own: Sequence[tuple[str, bytes]]) -> Opened | None:
    try:
        place = Place(
            said[_TOPIC].decode(), int(said[f"{_BEGIN}partition"]), int(said[f"{_BEGIN}offset"])
        )
        record_ms = int(said.get("winback.record.timestamp", b"0"))
    except (KeyError, ValueError):
        return None
    value = record.value or b""
    letter = Letter(
        place,
        said.get(f"{_BEGIN}exception.class.name", b"unknown").decode(errors="replace"),
        said.get(f"{_BEGIN}exception.message", b"").decode(errors="replace"),
        record.timestamp_ms, record_ms, record.partition, len(value), CUT not in said,
    )  # fmt: skip
    return Opened(letter, record.key, value, own)


def word_output(word: Word) -> Output:
    """Return the record of a word."""
    headers: Headers = [(WORD, word.what.encode()), ("content-type", b"application/json")]
    return Output(word.letter.encode(), msgspec.json.encode(word), headers)
