"""What a run will do to a sender: touches with known fates, and troubles. Pure: the seed decides.

Times are seconds from the start of the run.
"""

from enum import StrEnum
from random import Random
from typing import Any, Final, NamedTuple, TypeVar

from winback_sender.standins.stand_in import Fate, Receipts, Turn

T = TypeVar("T")

AGES_S: Final = 600.0
"""A touch that must be sent has until then: longer than any run."""
BACKLOG_SHARE: Final = 0.2
"""So many touches are on the topic before the sender is started."""
USERS_PER_TOUCH: Final = 0.4


class Story(StrEnum):
    """What is special about a touch."""

    PLAIN = "in order"
    DUPLICATE = "stands on the topic twice"
    LATER = "must wait for not_before"
    FIELDS = "has fields that are new to the sender"
    RARE = "emoji and rare Han in its params"
    KEPT = "its revocation was in an aborted transaction"
    REVOKED_BEFORE = "revoked before the sender was started"
    REVOKED_WAITING = "revoked while it waited for not_before"
    REVOKED_RACING = "revoked at once"
    REVOKED_LATER = "revoked seconds later"
    REVOKED_TRYING = "revoked while the provider turned it away"
    REVOKED_AGAIN = "revoked, and then on the topic once more"
    EXPIRED = "had expired before it came"
    EXPIRING = "expires within seconds"
    EXPIRED_TRYING = "expired while the provider turned it away"
    ABORTED = "of an aborted transaction"
    VERSION = "of a version that is new to the sender"
    CHANNEL = "for a channel that this sender has not"
    NO_ADDRESS = "the user has no address"
    BAD_ADDRESS = "the user's address is none"
    ODD_ADDRESS = "the user's address is written unusually"
    NO_VARIABLE = "a variable of the template is missing"


DUE: Final = frozenset({
    Story.PLAIN, Story.DUPLICATE, Story.LATER, Story.FIELDS, Story.RARE, Story.KEPT,
})  # fmt: skip
"""Touches that must be sent."""
UNSPOKEN: Final = frozenset({Story.ABORTED, Story.CHANNEL})
"""Touches of which nothing need be said; of an aborted one nothing may be."""
ADDRESSLESS: Final = frozenset({Story.VERSION, Story.CHANNEL, Story.NO_ADDRESS, Story.BAD_ADDRESS})
"""Touches that may go nowhere."""
ALONE: Final = frozenset({Story.NO_ADDRESS, Story.BAD_ADDRESS, Story.ODD_ADDRESS})
"""What is special is the user, who has no other touch."""

RETURNS: Final = {
    Fate.OK: 56, Fate.THROTTLED: 10, Fate.SLOW: 6, Fate.LOST_ANSWER: 8, Fate.LOST_CALL: 4,
    Fate.ERROR_AFTER: 5, Fate.ERROR_BEFORE: 4, Fate.HTML: 4, Fate.REFUSED: 3,
}  # fmt: skip
"""How often a first call meets which fate. A second one goes well: what is sent again is seen."""
MAIL: Final = {
    Receipts.ONCE: 50, Receipts.TWICE: 15, Receipts.BEFORE_ANSWER: 15, Receipts.LATE: 10,
    Receipts.NEVER: 10,
}  # fmt: skip
ARRIVES_SHARE: Final = 0.9


class Touch(NamedTuple):
    """A touch of the run.

    Attributes:
        touch_id, user_id, story: What and to whom.
        number: Of the user, from which the address is made.
        step: Which of the user's.
        published_s: When it is written, and again at ``again_s`` if that is not None.
        not_before_s, expires_s: Its window.
        revoked_s: When it is taken back, if it is.
        closed_s: Until then the provider turns it away.
        turn: What its first call after that meets.
    """

    touch_id: str
    user_id: str
    story: Story
    number: int
    step: int
    published_s: float
    not_before_s: float
    expires_s: float
    turn: Turn
    again_s: float | None = None
    revoked_s: float | None = None
    closed_s: float = 0.0


class Trouble(StrEnum):
    """What happens to the sender and its provider."""

    KILL = "kill -9"
    RESTART = "stop and start"
    JOIN = "one more process"
    LEAVE = "one process less"
    PROVIDER_AWAY = "the provider restarts"
    REDELIVER = "offsets reset"


class Due(NamedTuple):
    """A trouble: it comes when so much of the work is done (0 to 1), so that slow starts count not.

    Attributes:
        share: Of the work.
        trouble: What happens.
        chance: 0 to 1; chooses the process and the pauses.
    """

    share: float
    trouble: Trouble
    chance: float


class Plan(NamedTuple):
    """A whole run; touches in the order of publication."""

    seed: int
    touches: tuple[Touch, ...]
    troubles: tuple[Due, ...]
    length_s: float


def plan(
    seed: int, touches: int = 160, length_s: float = 15.0,
    troubles: tuple[Trouble, ...] = (), run: int = 0,
) -> Plan:  # fmt: skip
    """Return the run of a seed; the same seed gives the same run.

    Args:
        seed: Any whole number.
        touches: How many; from 40 on every story is told at least once.
        length_s: How long publication takes.
        troubles: What happens on the way; a re-delivery comes late, when there is work to repeat.
        run: Is in all ids, below 2³²: on topics that stay every run needs one of its own.
    """
    chance = Random(seed)  # noqa: S311 (a plan, not a secret)
    stories = [*Story, *(Story.PLAIN for _ in range(max(0, touches - len(Story))))]
    extra = [story for story in Story if story is not Story.PLAIN]
    for place in range(len(Story), len(stories)):
        if chance.random() < 0.4:  # noqa: PLR2004 (three in five are ordinary)
            stories[place] = chance.choice(extra)
    chance.shuffle(stories)
    users = max(1, round(touches * USERS_PER_TOUCH))
    drawn = [_draw(chance, f"c{run:08x}-", place, story, users, length_s) for place, story in
             enumerate(stories[:touches])]  # fmt: skip
    return Plan(seed, _numbered(drawn), _troubles(chance, troubles), length_s)


def _draw(
    chance: Random, prefix: str, place: int, story: Story, users: int, length_s: float
) -> Touch:
    number = users + place if story in ALONE else chance.randrange(users)
    at_s = 0.0 if chance.random() < BACKLOG_SHARE else chance.uniform(0.5, length_s)
    turn = Turn(receipts=_weighted(chance, MAIL), arrives=chance.random() < ARRIVES_SHARE)
    if story in DUE:
        turn = turn._replace(fate=_weighted(chance, RETURNS))
    touch = Touch(f"{prefix}{place:04d}", name(prefix, number), story, number, 1, at_s, at_s,
                  AGES_S, turn)  # fmt: skip
    return touch._replace(**_special(chance, story, at_s))


def _special(chance: Random, story: Story, at_s: float) -> dict[str, Any]:
    """Return what differs in a story."""
    wait_s, soon_s = at_s + chance.uniform(3.0, 5.0), at_s + chance.uniform(0.3, 1.5)
    if story is Story.REVOKED_BEFORE:
        return {"published_s": 0.0, "not_before_s": 0.0, "revoked_s": 0.0}
    if story is Story.EXPIRED:
        return {"not_before_s": at_s - 60.0, "expires_s": at_s - 5.0}
    changes: dict[Story, dict[str, float]] = {
        Story.DUPLICATE: {"again_s": soon_s},
        Story.LATER: {"not_before_s": wait_s},
        Story.KEPT: {"revoked_s": at_s},
        Story.REVOKED_WAITING: {"not_before_s": wait_s, "revoked_s": soon_s},
        Story.REVOKED_RACING: {"revoked_s": at_s + chance.uniform(0.0, 0.4)},
        Story.REVOKED_LATER: {"revoked_s": wait_s},
        Story.REVOKED_TRYING: {"closed_s": wait_s, "revoked_s": soon_s},
        Story.REVOKED_AGAIN: {"not_before_s": wait_s, "revoked_s": soon_s, "again_s": soon_s + 0.5},
        Story.EXPIRING: {"expires_s": soon_s + 1.0},
        Story.EXPIRED_TRYING: {"closed_s": wait_s, "expires_s": soon_s},
    }
    return changes.get(story, {})


def name(prefix: str, number: int) -> str:
    """Return the id of a user; some are as people's are."""
    if number % 7 == 3:  # noqa: PLR2004 (some)
        return f"用户𠮷😀-{prefix}{number}"
    if number % 11 == 5:  # noqa: PLR2004 (some)
        return f"{prefix}+ %{number}&?"
    return f"u-{prefix}{number}"


def _numbered(drawn: list[Touch]) -> tuple[Touch, ...]:
    """Order touches by publication, and count each user's."""
    steps: dict[str, int] = {}
    found = []
    for touch in sorted(drawn, key=lambda each: each.published_s):
        steps[touch.user_id] = steps.get(touch.user_id, 0) + 1
        found.append(touch._replace(step=steps[touch.user_id]))
    return tuple(found)


def _troubles(chance: Random, troubles: tuple[Trouble, ...]) -> tuple[Due, ...]:
    found = [
        Due(chance.uniform(0.6, 0.9) if trouble is Trouble.REDELIVER else chance.uniform(0.05, 0.9),
            trouble, chance.random())
        for trouble in troubles
    ]  # fmt: skip
    return tuple(sorted(found))


def _weighted(chance: Random, weights: dict[T, int]) -> T:
    return chance.choices(list(weights), list(weights.values()))[0]
