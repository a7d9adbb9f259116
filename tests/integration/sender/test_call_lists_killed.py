"""Kill -9 at any instant: a touch is on one call list, and no list is cut."""

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from tests.integration.sender.listing import FOREVER_MS, never, put, spans
from winback_sender.call_lists.columns import COLUMNS
from winback_sender.call_lists.folder import Folder
from winback_sender.call_lists.returned import ids_in
from winback_sender.call_lists.shelf import Shelf

ROUNDS = 12


def test_whenever_it_is_killed_every_touch_is_on_one_list(tmp_path: Path) -> None:
    """Staff take lists away meanwhile; the last touch may never have come to the shelf."""
    chance = random.Random(7)
    script = Path(__file__).with_name("listing.py")
    for _ in range(ROUNDS):
        child = subprocess.Popen([sys.executable, str(script), str(tmp_path)])
        deadline_s = time.monotonic() + 30
        had = _lines(tmp_path / "asked")
        while _lines(tmp_path / "asked") < had + 3 and time.monotonic() < deadline_s:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.15))
        child.kill()
        child.wait()
        for path in list((tmp_path / "lists").glob("calls-*.csv"))[::3]:
            path.replace(tmp_path / "lists" / "returned" / path.name)

    asked = (tmp_path / "asked").read_text().splitlines()
    shelf, lists = Shelf(tmp_path / "memory.sqlite"), Folder(tmp_path / "lists", "zh")
    for touch_id in asked:  # What was interrupted is put again, as after a fault of the disk.
        put(shelf, touch_id)
    shelf.publish(FOREVER_MS // 2, spans, lists.write, never)
    shelf.close()

    files = list((tmp_path / "lists").rglob("calls-*.csv"))
    seen = Counter(touch_id for path in files for touch_id in ids_in(path.read_bytes()))
    assert seen == dict.fromkeys(asked, 1)
    assert len(asked) >= 3 * ROUNDS
    assert len(files) >= ROUNDS
    for path in files:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        assert all(line.count(",") == len(COLUMNS) - 1 for line in lines)
        assert path.read_bytes().endswith(b"\r\n")


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0
