"""What a partition taught, row by row, as tests want to see it."""

import msgspec
import numpy as np

from streams.core.teaching import (
    EpisodeBlock,
    ExampleBlock,
    Forgotten,
    LearnerInput,
    OpeningBlock,
)
from winback_sender.contract.messages import Output

Row = tuple[float, ...]


def lessons_of(record: Output) -> tuple[str, list[Row]]:
    """Return the kind of a record and its rows.

    Returns:
        ``example``: opened_at_ms, active, weight, *features; ``opening``: user, at_ms, *head;
        ``outcome``: user, opened_at_ms, matured_at_ms, churned, weight; ``episode``: exposed_at_ms,
        matured_at_ms, treated, returned, value_change, propensity; ``forgotten``: user.
    """
    block: LearnerInput = msgspec.msgpack.decode(record.value, type=LearnerInput)
    match block:
        case ExampleBlock():
            kind = "example"
            facts = ((block.opened_at_ms, "<f8"), (block.active, "u1"), (block.weight, "<f4"))
            wide = np.frombuffer(block.rows, "<f4").reshape(block.count, -1).tolist()
        case OpeningBlock():
            kind = "opening"
            facts = ((block.users, "<u8"), (block.at_ms, "<f8"))
            wide = np.frombuffer(block.heads, "<f8").reshape(block.count, -1).tolist()
        case EpisodeBlock():
            kind = "episode"
            facts = ((block.exposed_at_ms, "<f8"), (block.matured_at_ms, "<f8"),
                     (block.treated, "u1"), (block.returned, "u1"),
                     (block.value_change, "<f8"), (block.propensity, "<f8"))  # fmt: skip
            wide = [[]] * block.count
        case Forgotten():
            kind, facts = "forgotten", ((block.users, "<u8"),)
            wide = [[]] * block.count
        case _:
            kind = "outcome"
            facts = ((block.users, "<u8"), (block.opened_at_ms, "<f8"),
                     (block.matured_at_ms, "<f8"), (block.churned, "u1"),
                     (block.weight, "<f4"))  # fmt: skip
            wide = [[]] * block.count
    columns = (np.frombuffer(column, code).tolist() for column, code in facts)
    return kind, [(*row, *rest) for *row, rest in zip(*columns, wide, strict=True)]
