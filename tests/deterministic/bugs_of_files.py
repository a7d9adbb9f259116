"""Bugs that are planted in state files: as those of `bugs`, worlds have to find each."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final
from unittest.mock import patch

import msgspec

from streams.core import restoring
from streams.runtime import recovery, state_format
from streams.runtime.lane import Lane
from streams.runtime.recovery import Read
from streams.runtime.state_files import StateFiles
from tests.deterministic.planting import both, of


async def _at_once(self: Lane, look: Callable[[Any], Any]) -> tuple[Any, int] | None:
    return (look(self.engine), self.durable_to) if self._is_working else None


def _head_of_later(self: StateFiles, *given: Any) -> state_format.Head:
    head = _HEAD(self, *given)
    return msgspec.structs.replace(head, offset=head.offset + 6)


_HEAD: Final = StateFiles._head


async def _read_on_without_changes(*args: Any, **given: Any) -> Read:
    read = await recovery.read_on(*args, **given)
    starts = args[2]
    return read._replace(
        contents={
            number: {} if starts[number] is not None else content
            for number, content in read.contents.items()
        }
    )


def _no_crc() -> AbstractContextManager[object]:
    class Careless:
        """Never finds anything wrong."""

        @staticmethod
        def crc32(_data: object) -> int:
            return 0

    return patch.object(state_format, "zlib", Careless)


BUGS: Final = {
    "file_of_what_is_not_durable": of(Lane, "durable", _at_once),
    "file_that_ends_before_its_offset": of(StateFiles, "_head", _head_of_later),
    "file_without_what_came_later": of(
        "streams.runtime.restore", "read_on", _read_on_without_changes
    ),
    "file_older_than_tombstones": both(
        of(StateFiles, "_outdated", lambda *_: ""),
        of(StateFiles, "_tidy", lambda _: None),
        of(restoring, "_demand_all", lambda *_: None),
    ),
    "file_whose_bytes_are_not_checked": _no_crc,
}
"""Name to what plants it."""
