"""What two ids that are one person said, can be reached by, and were touched with, put together."""

import msgspec

from streams.core.journey_state import Exposure, OpenTouch, Profile, Reach
from streams.core.reach import CHANNELS_MAX, TOKENS_MAX
from streams.core.state import Column, UserState
from streams.core.unheard import LEFT_MAX, SILENT


def consents_of(mine: Profile, theirs: Profile) -> tuple[dict[str, bool], dict[str, int], bool]:
    """Return the stricter words of both, since when, and whether there are too many to be kept."""
    said, since = dict[str, bool](), dict[str, int]()
    for channel in sorted(mine.consents.keys() | theirs.consents.keys()):
        words = [each.consents[channel] for each in (mine, theirs) if channel in each.consents]
        said[channel] = all(words)
        since[channel] = max(each.consents_ms.get(channel, 0) for each in (mine, theirs))
    kept = sorted(said, key=lambda channel: (said[channel], channel))[:CHANNELS_MAX]
    is_silenced = any(not said[channel] for channel in said.keys() - set(kept))
    said = {channel: said[channel] for channel in kept}
    return said, {channel: since[channel] for channel in kept}, is_silenced


def reach_of(mine: dict[str, Reach], theirs: dict[str, Reach]) -> dict[str, Reach]:
    """Return how well the person can be reached: doubts and permissions of both."""
    made = dict(mine)
    for channel, known in sorted(theirs.items()):
        own = made.get(channel)
        if own is None and len(made) >= CHANNELS_MAX:
            continue
        own = own or Reach()
        made[channel] = Reach(
            max(own.failures, known.failures),
            own.is_dead or known.is_dead,
            min(own.tokens + known.tokens, TOKENS_MAX),
            max(own.open_until_ms, known.open_until_ms),
        )
    return made


def left_of(
    mine: tuple[OpenTouch, ...], theirs: tuple[OpenTouch, ...]
) -> tuple[tuple[OpenTouch, ...], int]:
    """Return the touches of closed cases, and when the latest was made that had to be let go."""
    left = sorted((*mine, *theirs), key=lambda touch: (touch.at_ms, touch.touch_id))
    dropped = [touch.at_ms for touch in left[:-LEFT_MAX] if touch.status in SILENT]
    return tuple(left[-LEFT_MAX:]), max(dropped, default=0)


def exposure_of(one: UserState, other: UserState) -> tuple[Exposure | None, bool]:
    """Return the exposure that stays, and whether another one was dropped.

    The first that counts stays: what came after it is part of what became of it. What the other id
    had brought is no effect of it.
    """
    found = [
        (each.is_void, each.at_ms, msgspec.structs.replace(
            each, value_net=each.value_net + rest[Column.VALUE_NET]))
        for side, rest in ((one, other), (other, one))
        if (each := side.profile.exposure) is not None
    ]  # fmt: skip
    if not found:
        return None, False
    kept = min(found, key=lambda each: each[:2])[2]
    return kept, len(found) > 1
