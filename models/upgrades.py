"""Records of models that an older version wrote, brought up to the present format step by step.

`docs/upgrade.md` says when the format is raised. No step is needed so far: 2 is the first format
that was released.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS: Final[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {}
"""Format to what makes of a record, as JSON has it, one of the next format; ``format`` is set."""


def brought_up(body: bytes, form: int, present: int) -> bytes | None:
    """Return the JSON of a record in the present format, or None where there is no way to it.

    Args:
        body: The record as it was written.
        form: Its format, older than the present one.
        present: The present one.
    """
    if not all(number in STEPS for number in range(form, present)):
        return None
    record = msgspec.json.decode(body, type=dict[str, Any])
    for number in range(form, present):
        record = {**STEPS[number](record), "format": number + 1}
    return msgspec.json.encode(record)
