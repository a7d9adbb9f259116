"""The topics of an engine: where what it says goes, and which of those it reads have a clock."""

from collections.abc import Mapping
from typing import NamedTuple

from streams.core.clock_names import OWN
from streams.core.outbox import DECISIONS, EXAMPLES, IDENTITY, TOUCHES
from streams.settings import Settings


class Streams(NamedTuple):
    """Topics that an engine writes to, the one of feedback, and what is not the clock of its own.

    Attributes:
        clocks: Topics of ours to the name of their clock; None = it has none.
    """

    of_core: Mapping[str, str]
    dead_letters: str
    journal: str
    feedback: str
    clocks: Mapping[str, str | None]


def streams_of(settings: Settings) -> Streams:
    """Return where the records of the pipeline go."""
    of_core = {
        TOUCHES: settings.topic_touches,
        DECISIONS: settings.topic_decisions,
        EXAMPLES: settings.topic_examples,
        IDENTITY: settings.topic_identity,
    }
    clocks: dict[str, str | None] = {
        settings.topic_activity: OWN, settings.topic_feedback: None, settings.topic_identity: None,
    }  # fmt: skip
    return Streams(
        of_core, settings.topic_dead_letters, settings.topic_journal, settings.topic_feedback,
        clocks,
    )  # fmt: skip
