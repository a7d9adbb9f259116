"""The same logic on Quix Streams 3: a StreamingDataFrame with state in RocksDB and a changelog.

    WINBACK_... python -m benchmarks.peers.quix_streams [--singly] [--prompt] DIRECTORY

In its own idiom: ``sdf.apply(function, stateful=True)``, ``state.get`` and ``set``, ``to_topic``.
What was chosen, and why:

- A deserializer gives all keys of a topic one value, so that a partition's state is one namespace:
  Quix prefixes states with the key of the message, and the core works on a partition. ``group_by``
  would do the same by way of another topic: each event written and read once more.
- The core stays in memory, made from the state when somebody else wrote there last (a rebalance, a
  restart). Quix cannot list keys, so the names of users are kept in blocks of their own.
- Batches: an event is put into the state, and every ``BATCH`` of them are taken out and applied at
  once. Places are used again, so a checkpoint writes at most a batch of waiting events. Quix calls
  its functions with one event at a time; ``--singly`` is what its guide shows, the core called for
  each event, and costs twenty times as much. Its count windows with ``collect`` do the same as our
  places and write each event to the store and to the changelog.
- ``commit_interval`` 5 s and at-least-once, both its defaults: fewer and larger checkpoints, no
  transactions. winback commits every 0.1 s, in transactions; ``--prompt`` does that too.

What it guarantees: checkpoint = outputs and changelog flushed, then offsets committed; after a
crash up to 5 s of outputs are sent again (``exactly-once`` would prevent it, at more cost). A batch
waits until it is full, or a watermark comes: without more events it waits for ever. Timers fire
when a record moves event time, as the core has it.
"""

import sys
from pathlib import Path
from typing import Any, Final

import msgspec
from quixstreams import Application, State, message_context
from quixstreams.models import BytesSerializer, Deserializer, Serializer

from benchmarks.peers.desk import Desk, Record
from streams.core.partition import Partition
from streams.core.partition_record import PARTITION_KEY

BATCH: Final = 4_000
NAMES: Final = 1_000
"""Users in a block of names."""
ONE_KEY: Final = b"partition"
WATERMARK: Final = b'"$watermark"'
"""Says that nothing older follows, at the end of a log: whatever waits is applied."""


class OneKey(Deserializer):  # type: ignore[misc] # Quix is not among our own libraries
    """Gives every message the same key; the user's stands in the event."""

    def __call__(self, value: bytes, ctx: Any) -> bytes:  # noqa: ARG002 (Quix's signature)
        return ONE_KEY


class Payload(Serializer):  # type: ignore[misc] # as above
    """Writes the value of a record."""

    def __call__(self, value: Record, ctx: Any) -> bytes:  # noqa: ARG002 (Quix's signature)
        return value.value


class User(msgspec.Struct):
    """What of an event its key was."""

    user_id: str


class Waiting(msgspec.Struct, array_like=True):
    """An event in its place: its number, when it arrived, and as it came."""

    number: int
    at_ms: int
    value: bytes


KEY_OF: Final = msgspec.json.Decoder(User).decode
PACK: Final = msgspec.msgpack.Encoder().encode
UNPACK: Final = msgspec.msgpack.Decoder(Waiting).decode


class Room:
    """A partition: its core in memory, its states and waiting events in Quix's state."""

    def __init__(self, desk: Desk, number: int, state: State, batch: int) -> None:
        self._desk, self._batch = desk, batch
        self._names: list[str] = []
        content: dict[bytes, bytes] = {}
        while block := state.get_bytes(f"\0names{len(self._names) // NAMES}"):
            self._names += msgspec.json.decode(block, type=list[str])
            content |= {name.encode(): state.get_bytes(name) for name in self._names[-NAMES:]}
            if len(self._names) % NAMES:
                break
        record = state.get_bytes("\0partition")
        if record is not None:
            content[PARTITION_KEY] = record
        self._written = record
        self._known = set(self._names)
        self._core: Partition = desk.core(number, content)
        self._done = int(state.get_bytes("\0done") or b"0")
        self._waiting: list[Waiting] = self._restore(state)

    def _restore(self, state: State) -> list[Waiting]:
        places = (state.get_bytes(f"\0place{place}") for place in range(self._batch))
        found = (UNPACK(place) for place in places if place is not None)
        return sorted(
            (waiting for waiting in found if waiting.number >= self._done),
            key=lambda waiting: waiting.number,
        )

    def is_current(self, state: State) -> bool:
        """Whether nobody else has written since."""
        return state.get_bytes("\0partition") == self._written

    def add(self, value: bytes, at_ms: int, state: State) -> list[Record]:
        """Take an event; return what is to be sent."""
        number = self._done + len(self._waiting)
        waiting = Waiting(number, at_ms, value)
        self._waiting.append(waiting)
        if len(self._waiting) < self._batch and WATERMARK not in value:
            state.set_bytes(f"\0place{number % self._batch}", PACK(waiting))
            return []
        return self._apply(state)

    def _apply(self, state: State) -> list[Record]:
        taken, self._waiting = self._waiting, []
        values = [waiting.value for waiting in taken]
        keys = [KEY_OF(value).user_id.encode() for value in values]
        states, records = self._desk.work(
            self._core, keys, values, [waiting.at_ms for waiting in taken]
        )
        for key, value in states:
            if key == PARTITION_KEY:
                self._written = value
                state.set_bytes("\0partition", value)
            elif value is None:
                state.delete(key.decode())
            else:
                state.set_bytes(key.decode(), value)
        self._name({key.decode() for key, _ in states if not key.startswith(b"\0")}, state)
        self._done += len(taken)
        state.set_bytes("\0done", b"%d" % self._done)
        return records

    def _name(self, users: set[str], state: State) -> None:
        """Note users that are new."""
        new = sorted(users - self._known)
        if not new:
            return
        first = len(self._names) // NAMES
        self._names += new
        self._known |= users
        for block in range(first, (len(self._names) - 1) // NAMES + 1):
            part = self._names[block * NAMES : (block + 1) * NAMES]
            state.set_bytes(f"\0names{block}", msgspec.json.encode(part))


class Rooms:
    """The partitions of a worker; what a StreamingDataFrame calls."""

    def __init__(self, desk: Desk, batch: int) -> None:
        self._desk, self._batch = desk, batch
        self._rooms: dict[int, Room] = {}

    def follow(
        self, value: bytes, _key: Any, at_ms: int, _headers: Any, state: State
    ) -> list[Record]:
        """Take one event."""
        number = message_context().partition
        room = self._rooms.get(number)
        if room is None or not room.is_current(state):
            room = self._rooms[number] = Room(self._desk, number, state, self._batch)
        return room.add(value, at_ms, state)


def application(directory: Path, batch: int, *, is_prompt: bool) -> Application:
    """Return the application, its dataframe built."""
    promise = {"commit_interval": 0.1, "processing_guarantee": "exactly-once"} if is_prompt else {}
    desk = Desk()
    settings = desk.settings
    app = Application(
        broker_address=settings.kafka_bootstrap, consumer_group=settings.app_id,
        auto_offset_reset="earliest", state_dir=directory / "state", loglevel="WARNING",
        **promise,
    )  # fmt: skip
    source = app.topic(
        settings.topic_activity, key_deserializer=OneKey(), value_deserializer="bytes"
    )
    rooms = Rooms(desk, batch)
    records = app.dataframe(source).apply(rooms.follow, stateful=True, expand=True, metadata=True)
    for name in desk.topics:
        topic = app.topic(name, key_serializer=BytesSerializer(), value_serializer=Payload())
        mine = records.filter(lambda record, name=name: record.topic == name)
        mine = mine.set_headers(lambda record, *_: record.headers)
        mine.to_topic(topic, key=lambda record: record.key)
    return app


def main() -> None:
    """Run until told to stop."""
    batch = 1 if "--singly" in sys.argv else BATCH
    application(Path(sys.argv[-1]), batch, is_prompt="--prompt" in sys.argv).run()


if __name__ == "__main__":
    main()
