"""The disk of a host: files outlive the processes that write them, but not always as they were."""

import io
from collections.abc import Callable
from random import Random
from typing import Any, BinaryIO, Final, NamedTuple

from streams.runtime.state_folder import Draft

TROUBLES: Final = (
    "killed", "killed", "stuck", "stuck", "torn", "flipped", "flipped", "former", "oldest",
    "oldest", "full",
)  # fmt: skip


class DiskTrouble(NamedTuple):
    """Something happens to a disk.

    Attributes:
        at_s: When.
        what: The disk is full for a while, or a worker is killed and reads its files when it
            starts: just so, after a while in which its next commit did not come to an end, when
            the end of a file is lost, when a byte is another, when a file is what it was before
            (somebody has put a copy back), or when it is the oldest that there was and the
            changelog was compacted.
        worker: Whose disk.
        amount: Seconds.
    """

    at_s: float
    what: str
    worker: int
    amount: float


def troubles_of(random: Random, workers: int, seconds: float) -> list[DiskTrouble]:
    """Return what happens to disks, in order of time."""
    count = random.choice((1, 2, 4, 6))
    return sorted(
        DiskTrouble(
            random.uniform(0.5, seconds), random.choice(TROUBLES), random.randrange(workers),
            random.uniform(0.5, 4.0),
        )
        for _ in range(count)
    )  # fmt: skip


class Disk:
    """Stands for `DiskFolder`.

    Args:
        random: Of chance.

    Attributes:
        is_full: Nothing can be written.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self.is_full = False
        self._files: dict[str, bytes] = {}
        self._former: dict[str, list[bytes]] = {}

    def names(self) -> list[str]:
        """Return the names of the files."""
        return sorted(self._files)

    def read(self, name: str) -> BinaryIO:
        """Open a file."""
        if name not in self._files:
            raise FileNotFoundError(name)
        return io.BytesIO(self._files[name])

    def draft(self, name: str) -> Draft:
        """Begin a file."""
        return _Draft(self, name)

    def put(self, name: str, data: bytes) -> None:
        """Put a whole file in the place of another."""
        self.demand_room()
        if name in self._files:
            self._former.setdefault(name, []).append(self._files[name])
        self._files[name] = data

    def demand_room(self) -> None:
        """Refuse when the disk is full."""
        if self.is_full:
            raise OSError(28, "No space left on device")

    def make_room(self) -> None:
        """Let things be written again."""
        self.is_full = False

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""
        self._files.pop(name, None)

    def clear(self) -> None:
        """Nobody sees here what is not finished."""

    def suffer(self, what: str) -> None:
        """Let something happen to a file, if there is one."""
        if not self._files:
            return
        random, name = self._random, self._random.choice(sorted(self._files))
        data = self._files[name]
        at = random.randrange(len(data))
        if what == "torn":
            self._files[name] = data[:at]
        elif what == "flipped":
            self._files[name] = (
                data[:at] + bytes([data[at] ^ random.randint(1, 255)]) + data[at + 1 :]
            )
        elif former := self._former.get(name):
            self._files[name] = former[0] if what == "oldest" else random.choice(former)


class _Draft:
    def __init__(self, disk: Disk, name: str) -> None:
        self._disk, self._name = disk, name
        self._data = bytearray()

    def write(self, data: bytes) -> None:
        """Append."""
        self._disk.demand_room()
        self._data += data

    def finish(self) -> None:
        """Put it in the place of the file of that name."""
        self._disk.put(self._name, bytes(self._data))

    def drop(self) -> None:
        """Nobody sees it."""


def runner(random: Random, sleep: Callable[[float], Any]) -> Callable[..., Any]:
    """Return what stands for `asyncio.to_thread`: it takes a while, in which one may die."""

    async def run(do: Callable[..., Any], *given: Any) -> Any:
        await sleep(random.choice((0.0, 0.0, 0.001, 0.03)))
        return do(*given)

    return run
