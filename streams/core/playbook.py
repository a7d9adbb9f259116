"""Playbooks: the steps of a win-back journey, as data."""

import msgspec


class PlaybookStep(msgspec.Struct, frozen=True):
    """One touch of a playbook.

    Attributes:
        channel: Where it goes: ``wechat``, ``sms``, ``call`` or what the senders understand.
        template_key: Name of the message; the senders map it to the provider's template.
        wait_ms: Time after the previous step, 0 for the first.
        expires_ms: How long after its release the touch may be sent.
        params: Variables of the template.
        offer: What is offered, empty = nothing.
    """

    channel: str
    template_key: str
    wait_ms: int
    expires_ms: int
    params: dict[str, str] = {}
    offer: dict[str, str] = {}


class Match(msgspec.Struct, frozen=True):
    """Whom a playbook is for; an empty list means everybody.

    Attributes:
        tiers: Value tiers.
        sources: Acquisition sources.
        triggers: ``risk``, ``silence``.
    """

    tiers: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()

    def fits(self, tier: str, source: str, trigger: str) -> bool:
        """Return whether a user with these properties is meant."""
        return (
            (not self.tiers or tier in self.tiers)
            and (not self.sources or source in self.sources)
            and (not self.triggers or trigger in self.triggers)
        )


class Playbook(msgspec.Struct, frozen=True):
    """A journey: for whom, and which touches in which order.

    Attributes:
        name: Permanent name.
        match: Whom it is for.
        steps: Touches in order, at least one.
        purpose: What the contact is for, as consent and law ask.
        close_after_ms: Wait after the last step before the case is closed as exhausted.
    """

    name: str
    match: Match
    steps: tuple[PlaybookStep, ...]
    purpose: str
    close_after_ms: int


def choose(
    playbooks: tuple[Playbook, ...], tier: str, source: str, trigger: str
) -> Playbook | None:
    """Return the first playbook that fits."""
    return next((book for book in playbooks if book.match.fits(tier, source, trigger)), None)
