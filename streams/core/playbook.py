"""Playbooks: the steps of a win-back journey, as data."""

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from streams.core.ids import share_of
from streams.core.sensitive import is_fit_to_say

INSTANT: Final = frozenset({"complaint", "refund", "cancellation"})
"""Triggers that are answered at once: what a user did, not what a model thinks."""

EXITS: Final = ("returned", "converted", "replied", "handled", "clicked", "complaint")
"""What may end a journey; opt-out, erasure and the kill switch always do."""


TRAIT: Final = re.compile(r"\{trait:([^{}|]+)\|([^{}|]+)\}")
"""A place for a trait of the user in a param: ``{trait:last_course|your course}``."""


class PlaybookStep(msgspec.Struct, frozen=True, array_like=True):
    """One touch of a playbook.

    Attributes:
        channel: Where it goes: ``wechat``, ``sms``, ``call`` or what the senders understand.
        template_key: Name of the message; the senders map it to the provider's template.
        wait_ms: Time after the previous step, 0 for the first.
        expires_ms: How long after its release the touch may be sent.
        params: Variables of the template; they may have places for traits, see `fill`.
        offer: What is offered, empty = nothing.
        on_full: ``wait`` for a place, or ``skip`` the step, when the day's capacity is used up.
        is_instead: Only where the step before could not be sent, and then ``wait_ms`` after it.
    """

    channel: str
    template_key: str
    wait_ms: int
    expires_ms: int
    params: dict[str, str] = {}
    offer: dict[str, str] = {}
    on_full: str = "wait"
    is_instead: bool = False


class Variant(msgspec.Struct, frozen=True):
    """One way to run a playbook.

    Attributes:
        name: Permanent name.
        share: Probability with which it is chosen while nothing else decides; they sum to 1.
        steps: Touches in order, at least one.
    """

    name: str
    share: float
    steps: tuple[PlaybookStep, ...]


class Situation(NamedTuple):
    """What a playbook is chosen by."""

    user_id: str
    tier: str
    source: str
    trigger: str
    stage: str = ""
    quadrant: str = ""
    reasons: tuple[str, ...] = ()


class Match(msgspec.Struct, frozen=True):
    """Whom a playbook is for; an empty list means everybody.

    Attributes:
        tiers: Value tiers.
        sources: Acquisition sources.
        triggers: ``risk``, ``silence``, ``complaint``, ``refund``, ``cancellation``; an empty list
            means the first two.
        stages: Lifecycle stages.
        quadrants: ``important_urgent``, ...
        reasons: Reason codes; one of them must be among the user's.
    """

    tiers: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    quadrants: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    def fits(self, asked: Situation) -> bool:
        """Return whether a user in this situation is meant."""
        if asked.trigger not in (self.triggers or ("risk", "silence")):
            return False
        pairs = (
            (self.tiers, asked.tier),
            (self.sources, asked.source),
            (self.stages, asked.stage),
            (self.quadrants, asked.quadrant),
        )
        if any(wanted and found not in wanted for wanted, found in pairs):
            return False
        return not self.reasons or any(reason in self.reasons for reason in asked.reasons)


class Playbook(msgspec.Struct, frozen=True):
    """A journey: for whom, and which touches in which order.

    Attributes:
        name: Permanent name.
        match: Whom it is for.
        variants: At least one.
        purpose: What the contact is for, as consent and law ask.
        close_after_ms: Wait after the last step before the case is closed as exhausted.
        exits: What ends the journey, of `EXITS`.
        expires_ms: Longest time that a journey lasts.
        version: Fingerprint of the content.
        release: Share of the users whom it is released to (grey release), by salted hash.
        choice: ``fixed`` shares, or ``bandit``: the odds follow what worked.
        ab_from_ms: Begin of a comparison in which all variants have the same odds, 0 = none.
        ab_to_ms: End of it.
    """

    name: str
    match: Match
    variants: tuple[Variant, ...]
    purpose: str
    close_after_ms: int
    exits: tuple[str, ...] = ("returned", "converted", "replied", "handled", "complaint")
    expires_ms: int = 30 * 24 * 3_600_000
    version: str = ""
    release: float = 1.0
    choice: str = "fixed"
    ab_from_ms: int = 0
    ab_to_ms: int = 0


def choose(playbooks: tuple[Playbook, ...], asked: Situation) -> Playbook | None:
    """Return the first playbook that fits and is released to the user."""
    return next(
        (
            book
            for book in playbooks
            if book.match.fits(asked)
            and (
                book.release >= 1.0
                or share_of(f"release/{book.name}", asked.user_id) < book.release
            )
        ),
        None,
    )


def pick_variant(
    book: Playbook, user_id: str, at_ms: int, odds: tuple[float, ...] = ()
) -> tuple[Variant, float]:
    """Return the variant of a case and the probability with which it was chosen.

    Args:
        book: The playbook.
        user_id: Whose case.
        at_ms: When the case is opened.
        odds: Shape (variants,): what the policy says; empty = it says nothing.
    """
    shares = tuple(variant.share for variant in book.variants)
    if book.ab_from_ms <= at_ms < book.ab_to_ms:
        shares = (1.0 / len(shares),) * len(shares)
    elif book.choice == "bandit" and len(odds) == len(shares):
        shares = odds
    drawn = share_of(f"variant/{book.name}", f"{user_id}/{at_ms}")
    for variant, share in zip(book.variants, shares, strict=True):
        if drawn < share:
            return variant, share
        drawn -= share
    return book.variants[-1], shares[-1]


def fill(params: Mapping[str, str], traits: Mapping[str, str]) -> dict[str, str]:
    """Return the params with the user's traits in their places.

    Where a trait is not known, or is not fit to be said to the user, the default stands.

    Args:
        params: Of a step.
        traits: Of the user.
    """
    return {name: TRAIT.sub(lambda place: _said(place, traits), text) if "{trait:" in text else text
            for name, text in params.items()}  # fmt: skip


def _said(place: re.Match[str], traits: Mapping[str, str]) -> str:
    told = traits.get(place[1].strip(), "").strip()
    return told if is_fit_to_say(told) else place[2]


def following(steps: tuple[PlaybookStep, ...], step: int, *, was_sent: bool) -> int:
    """Return the number of the step that comes after one; ``len(steps)`` when none does.

    Args:
        steps: Of the variant.
        step: Number of the step that is done.
        was_sent: Whether it was sent, or withheld by the holdout alone.
    """
    after = step + 1
    while was_sent and after < len(steps) and steps[after].is_instead:
        after += 1
    return after


def with_version(book: Playbook) -> Playbook:
    """Return a playbook with the fingerprint of its content as its version."""
    bare = msgspec.structs.replace(book, version="")
    text = msgspec.json.encode(bare, order="sorted")
    return msgspec.structs.replace(book, version=blake2b(text, digest_size=8).hexdigest())
