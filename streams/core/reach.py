"""Reach: whether a user can be reached on a channel, and what is learned of it.

Every function takes what is known of a user's channels and gives what is known next.
"""

from typing import Final

from streams.core.channels import Channel
from streams.core.inputs import ReachChanged
from streams.core.journey_state import Reach
from streams.core.rulings import Ruling

CHANNELS_MAX: Final = 32
"""Channels on which something is kept of one user: bounds the state."""

TOKENS_MAX: Final = 1_000

UNKNOWN: Final = Reach()


def unreachable(reach: Reach | None, channel: Channel, now_ms: int) -> Ruling | None:
    """Return why a user cannot be reached on a channel now; None = the user can."""
    if reach is not None and reach.is_dead:
        return Ruling.CHANNEL_DEAD
    if not channel.is_recorded:
        return None
    may = reach is not None and (reach.tokens > 0 or reach.open_until_ms > now_ms)
    return None if may else Ruling.NO_PERMISSION


def used(reach: dict[str, Reach], channel: str, now_ms: int) -> dict[str, Reach]:
    """Return what is known after a touch left: a token is used up, unless a window is open."""
    known = reach.get(channel)
    if known is None or not known.tokens or known.open_until_ms > now_ms:
        return reach
    left = Reach(known.failures, known.is_dead, known.tokens - 1, known.open_until_ms)
    return reach | {channel: left}


def failed(
    reach: dict[str, Reach], channel: str, failures_max: int, *, is_final: bool
) -> dict[str, Reach]:
    """Return what is known after a hard failure; a final one ends the channel by itself."""
    known = reach.get(channel, UNKNOWN)
    failures = known.failures + 1
    is_dead = known.is_dead or is_final or failures >= failures_max
    return _with(reach, channel, Reach(failures, is_dead, known.tokens, known.open_until_ms))


def arrived(reach: dict[str, Reach], channel: str) -> dict[str, Reach]:
    """Return what is known when the channel proved to be alive: old failures are forgotten."""
    known = reach.get(channel)
    if known is None or not (known.failures or known.is_dead):
        return reach
    return reach | {channel: Reach(0, False, known.tokens, known.open_until_ms)}  # noqa: FBT003  # a row


def told(reach: dict[str, Reach], signal: ReachChanged) -> dict[str, Reach]:
    """Return what is known after the company told us of a channel.

    A user who cannot be reached any more has no token and no window; a user who can be reached
    again starts without failures. Tokens add up; of two windows the one that ends later counts.
    """
    channel = signal.channel
    known = reach.get(channel, UNKNOWN)
    if signal.is_reachable is False:
        return _with(reach, channel, Reach(known.failures, is_dead=True))
    is_back = signal.is_reachable is True or signal.tokens > 0 or signal.open_until_ms > 0
    failures, is_dead = (0, False) if is_back else (known.failures, known.is_dead)
    tokens = min(max(known.tokens + signal.tokens, 0), TOKENS_MAX)
    open_until_ms = max(known.open_until_ms, signal.open_until_ms)
    return _with(reach, channel, Reach(failures, is_dead, tokens, open_until_ms))


def _with(reach: dict[str, Reach], channel: str, known: Reach) -> dict[str, Reach]:
    """Return what is known with a new word on a channel; beyond so many a new one is noise."""
    if channel not in reach and len(reach) >= CHANNELS_MAX:
        return reach
    return reach | {channel: known}
