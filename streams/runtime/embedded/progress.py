"""Show people that the jars are coming: the first start takes half a minute."""

import sys
from typing import Final

_STEP: Final = 10


def show_progress(done: int, wanted: int, name: str) -> None:
    """Write to the standard error: one line that moves on a terminal, few lines elsewhere."""
    if sys.stderr.isatty():
        end = "\n" if done == wanted else ""
        sys.stderr.write(f"\r\033[Kfetching Kafka, once: {done}/{wanted} {name}{end}")
    elif done % _STEP == 0 or done == wanted:
        sys.stderr.write(f"fetching Kafka, once: {done}/{wanted} jars\n")
    sys.stderr.flush()
