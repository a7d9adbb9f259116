# ruff: noqa: E501, ISC004 (tables of samples)
"""Targets: what the service wrote itself, and reads again: state, messages, models, letters.

Somebody else may have written there, or a disk. What promises a refusal says so in a typed way;
what is restored ends the worker with words. Nothing of it may be believed halfway.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from types import SimpleNamespace
from typing import Final

import msgspec

from models.snapshot import Serving, SnapshotRefused, load, seal
from streams.core.decoded import Rejected
from streams.core.identity import Forwarded, decode_identity
from streams.core.messages import Control, JournalEntry
from streams.core.partition import Partition
from streams.core.partition_record import PARTITION_KEY, StateMismatchError
from streams.core.state import BrokenStateError, decode, encode
from streams.lessons import BadLessonError, OtherRulesError, block_of, lesson_of
from streams.runtime.control_feed import BadControlError, directive_of
from streams.runtime.letters import Opened, Word, read_record
from tests.fuzz.engine import Target
from tests.fuzz.mutate import Tongue
from tests.fuzz.tongues import JSON, MSGPACK
from tests.golden.stored import Written
from tests.golden.stored import read as golden
from tests.unit.core.stories import RULES, ToldScorer, by_silence

KEY: Final = b"a key of the tests"
REFUSED: Final = "a refusal of its own type"
BROKEN: Final = "BrokenStateError: the worker ends, and says why"
ENDS: Final = "StateMismatchError: the worker ends, and says why"
CONTROL: Final = msgspec.json.encode(
    Control("pause/playbook/x", "on", "2017-01-01T00:00:00Z", "2017-01-01T00:00:00Z", "ada")
)
SERVING: Final = (
    b'{"version":"v1","champion":"m","phase":"learned","horizon_ms":1000,"examples":5,'
    b'"prior_weight":0.5,"may_alert":true,"platt":{"slope":1.0,"offset":0.0},"model":{"name":"m",'
    b'"version":"v1","horizon_ms":1000,"examples":5,"columns":["a"],"numbers":{"w":[0.5,1e300]},'
    b'"trees":"","features_hash":"x","format":2},"features_hash":"x","rules_hash":"",'
    b'"trained_to_ms":5,"applied":{"t":{"0":5}},"metrics":{"auc":0.5,"ece":null},"format":2}'
)


@cache
def _written() -> tuple[Written, ...]:
    return tuple(golden("0.1.0").written)


def _of_topic(end: str, begin: bytes = b"", *, is_user: bool = False) -> list[bytes]:
    """Return values of a topic of the golden set, by the begin of their keys; a few of each size."""
    values = {
        len(each.value): each.value
        for each in _written()
        if each.topic.endswith(end) and each.value and (each.key or b"").startswith(begin)
        and not (is_user and (each.key or b"").startswith(b"\0"))
    }  # fmt: skip
    sizes = sorted(values)
    return [values[size] for size in sizes[:: max(1, len(sizes) // 12)]]


def _state(sample: bytes) -> str:
    try:
        state = decode(sample)
    except BrokenStateError as error:
        return f"refused {str(error)[:50]}"
    encode(state)
    return f"state {state.profile.stage}"


def _restored(key: bytes, sample: bytes) -> str:
    partition = Partition(0, RULES, ToldScorer(by_silence, RULES.churn.horizon_ms))
    try:
        partition.restore({key: sample})
        for name, _ in partition.values():
            partition.value(name)
    except StateMismatchError as error:
        return f"refused {str(error)[:60]}"
    return "restored"


def _identity(sample: bytes) -> str:
    message = decode_identity(b"ada", sample, 0)
    if isinstance(message, Rejected):
        return f"{message.reason} {message.detail[:40]}"
    if isinstance(message, Forwarded):
        message.signal()
    return type(message).__name__


def _control(sample: bytes) -> str:
    try:
        return directive_of(b"pause/playbook/x", sample).key
    except BadControlError as error:
        return f"refused {str(error)[:40]}"


def _lesson(sample: bytes) -> str:
    try:
        block = block_of(sample)
        lesson_of(msgspec.structs.replace(block, features_hash=_hash()), block.rules_hash)
    except (BadLessonError, OtherRulesError) as error:
        return f"refused {str(error)[:50]}"
    return type(block).__name__


@cache
def _hash() -> str:
    from models.features import features_hash  # noqa: PLC0415  # once

    return features_hash()


def _snapshot(sample: bytes, *, is_signed: bool) -> str:
    try:
        load(seal(sample, (KEY,)) if is_signed else sample, (KEY,), Serving)
    except SnapshotRefused as refused:
        return f"{refused.reason} {str(refused)[:40]}"
    return "serving"


def _journal(sample: bytes) -> str:
    try:
        msgspec.json.decode(sample, type=JournalEntry)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return str(error)[:40]
    return "entry"


def _letter(sample: bytes) -> str:
    """Read a record of the topic of dead letters: headers as lines, an empty line, the value."""
    head, _, value = sample.partition(b"\n\n")
    pairs = (line.partition(b": ")[::2] for line in head.split(b"\n"))
    headers = [(name.decode(errors="replace"), text) for name, text in pairs]
    record = SimpleNamespace(
        key=b"k", value=value or None, headers=headers, timestamp_ms=5, partition=0, offset=1
    )
    found = read_record(record)
    if isinstance(found, Opened):
        return f"letter {found.letter.reason[:20]} {found.letter.is_whole}"
    return f"word {found.what[:10]}" if isinstance(found, Word) else "neither"


LETTERS: Final = (
    b"a: b\n__connect.errors.topic: t\n__connect.errors.partition: 0\n__connect.errors.offset: 7\n"
    b"__connect.errors.stage: VALUE_CONVERTER\n__connect.errors.exception.class.name: bad_time\n"
    b"__connect.errors.exception.message: x\nwinback.record.timestamp: 1700000000000\n"
    b'winback.record.cut: key 5 B, value 7 B\n\n{"a":1}',
    b'winback.letter.word: 1\n\n{"letter":"t/0/7","what":"replayed","at":"2024-01-01T00:00:00Z",'
    b'"by":"ada","reason":"","to":["t/0/9"],"attempt":2}',
)


def _target(
    name: str, tongue: Tongue, seeds: Callable[[], Sequence[bytes]], call: Callable[[bytes], str],
    promise: str = REFUSED,
) -> Target:  # fmt: skip
    return Target(name, "own", tongue, seeds, lambda: call, promise)


TARGETS: Final = (
    _target("state", MSGPACK, lambda: _of_topic("users-changelog", is_user=True), _state, BROKEN),
    _target("changelog", MSGPACK, lambda: _of_topic("users-changelog", is_user=True),
            partial(_restored, b"ada"), ENDS),
    _target("partition-record", JSON, lambda: _of_topic("users-changelog", PARTITION_KEY),
            partial(_restored, PARTITION_KEY), ENDS),
    _target("stub", MSGPACK, lambda: [b"\x92\xa3ada\xcf\0\0\1\x8b\xcf\xe5h\0"],
            partial(_restored, b"\0stub/old"), ENDS),
    _target("erasure", JSON, lambda: [b"1700000000000 1800000000000", b"1700000000000"],
            partial(_restored, b"\0erased/abc"), ENDS),
    _target("identity", MSGPACK, lambda: _of_topic("identity"), _identity),
    _target("control", JSON, lambda: [CONTROL], _control),
    _target("lesson", MSGPACK, lambda: _of_topic("examples"), _lesson),
    _target("snapshot", JSON, lambda: [SERVING], partial(_snapshot, is_signed=True)),
    _target("snapshot-sealed", JSON, lambda: [seal(SERVING, (KEY,))], partial(_snapshot, is_signed=False)),
    _target("journal", JSON, lambda: _of_topic("journal"), _journal),
    _target("dead-letter", JSON, lambda: LETTERS, _letter),
)  # fmt: skip
