"""What is known of a world that was run: inputs, messages, touches, and the truth of each."""

from typing import NamedTuple

from streams.core.inputs import Input
from streams.core.messages import OfDecisions
from streams.core.rules import Rules
from streams.simulation.answers import SenderCrew
from streams.simulation.life import Prospect
from streams.simulation.source import Record, Source
from streams.simulation.world import World
from winback_sender.contract.messages import OfWinBack

TouchMessage = OfWinBack
DecisionMessage = OfDecisions
Message = TouchMessage | DecisionMessage


class Applied(NamedTuple):
    """An input as the service took it.

    Attributes:
        step: Number of the step of the loop.
        effective_ms: Event time from which it counts.
        signal: The input.
    """

    step: int
    effective_ms: int
    signal: Input


class Said(NamedTuple):
    """A message that the service wrote.

    Attributes:
        step: Number of the step of the loop.
        partition: Of the service.
        message: As a consumer reads it.
    """

    step: int
    partition: int
    message: Message


class Exposed(NamedTuple):
    """A case whose first touch left, or would have but for the holdout, with the truth of it.

    Attributes:
        user_id: Whose.
        case_id: Which case.
        channel: Of the first touch.
        at_ms: When.
        is_held_out: Which arm.
        prospect: What a touch would change, and what would be without it.
    """

    user_id: str
    case_id: str
    channel: str
    at_ms: int
    is_held_out: bool
    prospect: Prospect


class Run(NamedTuple):
    """Everything that happened in a world.

    Attributes:
        world: What it was before.
        rules: Under which rules.
        source: The users, as they are at the end.
        crew: The senders.
        exposed: Every exposure, in order.
        applied: What the service took, in order.
        said: What it wrote, in order within a partition.
        arrived: Records as they came, when they are kept.
        written: Stream to the records that the service wrote, when they are kept.
        counts: What the service counted.
    """

    world: World
    rules: Rules
    source: Source
    crew: SenderCrew
    exposed: list[Exposed]
    applied: list[Applied]
    said: list[Said]
    arrived: list[Record]
    written: dict[str, list[bytes]]
    counts: dict[str, int]
