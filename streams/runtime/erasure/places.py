"""Where something of a person was found, and when it will be gone."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec

from streams.core.time import iso

FOR_EVER: Final = "not by itself"
UNSEEN: Final = "unseen"
"""Kind of a topic that is not there, or that we may not see: it was not looked through."""


class Place(msgspec.Struct, kw_only=True):
    """A topic, a file or a table.

    Attributes:
        kind: ``topic``, ``segment``, ``table``, ``file`` or `UNSEEN`.
        name: Of it.
        owner: ``winback`` or ``company``.
        searched: Bytes that were looked through.
        records: Records, rows or files in which something was found.
        found: Traces by encoding.
        oldest_at: When the oldest of them was written, ISO 8601; empty = it is not known.
        newest_at: When the newest was.
        gone_by: When all of them will be gone at the latest, if nothing new comes.
        note: What is to be done, or why it is so.
    """

    kind: str
    name: str
    owner: str = "winback"
    searched: int = 0
    records: int = 0
    found: dict[str, int] = {}
    oldest_at: str = ""
    newest_at: str = ""
    gone_by: str = ""
    note: str = ""

    @property
    def traces(self) -> int:
        """How many traces there are."""
        return sum(self.found.values())


class Tally:
    """Counts what is found at a place."""

    def __init__(self) -> None:
        self.searched = self.records = 0
        self.found: Counter[str] = Counter()
        self._at_ms: list[int] = []
        self._gone_ms: int | None = 0

    def see(self, size: int) -> None:
        """Count what was looked through."""
        self.searched += size

    def note(
        self, found: Mapping[str, int], at_ms: int | None = None, gone_ms: int | None = 0
    ) -> None:
        """Count a record in which something stands.

        Args:
            found: Traces by encoding.
            at_ms: When it was written, epoch ms UTC; None = it is not known.
            gone_ms: When it will be gone, epoch ms UTC; None = never.
        """
        self.records += 1
        self.found.update(found)
        if at_ms is not None:
            self._at_ms.append(at_ms)
        if gone_ms is None or self._gone_ms is None:
            self._gone_ms = None
        else:
            self._gone_ms = max(self._gone_ms, gone_ms)

    def place(self, kind: str, name: str, *, owner: str = "winback", note: str = "") -> Place:
        """Return what was found, all in all."""
        times = self._at_ms
        gone = FOR_EVER if self._gone_ms is None else iso(self._gone_ms) if self._gone_ms else ""
        return Place(
            kind=kind, name=name, owner=owner, searched=self.searched, records=self.records,
            found=dict(self.found), oldest_at=iso(min(times)) if times else "",
            newest_at=iso(max(times)) if times else "", gone_by=gone if self.records else "",
            note=note if self.records else "",
        )  # fmt: skip
