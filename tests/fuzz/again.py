# ruff: noqa: T201 (it prints)
"""Give a target one sample again.

    python -m tests.fuzz.again TARGET 'SAMPLE' [--keep WHY]

The sample is written as in the corpus; with --keep it is added to it.
"""

import argparse
import sys

from tests.fuzz.catalogue import TARGETS
from tests.fuzz.corpus import keep, parsed
from tests.fuzz.engine import calls_of, given


def main() -> None:
    """Say what becomes of it; exit code 1 = it is a failure."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("target", choices=sorted(TARGETS))
    asked.add_argument("sample")
    asked.add_argument("--keep", default="", metavar="WHY")
    words = asked.parse_args()
    target, sample = TARGETS[words.target], parsed(words.sample)
    if words.keep:
        keep(target.name, sample, words.keep)
    calls = calls_of(target)
    failures = given(target, [sample], calls)
    print(failures[0] if failures else f"{target.name}: {calls[0](sample)}")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
