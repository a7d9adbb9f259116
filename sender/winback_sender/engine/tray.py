"""A tray: the touches of one partition that wait, in the order of their users.

Touches of one user leave in the order in which they were asked for; one that must wait holds back
the later ones of its user, and nobody else's. What is kept is bounded: beyond that a tray only
notes from where on it must read again.
"""

import heapq
from collections import defaultdict, deque
from typing import Final

import msgspec

from winback_sender.contract.instants import instant_ms
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Why

NEVER_MS: Final = 1 << 62
OVERHEAD_BYTES: Final = 1_000
"""What a waiting touch costs besides its record."""

_DECODER: Final = msgspec.json.Decoder(TouchRequested)


class Waiting:
    """A touch on a tray; it is kept as its bytes, a tenth of what it is in full.

    Attributes:
        partition: Where it stands in the topic.
        offset: Where it stands there.
        touch_id: Which touch.
        user_id: Whose.
        lane: Name of the adapter that carries it.
        not_before_ms: Instant in epoch ms UTC, as are the next two.
        expires_ms: From then on it is not sent.
        due_ms: When it is looked at next.
        held_by: Why it has not left, for its end; one of `words.Why`, or a provider's code.
        attempts: How often the provider surely did not take it.
        is_under_way: Begun, and its receipt is not on disk.
        is_revoked: Taken back; couriers look at it last.
        stamp_ms: When Kafka got it.
    """

    __slots__ = (
        "_value", "attempts", "due_ms", "expires_ms", "held_by", "is_revoked", "is_under_way",
        "lane", "not_before_ms", "offset", "partition", "stamp_ms", "touch_id", "user_id",
    )  # fmt: skip

    def __init__(
        self,
        touch: TouchRequested,
        value: bytes,
        lane: str,
        *,
        partition: int,
        offset: int,
        stamp_ms: int,
    ) -> None:
        self._value = value
        self.partition, self.offset = partition, offset
        self.stamp_ms = stamp_ms
        self.touch_id, self.user_id, self.lane = touch.touch_id, touch.user_id, lane
        self.not_before_ms = instant_ms(touch.not_before)
        self.expires_ms = instant_ms(touch.expires_at)
        self.due_ms = self.not_before_ms
        self.held_by: str = Why.EXPIRED
        self.attempts = 0
        self.is_under_way = False
        self.is_revoked = False

    def touch(self) -> TouchRequested:
        """Return it in full."""
        return _DECODER.decode(self._value)

    @property
    def size(self) -> int:
        """What it takes, bytes."""
        return len(self._value) + OVERHEAD_BYTES


class Tray:
    """One partition.

    Args:
        partition: Its number.
        position: The first offset that comes.

    Attributes:
        is_open: Whether touches may be begun: what was in the topic when it was assigned was read.
        is_closing: It goes to another sender.
        bytes: Kept.
        dropped_from: The first offset that found no room; None = there was room for all.
        under_way: Touches that are begun.
    """

    def __init__(self, partition: int, position: int) -> None:
        self.partition = partition
        self.is_open = False
        self.is_closing = False
        self.bytes = 0
        self.dropped_from: int | None = None
        self.under_way = 0
        self._read = position
        self._users: dict[str, deque[Waiting]] = {}
        self._by_id: dict[str, Waiting] = {}
        self._heaps: defaultdict[str, list[tuple[int, int, str]]] = defaultdict(list)
        self._expiries: list[tuple[int, int, str]] = []
        self._revoked: list[Waiting] = []
        self._unfinished: deque[int] = deque()
        self._finished: set[int] = set()

    def __len__(self) -> int:
        return len(self._by_id)

    def expects(self, offset: int) -> bool:
        """Return whether a record is new; one that was read twice is not."""
        return offset >= self._read

    def saw(self, offset: int) -> None:
        """Note that a record was read."""
        self._read = offset + 1

    def put(self, waiting: Waiting, *, bytes_max: int) -> bool:
        """Keep a touch; return False if there is no room."""
        if self.dropped_from is not None or self.bytes + waiting.size > bytes_max:
            if self.dropped_from is None:
                self.dropped_from = waiting.offset
            return False
        self.bytes += waiting.size
        self._unfinished.append(waiting.offset)
        self._by_id[waiting.touch_id] = waiting
        heapq.heappush(self._expiries, (waiting.expires_ms, waiting.offset, waiting.touch_id))
        line = self._users.setdefault(waiting.user_id, deque())
        line.append(waiting)
        if len(line) == 1:
            self.hold(waiting, waiting.due_ms)
        return True

    def rewind(self) -> None:
        """Read again what found no room."""
        assert self.dropped_from is not None
        self._read, self.dropped_from = self.dropped_from, None
        self.is_open = False

    def owe(self, offset: int) -> None:
        """Note that the record at an offset is no touch that waits, and not done either."""
        self._unfinished.append(offset)

    def revoke(self, touch_id: str) -> None:
        """End a touch that was taken back, if it has not left."""
        waiting = self._by_id.get(touch_id)
        if waiting is None:
            return
        waiting.is_revoked = True
        waiting.held_by = Why.REVOKED
        if not waiting.is_under_way:
            self._revoked.append(waiting)

    def ending(self, now_ms: int) -> list[Waiting]:
        """Take touches that will not leave: taken back, or expired while they waited.

        They are under way until they are released.
        """
        found = [waiting for waiting in self._revoked if self._waits(waiting)]
        self._revoked.clear()
        while self._expiries and self._expiries[0][0] <= now_ms:
            _, offset, touch_id = heapq.heappop(self._expiries)
            waiting = self._by_id.get(touch_id)
            if waiting is not None and waiting.offset == offset and self._waits(waiting):
                found.append(waiting)
        return [self._start(waiting) for waiting in dict.fromkeys(found)]

    def next_due_ms(self, lane: str) -> int:
        """Return when the next touch of a lane is to be looked at, epoch ms UTC."""
        heap = self._heaps.get(lane)
        while heap:
            due_ms, offset, user_id = heap[0]
            line = self._users.get(user_id)
            head = line[0] if line else None
            if head and not head.is_under_way and (head.due_ms, head.offset) == (due_ms, offset):
                return due_ms
            heapq.heappop(heap)  # It has moved, or is gone.
        return NEVER_MS

    def next_expiry_ms(self) -> int:
        """Return when the next touch may expire, epoch ms UTC."""
        return self._expiries[0][0] if self._expiries else NEVER_MS

    def pop(self, lane: str) -> Waiting:
        """Take the touch that `next_due_ms` has just shown: under way until held or released."""
        return self._start(self._users[heapq.heappop(self._heaps[lane])[2]][0])

    def hold(self, waiting: Waiting, until_ms: int) -> None:
        """Look at a touch again at an instant, epoch ms UTC."""
        if waiting.is_under_way:
            waiting.is_under_way = False
            self.under_way -= 1
        waiting.due_ms = until_ms
        heapq.heappush(self._heaps[waiting.lane], (until_ms, waiting.offset, waiting.user_id))

    def release(self, waiting: Waiting) -> None:
        """Take a touch off the tray whose end is on disk; the next one of its user may go."""
        if waiting.is_under_way:
            waiting.is_under_way = False
            self.under_way -= 1
        self.bytes -= waiting.size
        if self._by_id.get(waiting.touch_id) is waiting:
            del self._by_id[waiting.touch_id]
        line = self._users[waiting.user_id]
        was_first = line[0] is waiting
        line.remove(waiting)
        if not line:
            del self._users[waiting.user_id]
        elif was_first:
            self.hold(line[0], line[0].due_ms)

    def finish(self, offset: int) -> None:
        """Note that Kafka knows the end of the touch at an offset."""
        self._finished.add(offset)
        while self._unfinished and self._unfinished[0] in self._finished:
            self._finished.remove(self._unfinished.popleft())

    def _start(self, waiting: Waiting) -> Waiting:
        waiting.is_under_way = True
        self.under_way += 1
        return waiting

    def _waits(self, waiting: Waiting) -> bool:
        return not waiting.is_under_way and self._by_id.get(waiting.touch_id) is waiting

    @property
    def done(self) -> int:
        """The offset below which nothing is left to do."""
        if self._unfinished:
            return self._unfinished[0]
        return self._read if self.dropped_from is None else self.dropped_from
