"""Compiling the kernels: a shared library of plain C in each room, without Python's headers.

    python -m streams.kernel.build

Any C compiler will do; where there is none, that of the package ``ziglang``, if it is installed.
Where that is missing, too, nothing is built and nothing fails: Python does the same work.
"""

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

from models.kernel.loading import LIBRARY, fingerprint, sources

ROOM: Final = Path(__file__).parent
ROOMS: Final = (ROOM, ROOM.parents[1] / "models" / "kernel")
FLAGS: Final = (
    "-std=c11", "-O3", "-shared", "-fPIC", "-fvisibility=hidden",
    "-ffp-contract=off",  # a sum that is rounded once where Python rounds twice is another sum
    "-fno-math-errno", "-fno-builtin-pow",  # a root is an instruction; a square is what `**` gives
)  # fmt: skip
OLDEST_GLIBC: Final = "2.28"  # That of numpy's own wheels.


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


def build(room: Path) -> str:
    """Compile the kernel of a room; return an empty text, or why there is none."""
    why, library = "no C compiler was found", room / LIBRARY
    for compiler in compilers():
        with tempfile.TemporaryDirectory(dir=room) as folder:
            made = Path(folder) / LIBRARY
            command = [*compiler, *FLAGS, f'-DSOURCE="{fingerprint(room)}"', "-o", str(made)]
            command += [str(path) for path in sources(room) if path.suffix == ".c"] + ["-lm"]
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # the compiler that is installed
            except OSError as error:
                why = f"{compiler[0]}: {error}"
                continue
            if done.returncode == 0:
                made.replace(library)  # At once: somebody may be loading the one before.
                return ""
            why = f"{compiler[0]}: {done.stderr.strip()[-400:]}"
    library.unlink(missing_ok=True)
    return why


if __name__ == "__main__":
    for each in ROOMS:
        failed = build(each)
        print(f"{each.parent.name}: no kernel, Python does its work: {failed}" if failed  # noqa: T201  # a script tells
              else f"{each / LIBRARY} is built")  # fmt: skip
