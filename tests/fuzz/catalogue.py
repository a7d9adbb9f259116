"""All targets, by name."""

from typing import Final

from tests.fuzz import files, own, records, schemas, sender
from tests.fuzz.engine import Target

TARGETS: Final[dict[str, Target]] = {
    target.name: target
    for room in (records, schemas, own, sender, files)
    for target in room.TARGETS
}
GROUPS: Final = tuple(dict.fromkeys(target.group for target in TARGETS.values()))
