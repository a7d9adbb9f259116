"""What event names seem to mean: by well-known words, by what they carry, and by when they come."""

from typing import Final

import msgspec
import numpy as np

from models.feature_list import KINDS_MAX
from streams.core.meanings import ACTS, RISKY, Meaning
from streams.core.rules_schema import DEFAULT_EVENTS
from streams.core.time import DAY_MS, HOUR_MS
from streams.replay.define_census import Facts, Mask, NameCount, UserDays
from streams.replay.define_lexicon import ANSWERED, MEANINGS, NOT_PAID, ORDERED, PAID, SENT

CARRIES: Final = 0.5
"""Money names carry an amount in at least so many of their events."""
TOGETHER_SHARE: Final = 0.5
"""So large a share of a name's days began at the same instant as those of a crowd."""
CROWD_LEAST: Final = 20
CROWD_SHARE: Final = 0.02
AFTERLIFE_SHARE: Final = 0.8
"""Of the users who are silent otherwise, so many still have events of this name."""
AFTERLIFE_USERS: Final = 20
NAMES_TESTED: Final = 50
"""Names beyond the most frequent ones are too rare to move a horizon."""
AFTERLIFE_MS: Final = 14 * DAY_MS
SILENT_MS: Final = 30 * DAY_MS
SYSTEM_SIGNS: Final = 2
"""One sign alone is a question to people; two of the three are an answer."""
ACTIVITY_LEAST: Final = 0.5
"""What is left after the names of the system must still hold so many of the users."""
FREQUENT_KINDS: Final = 2


class NameFound(msgspec.Struct, frozen=True, kw_only=True):
    """An event name and what it seems to mean.

    Attributes:
        name: As the log writes it.
        events: How many.
        share: Of all events.
        users: Of how many users.
        meaning: As the rules call it.
        why: Why so; empty for plain activity.
        question: What people should decide; empty when nothing is in doubt.
    """

    name: str
    events: int
    share: float
    users: int
    meaning: Meaning
    why: str = ""
    question: str = ""


def names_found(facts: Facts) -> list[NameFound]:
    """Return what every name seems to mean, the most frequent first."""
    meanings = [_meaning(count) for count in facts.names]
    _money(facts.names, meanings)
    signs = _signs(facts, meanings)
    sent = np.array([len(said) >= SYSTEM_SIGNS for said in signs])
    if not _leaves_enough(facts, ~sent):
        sent[:] = False
    found = []
    for count, (meaning, why), said, is_sent in zip(
        facts.names, meanings, signs, sent.tolist(), strict=True
    ):
        question = _question(count, meaning)
        if is_sent:
            meaning, why, question = Meaning.IGNORED, "; ".join(said), ""  # noqa: PLW2901
        elif said:
            question = f"does the user do it, or a system ({said[0]})?"
        found.append(
            NameFound(
                name=count.name,
                events=count.events,
                share=count.events / max(facts.events, 1),
                users=count.users,
                meaning=meaning,
                why=why,
                question=question,
            )
        )
    return sorted(found, key=lambda name: -name.events)


def shows_activity(names: list[NameFound]) -> set[str]:
    """Return the names that show that a user is still there, as the service counts."""
    return {name.name for name in names if name.meaning in ACTS}


def kinds_of(names: list[NameFound]) -> tuple[str, ...]:
    """Return the kinds to tell apart: the most frequent activities, and those that bode ill."""
    acts = [name for name in names if name.meaning in ACTS and name.name.strip()]
    frequent = acts[:FREQUENT_KINDS]
    risky = [name for name in acts[FREQUENT_KINDS:] if name.meaning in RISKY]
    return tuple(name.name for name in (frequent + risky)[:KINDS_MAX])


def _meaning(count: NameCount) -> tuple[Meaning, str]:
    for meaning, names in DEFAULT_EVENTS.items():
        if count.name in names:
            return meaning, "its name"
    for meaning, words in MEANINGS.items():
        if words.tell(count.name):
            return meaning, "its name"
    return Meaning.ACTIVITY, ""


def _money(names: list[NameCount], meanings: list[tuple[Meaning, str]]) -> None:
    """Mark the purchases: the strongest words that carry amounts, so nothing is counted twice."""
    if any(meaning is Meaning.PURCHASE for meaning, _ in meanings):
        return
    for words in (PAID, ORDERED):
        rows = [
            row
            for row, count in enumerate(names)
            if meanings[row][0] is Meaning.ACTIVITY
            and count.amounts >= CARRIES * count.events
            and words.tell(count.name)
            and not NOT_PAID.tell(count.name)
        ]
        for row in rows:
            meanings[row] = (Meaning.PURCHASE, "its name, and it carries amounts")
        if rows:
            return


def _question(count: NameCount, meaning: Meaning) -> str:
    if meaning is Meaning.PURCHASE and not count.amounts:
        return "it carries no amount: what is a user worth?"
    if meaning is Meaning.ACTIVITY and count.cents * 2 >= count.amounts > CARRIES * count.events:
        return "it carries amounts with decimals: is it a purchase?"
    return ""


def _signs(facts: Facts, meanings: list[tuple[Meaning, str]]) -> list[list[str]]:
    """Return per name what speaks for it being the work of a system, not of the user."""
    plain = [meaning is Meaning.ACTIVITY for meaning, _ in meanings]
    named = [
        is_plain and SENT.tell(count.name) and not ANSWERED.tell(count.name)
        for is_plain, count in zip(plain, facts.names, strict=True)
    ]
    together = [
        share if is_plain else 0.0 for is_plain, share in zip(plain, _together(facts), strict=True)
    ]
    crowd = [share >= TOGETHER_SHARE for share in together]
    suspects = np.array(named) | np.array(crowd)
    order = sorted(range(len(facts.names)), key=lambda row: -facts.names[row].events)
    frequent = set(order[:NAMES_TESTED])
    signs: list[list[str]] = []
    for row, count in enumerate(facts.names):
        said = ["its name"] if named[row] else []
        if crowd[row]:
            said.append(f"{together[row]:.0%} come to many users at once")
        mostly = count.events * 2 > facts.events and not suspects[row]
        if plain[row] and not mostly and row in frequent:
            others = ~suspects
            others[row] = False
            share = _afterlife(facts, row, others)
            if share >= AFTERLIFE_SHARE:
                said.append(f"{share:.0%} of users who do nothing else any more still get it")
        signs.append(said)
    return signs


def _together(facts: Facts) -> list[float]:
    """Return per name the share of its user days that began with those of a crowd."""
    wide = len(facts.names)
    if facts.tick_ms % HOUR_MS == 0:
        return [0.0] * wide  # With times as coarse as this everybody meets.
    order = np.lexsort((facts.days.first_ms, facts.days.names))
    first_ms, named = facts.days.first_ms[order], facts.days.names[order]
    is_new = np.append(True, (np.diff(first_ms) != 0) | (np.diff(named) != 0))
    begins = np.flatnonzero(is_new)
    sizes = np.diff(np.append(begins, len(order)))
    crowds = sizes >= max(CROWD_LEAST, CROWD_SHARE * facts.users)
    met = np.bincount(named[begins][crowds], weights=sizes[crowds], minlength=wide)
    shares: list[float] = (met / np.bincount(facts.days.names, minlength=wide)).tolist()
    return shares


def _afterlife(facts: Facts, row: int, others: Mask) -> float:
    """Return the share of users, silent by all other names, who still have events of a name."""
    own, other = (
        _last_of_users(facts, facts.days.of_names(wanted))
        for wanted in (np.arange(len(facts.names)) == row, others)
    )
    fell_silent = (own >= 0) & (other >= 0) & (other <= facts.end_ms - SILENT_MS)
    if np.count_nonzero(fell_silent) < AFTERLIFE_USERS:
        return 0.0
    return float(np.mean((own - other)[fell_silent] >= AFTERLIFE_MS))


def _last_of_users(facts: Facts, days: UserDays) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    last_ms = np.full(facts.users, -1, np.int64)
    np.maximum.at(last_ms, days.users, days.last_ms)
    return last_ms


def _leaves_enough(facts: Facts, acts: Mask) -> bool:
    left = np.unique(facts.days.of_names(acts).users)
    return bool(len(left) >= ACTIVITY_LEAST * facts.users)
