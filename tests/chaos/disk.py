"""A small disk of the broker's own, that can be filled to the last byte and emptied again.

A file system in a file, mounted through a loop device; where there are none, a tmpfs. Both need
root; where neither can be had, ``NoDiskError`` says so, and the fault is reported as not run.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

LEAST_BYTES: Final = 4_096
STEP_BYTES: Final = 64 << 20


class NoDiskError(Exception):
    """Neither a loop device nor a tmpfs can be mounted here."""


class Disk:
    """``with Disk(megabytes) as disk: ... disk.fill() ... disk.free()``.

    Attributes:
        path: Where it is mounted.
        kind: What it is: a file system on a loop device, or a tmpfs.
    """

    def __init__(self, megabytes: int) -> None:
        self.kind = ""
        self._megabytes = megabytes
        self._home = Path(tempfile.mkdtemp(prefix="winback-disk-"))
        self.path = self._home / "mounted"
        self._ballast = self.path / "ballast"

    def __enter__(self) -> Self:
        """Mount it.

        Raises:
            NoDiskError: It cannot be had.
        """
        self.path.mkdir()
        try:
            self.kind = self._mount()
        except BaseException:
            shutil.rmtree(self._home)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Unmount it, whoever still uses it, and remove it; its loop device goes with it."""
        _run("umount", "--lazy", str(self.path))
        shutil.rmtree(self._home, ignore_errors=True)

    def _mount(self) -> str:
        image = self._home / "image"
        with image.open("wb") as file:
            file.truncate(self._megabytes << 20)
        failures = []
        for told, *commands in (
            ("ext4 on a loop device", ("mkfs.ext4", "-q", "-m", "0", str(image)),
             ("mount", "-o", "loop", str(image), str(self.path))),
            ("tmpfs", ("mount", "-t", "tmpfs", "-o", f"size={self._megabytes}m", "tmpfs",
                       str(self.path))),
        ):  # fmt: skip
            failure = next((said for command in commands if (said := _run(*command))), "")
            if not failure:
                return told
            failures.append(f"{told}: {failure}")
        raise NoDiskError("; ".join(failures))

    def fill(self) -> None:
        """Leave no room at all."""
        size, step = 0, STEP_BYTES
        with self._ballast.open("ab") as file:
            while step >= LEAST_BYTES:
                try:
                    os.posix_fallocate(file.fileno(), size, step)
                    size += step
                except OSError:
                    step //= 2

    def free(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)


def _run(*command: str) -> str:
    """Run a command; return what is wrong, or nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return done.stderr.strip() or f"exit code {done.returncode}" if done.returncode else ""
