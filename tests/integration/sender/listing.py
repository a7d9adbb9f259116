"""A sender of call lists, to be killed: puts touches on lists and writes them, as fast as it can.

Usage: python listing.py FOLDER. It takes up the numbers where the file ``asked`` ends, and says
there of each what it is about to do.
"""

import sys
import time
from pathlib import Path

from winback_sender.call_lists.folder import Folder
from winback_sender.call_lists.shelf import Shelf

SPAN_MS = 20
FOREVER_MS = 10**15


def spans(at_ms: int) -> tuple[str, int]:
    """Return the list of an instant."""
    end_ms = (at_ms // SPAN_MS + 1) * SPAN_MS
    return f"calls-{end_ms}.csv", end_ms


def main() -> None:
    folder = Path(sys.argv[1])
    shelf, lists = Shelf(folder / "memory.sqlite"), Folder(folder / "lists", "zh")
    asked = folder / "asked"
    number = len(asked.read_text().splitlines()) if asked.exists() else 0
    with asked.open("a") as said:
        while True:
            said.write(f"t{number}\n")
            said.flush()
            put(shelf, f"t{number}")
            number += 1
            shelf.publish(time.time_ns() // 1_000_000, spans, lists.write, never)


def never(_touch_id: str) -> bool:
    """Say that nothing is taken back."""
    return False


def put(shelf: Shelf, touch_id: str) -> None:
    """Put a touch on the list of now."""
    now_ms = time.time_ns() // 1_000_000
    cells = [""] * 11 + [touch_id]
    shelf.put(touch_id, cells, (0, 0.0, touch_id), FOREVER_MS, now_ms, spans)


if __name__ == "__main__":
    main()
