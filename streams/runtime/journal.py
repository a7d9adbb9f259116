"""The journal of a lane: which inputs a commit took, in which order, and what came between them."""

from typing import Final

from streams.core.messages import JournalEntry
from streams.core.partition import Partition
from winback_sender.contract.messages import Output, to_json

TICK: Final = "$tick"
PRESENT: Final = "$present"
IDLE: Final = "$idle "
AWAKE: Final = "$awake "
MODEL: Final = "$model "
RULES: Final = "$rules "
POLICY: Final = "$policy "
CONTROL: Final = "$control "
"""Begin of what stands in the journal between inputs; no topic's name begins like that."""
CARRIED: Final = "$carried_over "
"""Likewise; behind it stands the hash of the former rules."""
PAST: Final = "$past "
"""Likewise; behind it stands the history that was read in before there was a worker."""

Step = tuple[str, int, int]
"""Topic, first and next offset; or one of the names above, and what it comes with."""


class Journal:
    """What was taken since the last commit of one partition."""

    def __init__(self) -> None:
        self._steps: list[Step] = []

    def note(self, name: str, start: int = 0, end: int = 0) -> None:
        """Add a step; one that continues the last one, or a later present, replaces it.

        Of two ticks both stay: what the first put off waits until the instant of that one.

        Args:
            name: Of a topic, or what came into force.
            start: First offset, or an instant, epoch ms.
            end: Next offset, or an instant, epoch ms.
        """
        if self._steps:
            last, begun, ended = self._steps[-1]
            if last == name == PRESENT:
                self._steps[-1] = (name, start, end)
                return
            if last == name and ended == start:
                self._steps[-1] = (name, begun, end)
                return
        self._steps.append((name, start, end))

    def take(self, core: Partition, rules_version: str) -> Output:
        """Return the line of a commit; the next one begins."""
        steps, self._steps = tuple(self._steps), []
        return line_of(JournalEntry(
            core.number, steps, core.watermark_ms, core.scorer.version, core.rules.hash,
            rules_version,
        ))  # fmt: skip


def line_of(entry: JournalEntry) -> Output:
    """Return the record that an entry is."""
    return Output(None, to_json(entry), [("content-type", b"application/json")])
