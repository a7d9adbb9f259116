"""Compiling the kernel: one shared library of plain C, without Python's headers.

    python streams/kernel/build.py

Any C compiler will do; where there is none, that of the package ``ziglang``, if it is installed.
Where that is missing, too, nothing is built and nothing fails: Python does the same work.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOM: Final = Path(__file__).parent
SOURCES: Final = ("fold.c", "read.c", "xxh3.h")
LIBRARY: Final = ROOM / "_kernel.so"
FLAGS: Final = (
    "-std=c11", "-O2", "-shared", "-fPIC", "-fvisibility=hidden",
    "-ffp-contract=off",  # a sum that is rounded once where Python rounds twice is another sum
)  # fmt: skip
OLDEST_GLIBC: Final = "2.28"  # That of numpy's own wheels.


def fingerprint() -> str:
    """Return what names the sources that lie here; a library tells which it was made of."""
    texts = b"\0".join((ROOM / name).read_bytes() for name in SOURCES)
    return hashlib.sha256(texts).hexdigest()[:16]


def compilers() -> Iterator[list[str]]:
    """Yield the commands that may compile, the first choice first."""
    named = os.environ.get("CC")
    if named:
        yield named.split()
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            yield [name]
    if find_spec("ziglang"):
        zig = [sys.executable, "-m", "ziglang", "cc"]
        is_glibc = platform.system() == "Linux" and platform.libc_ver()[0] == "glibc"
        target = f"{platform.machine()}-linux-gnu.{OLDEST_GLIBC}"
        yield [*zig, "-target", target] if is_glibc else zig


def build() -> str:
    """Compile the kernel; return an empty text, or why there is none."""
    why = "no C compiler was found"
    for compiler in compilers():
        with tempfile.TemporaryDirectory(dir=ROOM) as room:
            made = Path(room) / LIBRARY.name
            command = [*compiler, *FLAGS, f'-DSOURCE="{fingerprint()}"', "-o", str(made)]
            command += [str(ROOM / name) for name in SOURCES if name.endswith(".c")] + ["-lm"]
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # the compiler that is installed
            except OSError as error:
                why = f"{compiler[0]}: {error}"
                continue
            if done.returncode == 0:
                made.replace(LIBRARY)  # At once: somebody may be loading the one before.
                return ""
            why = f"{compiler[0]}: {done.stderr.strip()[-400:]}"
    LIBRARY.unlink(missing_ok=True)
    return why


if __name__ == "__main__":
    failed = build()
    print(f"no native kernel, Python does its work: {failed}" if failed else f"{LIBRARY} is built")  # noqa: T201  # a script tells
