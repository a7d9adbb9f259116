"""A finding of the doctor: what is the matter, where, why it matters, and what to do."""

from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec


class Level(StrEnum):
    """How bad it is."""

    WRONG = "wrong"
    NOTE = "note"


class Finding(msgspec.Struct, frozen=True):
    """Something to know.

    Attributes:
        level: Whether it has to be mended.
        what: Is the matter.
        where: Topic, partition, role.
        next: What to do.
        why: It matters.
    """

    level: Level
    what: str
    where: str
    next: str
    why: str = ""


def because(why: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings that do not say themselves why they matter, with the reason that all share."""
    for finding in findings:
        yield finding if finding.why else msgspec.structs.replace(finding, why=why)
