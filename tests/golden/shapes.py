"""``python -m tests.golden.shapes``: how every stored thing looks, as text, by kind and version.

The shape of a version that stands in a golden set is released: it is not written again. Who changes
one raises its number, writes the step that leads from the last one, and has the new shape written.
"""

import enum
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

import msgspec

from models.features import FEATURES, Rhythm
from models.newest import Part
from models.open_block import Block
from models.policy import Policy
from models.roster_records import Answers, Kept
from models.snapshot import FORMAT, Serving, Snapshot
from models.standing import Report
from streams.core.identity import FORWARDED, Message
from streams.core.journey_state import Profile
from streams.core.kinship import Stub
from streams.core.messages import JournalEntry, PartitionRecord
from streams.core.state import DIGEST_BYTES, RING_IDS, Column
from streams.core.versions import JOURNAL, ROUTER, STATE
from streams.orders import Orders
from streams.runtime.routed_record import LaneRecord
from winback_sender.engine import journal_file

SHAPES: Final = Path(__file__).parent / "shapes"
RELEASED: Final = {"state": 1, "router": 1, "journal": 1, "snapshot": 2, "sender": 0}
"""The newest number of each kind that a released version has written."""


def shapes() -> dict[str, tuple[int, str]]:
    """Return of each kind its present number and shape."""
    numbers = [f"head {place}: {each.name}" for place, each in enumerate((*Rhythm, *Column))]
    ring = f"ring: {RING_IDS} digests of {DIGEST_BYTES} B"
    frozen = [f"frozen {place}: {each.name}" for place, each in enumerate(FEATURES)]
    kept = [Profile, PartitionRecord, Stub, *get_args(Message), *FORWARDED.values()]
    state = [*numbers, ring, *frozen, *_described(*kept)]
    records = [Serving, Snapshot, Kept, Answers, Block, Part, Policy, Orders, Report]
    tables = [journal_file._TOUCHES, *journal_file._OTHERS]
    return {
        "state": (STATE, _text(state)),
        "router": (ROUTER, _text(_described(LaneRecord))),
        "journal": (JOURNAL, _text(_described(JournalEntry))),
        "snapshot": (FORMAT, _text(_described(*records))),
        "sender": (journal_file.VERSION, _text([" ".join(table.split()) for table in tables])),
    }


def path_of(kind: str, number: int) -> Path:
    return SHAPES / f"{kind}-{number}.txt"


def _text(lines: Any) -> str:
    return "".join(f"{line}\n" for line in lines)


def _described(*kinds: Any) -> Iterator[str]:
    """Yield structs with their fields, and behind them every type that a field holds, once."""
    waiting, seen = list(kinds), set()
    while waiting:
        kind = waiting.pop(0)
        if kind in seen:
            continue
        seen.add(kind)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            yield f"{kind.__name__}: {', '.join(f'{each.name}={each.value}' for each in kind)}"
        elif isinstance(kind, type) and (
            issubclass(kind, msgspec.Struct) or hasattr(kind, "_fields")
        ):
            tag = getattr(getattr(kind, "__struct_config__", None), "tag", None)
            yield f"{kind.__name__}{f' ({tag})' if tag else ''}"
            hints = get_type_hints(kind)
            for name in getattr(kind, "__struct_fields__", getattr(kind, "_fields", ())):
                yield f"  {name}: {_named(hints[name])}"
                waiting.append(hints[name])
        waiting += get_args(kind)


def _named(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind)


def main() -> int:
    """Write the present shape of every kind whose number is not released."""
    SHAPES.mkdir(exist_ok=True)
    for kind, (number, shape) in shapes().items():
        path = path_of(kind, number)
        if path.exists() and number <= RELEASED[kind] and path.read_text("utf-8") != shape:
            sys.stderr.write(
                f"{kind} {number} is released and looks otherwise now: raise its number, and write "
                "the step that leads there (docs/upgrade.md#changing-what-is-stored)\n"
            )
            return 2
        path.write_text(shape, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
