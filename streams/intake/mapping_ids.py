"""Ids that a foreign record may bring, and those that it may not."""

from typing import Final

from streams.core.decoded import RejectReason
from streams.core.interpret import COVERAGE_EVENT
from streams.core.native import WATERMARK_EVENT
from streams.core.record_limits import EVENT_ID_MAX, ID_BYTES_MAX
from streams.core.sources import LINK_EVENT
from streams.intake.mapping_values import WrongError

RESERVED: Final = frozenset({COVERAGE_EVENT, WATERMARK_EVENT, LINK_EVENT})
"""What only our own machinery says: no event and no user of others may be called so."""
OWN: Final = "$"
"""How ids of our own machinery begin."""
SHORT: Final = ID_BYTES_MAX // 4  # so many characters never have more bytes than are allowed


def demand_user(user_id: str | None, missing: str) -> None:
    """Raise WrongError if this can be no user id.

    Args:
        user_id: As it was told.
        missing: What to say if nothing was.
    """
    if not user_id:
        raise WrongError(RejectReason.NO_ID, missing)
    if len(user_id.encode()) > ID_BYTES_MAX:
        raise WrongError(RejectReason.TOO_LARGE, f"the user id has more than {ID_BYTES_MAX} B")
    if "\0" in user_id:
        raise WrongError(RejectReason.BAD_ID, "the user id has a null character in it")
    if user_id in RESERVED:
        raise WrongError(RejectReason.NO_ID, f"{user_id!r} is an id of winback's own")


def demand_id(event_id: str | None, missing: str) -> None:
    """Raise WrongError if this can be no event id.

    Args:
        event_id: As it was told.
        missing: What to say if nothing was.
    """
    if not event_id:
        raise WrongError(RejectReason.NO_ID, missing)
    if len(event_id) > EVENT_ID_MAX:
        what = f"the event id has more than {EVENT_ID_MAX} characters"
        raise WrongError(RejectReason.TOO_LARGE, what)
