"""The proof that nothing was lost or doubled: the live state beside that of a pure replay."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

EXAMPLES_SHOWN: Final = 3


class Account(msgspec.Struct, frozen=True):
    """What must be equal of a user, whatever the model said and the senders answered."""

    user_id: str
    events_applied: int
    first_event_at: str | None
    last_event_at: str | None
    active_days: int
    value_net_minor: int


class Proof(NamedTuple):
    """What the comparison came to.

    Attributes:
        users: In the replay.
        events: Applied in the live run, and in the replay.
        value_minor: Net value in the live run, and in the replay, minor units.
        differing: Users whose accounts differ or are missing on a side, some of them in words.
        differences: How many those are.
        repeated_touches: Touches that stand on the topic more than once.
    """

    users: int
    events: tuple[int, int]
    value_minor: tuple[int, int]
    differing: tuple[str, ...]
    differences: int
    repeated_touches: int

    @property
    def holds(self) -> bool:
        """Whether nothing was lost or doubled."""
        return not self.differences and not self.repeated_touches


def accounts(path: Path) -> dict[str, Account]:
    """Read the lines of ``state export`` or ``replay --state``, by user id."""
    decode = msgspec.json.Decoder(Account).decode
    with path.open("rb") as file:
        return {account.user_id: account for account in map(decode, file)}


def prove(
    live: dict[str, Account], replayed: dict[str, Account], touch_counts: Iterable[int]
) -> Proof:
    """Compare the accounts of a live run with those of the replay of the same log."""
    differing = [
        user_id
        for user_id in sorted(live.keys() | replayed.keys())
        if live.get(user_id) != replayed.get(user_id)
    ]
    return Proof(
        users=len(replayed),
        events=(_events(live), _events(replayed)),
        value_minor=(_value(live), _value(replayed)),
        differing=tuple(
            f"{user_id}: live {live.get(user_id)}, replay {replayed.get(user_id)}"
            for user_id in differing[:EXAMPLES_SHOWN]
        ),
        differences=len(differing),
        repeated_touches=sum(count > 1 for count in touch_counts),
    )


def _events(found: dict[str, Account]) -> int:
    return sum(account.events_applied for account in found.values())


def _value(found: dict[str, Account]) -> int:
    return sum(account.value_net_minor for account in found.values())
