"""A golden set: what a released version wrote, and what it must be understood as.

``given`` is what happened to a small deployment, in order, in two halves. ``written`` is what lay
on its topics after the first half, to the byte; ``sender.sql`` is its sender's journal.
``understood`` says what that means, and what the version did in the second half. To look at it:
``xzcat tests/golden/0.1.0/understood.json.xz``.
"""

import lzma
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

HERE: Final = Path(__file__).parent


class Given(msgspec.Struct, frozen=True, array_like=True):
    """One thing that happened to the deployment.

    Attributes:
        half: 1 or 2.
        topic: Where the record came from; ``$tick`` and ``$orders`` are no topics.
        partition: Of the topic.
        key: Of the record.
        value: Of the record; of ``$orders`` the orders as JSON.
        at_ms: Its timestamp, which is also the wall clock.
    """

    half: int
    topic: str
    partition: int
    key: str | None
    value: str
    at_ms: int


class Written(NamedTuple):
    """One record that the version wrote."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


class Understood(msgspec.Struct, kw_only=True):
    """What the bytes mean, as the version itself said it.

    Attributes:
        version: Which version wrote the set.
        commit: At which commit.
        rules_hash: `Rules.hash` of ``rules.yaml``.
        states: By user, every number by its column, and the profile.
        records: Of each partition, as JSON says it.
        learner: Champion, examples, episodes of the learner.
        router: Next offset and clock of the router's lane.
        journal: Entries of the sender's journal.
        touches: What went to the senders in the second half.
        decisions: What was decided in the second half.
        ends: By user, as `states`, after the second half.
    """

    version: str
    commit: str
    rules_hash: str
    states: dict[str, dict[str, Any]]
    records: list[dict[str, Any]]
    learner: dict[str, Any]
    router: dict[str, int]
    journal: list[list[Any]]
    touches: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    ends: dict[str, dict[str, Any]]


class Golden(NamedTuple):
    """One golden set."""

    path: Path
    rules: Path
    given: list[Given]
    written: list[Written]
    understood: Understood
    sender_sql: str


def versions() -> list[str]:
    """Return the versions of which there is a golden set, oldest first."""
    found = (path.parent.name for path in HERE.glob("*/understood.json.xz"))
    return sorted(found, key=lambda name: [int(part) for part in name.split(".")])


def read(version: str) -> Golden:
    path = HERE / version
    return Golden(
        path,
        path / "rules.yaml",
        [
            msgspec.json.decode(line, type=Given)
            for line in _packed(path, "given.jsonl").splitlines()
        ],
        [_written(line) for line in _packed(path, "written.jsonl").splitlines()],
        msgspec.json.decode(_packed(path, "understood.json"), type=Understood),
        (path / "sender.sql").read_text(encoding="utf-8"),
    )


def write(golden: Golden) -> None:
    given = b"".join(msgspec.json.encode(each) + b"\n" for each in golden.given)
    written = b"".join(_line(record) + b"\n" for record in golden.written)
    plain = msgspec.to_builtins(golden.understood, str_keys=True)
    understood = msgspec.json.format(msgspec.json.encode(plain, order="sorted"), indent=1)
    parts = {"given.jsonl": given, "written.jsonl": written, "understood.json": understood}
    for name, data in parts.items():
        (golden.path / f"{name}.xz").write_bytes(lzma.compress(data))
    (golden.path / "sender.sql").write_text(golden.sender_sql, encoding="utf-8")


def _packed(path: Path, name: str) -> bytes:
    return lzma.decompress((path / f"{name}.xz").read_bytes())


def _line(record: Written) -> bytes:
    headers = [[name, value.decode()] for name, value in record.headers]
    return msgspec.json.encode(
        [record.topic, record.partition, _text(record.key), _text(record.value), headers]
    )


def _written(line: bytes) -> Written:
    topic, partition, key, value, headers = msgspec.json.decode(line)
    return Written(
        topic, partition, _bytes(key), _bytes(value) or b"",
        [(name, text.encode()) for name, text in headers],
    )  # fmt: skip


def _text(data: bytes | None) -> str | None:
    """Return bytes as they are where people can read them, else base64 behind a colon."""
    if data is None:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return ":" + b64encode(data).decode()
    return ":" + b64encode(data).decode() if text.startswith(":") else text


def _bytes(text: str | None) -> bytes | None:
    if text is None:
        return None
    return b64decode(text[1:]) if text.startswith(":") else text.encode()
