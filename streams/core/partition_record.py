"""The partition's own record in the changelog: what it remembers besides its users, in and out."""

from typing import Final

from streams.core.controls import Controls, Taken
from streams.core.course import Course
from streams.core.messages import PartitionRecord
from streams.core.outages import NEVER
from streams.core.rules import Rules
from streams.core.state import LAYOUT

PARTITION_KEY: Final = b"\x00partition"
"""Key of the partition record in the changelog."""

OURS: Final = b"\x00"
"""Begin of the changelog keys that are no user's; no user id begins like that."""


class StateMismatchError(Exception):
    """The stored state was made with another churn definition than the rules in force."""


def record_of(
    course: Course, rules: Rules, applied: dict[str, int], watermark_ms: int, fired_ms: int
) -> PartitionRecord:
    """Return what a partition remembers besides its users.

    Args:
        course: Its users in time.
        rules: What the states are made with.
        applied: Topic to the next offset to apply.
        watermark_ms: Event time that was reached.
        fired_ms: Every timer up to here has fired.
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
    )


def take_over(record: PartitionRecord, course: Course) -> None:
    """Give users in time what a record says of them all."""
    course.coverage.announce(
        {start: NEVER if end is None else end for start, end in record.outages}
    )
    course.book.controls = Controls(Taken(*order) for order in record.controls)
    course.clocks.load(record.clocks, record.told_ms, record.present_ms)
    if record.gate is not None:
        course.gate.load(record.gate)
    course.erasures.keys.load(record.keys)


def check_keys(record: PartitionRecord, course: Course, number: int) -> None:
    """Refuse a state that was made with a key that nobody has.

    Raises:
        StateMismatchError: With the id of the key.
    """
    if missing := course.erasures.keys.missing(record.watermark_ms):
        text = f"partition {number}: the state was made with the {missing}"
        raise StateMismatchError(text)


def check(record: PartitionRecord, rules: Rules, number: int) -> None:
    """Refuse a state that was made otherwise.

    Raises:
        StateMismatchError: With what it was made, and with what it would have to be.
    """
    for what, made, in_force in (
        ("rules", record.rules_hash, rules.hash),
        ("layout of the state", record.layout, LAYOUT),
    ):
        if made != in_force:
            text = (
                f"partition {number}: the state was made with {what} {made}, in force is {in_force}"
            )
            raise StateMismatchError(text)
