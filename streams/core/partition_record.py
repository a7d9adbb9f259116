"""The partition's own record in the changelog: what it remembers besides its users, in and out."""

from collections.abc import Mapping
from typing import Final

import msgspec

from streams.core.controls import Controls, Taken
from streams.core.course import Course
from streams.core.definition import definition_of, differing
from streams.core.input_fuse import FuseRecord
from streams.core.messages import PartitionRecord
from streams.core.outages import NEVER
from streams.core.rules import Rules
from streams.core.versions import LAYOUT

PARTITION_KEY: Final = b"\x00partition"
"""Key of the partition record in the changelog."""

PAST_KEY: Final = b"\x00past"
"""Key of the note that a history is being read in, and how far it is: ``winback bootstrap``."""

OURS: Final = b"\x00"
"""Begin of the changelog keys that are no user's; no user id begins like that."""

OTHERWISE: Final = (
    "Use what it was made with, or begin anew under another WINBACK_APP_ID with fresh topics."
)
OTHER_RULES: Final = (
    "Use the rules it was made with; or carry the users over to the new ones, while no worker "
    "runs: winback state migrate --rules NEW.yaml --dry-run"
)

HALF_A_PAST: Final = (
    "Let it end: the same winback bootstrap goes on where it stopped; or begin it again, with "
    "--anew."
)

OTHER_KEYS: Final = "Give WINBACK_ID_KEY the key, or name it among the former ones: docs/keys.md."


BROKEN: Final = (
    "Nobody but the service may write there. Restore the topic from a copy of Kafka's own, or "
    "delete it and run anew from the oldest record of the inputs."
)
UNREADABLE_RECORD: Final = (ValueError, LookupError, ArithmeticError, TypeError, RecursionError)
"""What comes of bytes in a changelog that no record is written as; msgspec's are ValueErrors."""


class StateMismatchError(Exception):
    """The stored state was made otherwise than what is in force can go on from.

    Args:
        text: With what it was made, and with what it would have to be.
        hint: What to do.
    """

    def __init__(self, text: str, hint: str = OTHERWISE) -> None:
        super().__init__(text)
        self.hint = hint


def record_of(
    course: Course,
    rules: Rules,
    applied: dict[str, int],
    watermark_ms: int,
    fired_ms: int,
    fuses: tuple[FuseRecord, ...] = (),
) -> PartitionRecord:
    """Return what a partition remembers besides its users.

    Args:
        course: Its users in time.
        rules: What the states are made with.
        applied: Topic to the next offset to apply.
        watermark_ms: Event time that was reached.
        fired_ms: Every timer up to here has fired.
        fuses: How those of its topics stand.
    """
    return PartitionRecord(
        applied,
        watermark_ms,
        fired_ms,
        rules.hash,
        LAYOUT,
        course.coverage.record(),
        course.book.controls.record(),
        course.gate.record(),
        course.clocks.record(),
        course.clocks.told_ms,
        course.clocks.present_ms,
        course.erasures.keys.record(watermark_ms, rules.churn.limit_ms),
        definition_of(rules),
        fuses,
        rules.holdout.salt,
        len(course.users),
    )


def taken_over(
    ours: Mapping[bytes, bytes], course: Course, rules: Rules, number: int, *, has_users: bool
) -> PartitionRecord | None:
    """Give users in time what the record in a changelog says of them all, and return it.

    Args:
        ours: What is no user's of the changelog.
        course: The users in time.
        rules: In force.
        number: Of the partition.
        has_users: Whether there are any; if not, nothing was made with rules, so those of the
            record bind nobody.

    Raises:
        StateMismatchError: The state was made with other rules, or with a key that nobody has; or
            it is half of a history.
    """
    if PAST_KEY in ours:
        text = f"partition {number}: a history is being read in, and that has not ended"
        raise StateMismatchError(text, HALF_A_PAST)
    raw = ours.get(PARTITION_KEY)
    if raw is None:
        return None
    record = msgspec.json.decode(raw, type=PartitionRecord)
    if has_users:
        _check_rules(record, rules, number)
    course.coverage.announce(
        {start: NEVER if end is None else end for start, end in record.outages}
    )
    course.book.controls = Controls(Taken(*order) for order in record.controls)
    course.clocks.load(record.clocks, record.told_ms, record.present_ms)
    if record.gate is not None:
        course.gate.load(record.gate)
    course.erasures.keys.load(record.keys)
    missing = course.erasures.keys.missing(record.watermark_ms)
    if missing and (has_users or len(ours) > 1):
        text = f"partition {number}: the state was made with the {missing}"
        raise StateMismatchError(text, OTHER_KEYS)
    return record


def _check_rules(record: PartitionRecord, rules: Rules, number: int) -> None:
    """Refuse a state that was made with another definition of churn."""
    if record.rules_hash == rules.hash:
        return
    what = differing(record.definition, definition_of(rules))
    raise StateMismatchError(
        f"partition {number}: the state was made with rules {record.rules_hash}, in force is "
        f"{rules.hash}{what and f' ({what})'}",
        OTHER_RULES,
    )
