"""How long a sender is waited for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from winback_sender.conformance.evidence import End, Said
from winback_sender.conformance.fleet import Fleet
from winback_sender.contract.words import STRENGTH, Status
from winback_sender.errors import UserError
from winback_sender.standins.stand_in import StandIn

QUIET_S: Final = 3.0
"""When everything is answered and so long nothing has come, the run is over."""
PATIENCE_S: Final = 45.0
"""When so long nothing has come, nothing more is expected: a killed process holds its partitions
for a session time-out, and what it had heard and not told may be found by the others later."""
DEATHS_MAX: Final = 4
"""A sender that has ended so often before it has done anything will not start."""


def is_untold(stand_in: StandIn, said: Sequence[Said]) -> bool:
    """Return whether the sender has taken a receipt that it has not passed on yet."""
    if not stand_in.is_heard:
        return False
    strongest: dict[str, int] = {}
    for word in tuple(said):
        strength = STRENGTH.get(word.status, 0)
        strongest[word.touch_id] = max(strength, strongest.get(word.touch_id, 0))
    least = STRENGTH[Status.FAILED]  # "delivered" is stronger
    return any(strongest.get(told.touch_id, 0) < least for told in stand_in.told)


def require_start(fleet: Fleet, folder: Path) -> None:
    """Give up a sender that does not even start.

    Raises:
        UserError: It has ended by itself several times.
    """
    died = [life for life in fleet.lives if life.end is End.DIED]
    if len(died) >= DEATHS_MAX:
        raise UserError(
            f"the sender ends at once, exit code {died[-1].code}: "
            f"{fleet.last_words(died[-1].name)}",
            f"its logs are in {folder}",
        )
