"""What would have been if every user had got one variant: an estimate from the odds on record."""

import msgspec

from streams.reporting.earned import Columns, Flags, Gain


class Choice(msgspec.Struct, frozen=True):
    """A variant of a playbook, if every contacted user had got it.

    Attributes:
        playbook: Which.
        variant: Which.
        share: Of the contacted users of the playbook, who got it.
        returned: Users who would come back, per 1,000.
        money: Net value they would bring, minor units per 1,000; None = there was none.
        is_best: Whether its interval lies above those of all others.
    """

    playbook: str
    variant: str
    share: float
    returned: Gain
    money: Gain | None
    is_best: bool


def choices(_columns: Columns, _pick: Flags) -> tuple[Choice, ...]:
    """Return every variant of every playbook that has two or more."""
    return ()
