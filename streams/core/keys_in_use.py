"""Which keys the state of a partition was made with, and until when each of them is needed.

A state whose keys are lost would forget whom it has promised to forget, and give open cases other
names. So the partition's record names its keys, and a state without them is not taken over.
"""

from collections.abc import Iterable
from typing import Final

from streams.core.ids import Ids, key_id
from streams.core.time import iso

KEYS_MAX: Final = 32
"""Former keys that a partition is asked to remember: a new one a month, for as long as erasures."""


class KeysInUse:
    """The keys that a partition needs.

    Args:
        ids: Make the ids of the deployment.
    """

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._names = {key: key_id(key) for key in ids.keys}
        self._until_ms: dict[str, int] = {}

    def need(self, at_ms: int, until_ms: int) -> None:
        """Take note that what is written at an instant has to be found until another one."""
        name = self._names[self._ids.key_at(at_ms)]
        self._until_ms[name] = max(self._until_ms.get(name, 0), until_ms)

    def load(self, keys: Iterable[tuple[str, int]]) -> None:
        """Take over what a record says."""
        self._until_ms = dict(keys)

    def missing(self, watermark_ms: int) -> str:
        """Return in words which key is needed and not there; empty: none."""
        known = set(self._names.values())
        for name, until_ms in self._until_ms.items():
            if until_ms > watermark_ms and name not in known:
                return (
                    f"id key {name}, which is needed until {iso(until_ms)}; "
                    f"there is {', '.join(self._names.values())}"
                )
        return ""

    def record(self, watermark_ms: int, span_ms: int) -> tuple[tuple[str, int], ...]:
        """Return the keys that are needed, and until when.

        Args:
            watermark_ms: Event time that was reached: what is made now is made with its key.
            span_ms: So long cases are open and questions unanswered.
        """
        self.need(watermark_ms, watermark_ms + span_ms)
        needed = [(name, at) for name, at in self._until_ms.items() if at > watermark_ms]
        self._until_ms = dict(needed[-KEYS_MAX:])
        return tuple(self._until_ms.items())
