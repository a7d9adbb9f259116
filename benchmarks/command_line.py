"""How long ``winback --help`` takes: python -m benchmarks.command_line."""

from __future__ import annotations

import statistics
import subprocess
import time
from typing import Final

from benchmarks import figures
from benchmarks.stand import WINBACK

TRIES: Final = 9


def main() -> None:
    """Measure and record."""
    seconds = []
    for _ in range(TRIES):
        began = time.perf_counter()
        subprocess.run([WINBACK, "--help"], capture_output=True, check=True)
        seconds.append(time.perf_counter() - began)
    figures.show([figures.record("help_s", statistics.median(seconds), note=f"median of {TRIES}")])


if __name__ == "__main__":
    main()
