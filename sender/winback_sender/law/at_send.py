"""The law at the moment of sending: the kit asks when a touch may go out."""

from collections.abc import Callable

from winback_sender.contract.messages import TouchRequested
from winback_sender.law.hours import earliest_ms
from winback_sender.law.rules import OURS, Law

KindOf = Callable[[str, str], str]
"""Kind of the template of a provider and key: ``notice``, ``promotion``, or nothing if unsaid."""

Hours = Callable[[str, TouchRequested, int], int]


def is_marketing(purpose: str, kind: str, law: Law) -> bool:
    """Return whether a touch counts as marketing: it does, unless it is known to be a service.

    A notice of member care is marketing as well: the user has not asked for it.

    Args:
        purpose: Of the touch.
        kind: Of its template.
        law: The rules in force.
    """
    return kind == "promotion" or purpose not in law.value(OURS, "service_purposes", ())


def legal_hours(law: Law, kind_of: KindOf) -> Hours:
    """Return the check of the kit: ``earliest_ms(provider, touch, now_ms)``.

    Args:
        law: The rules in force.
        kind_of: Knows the kind of a template.
    """

    def earliest(provider: str, touch: TouchRequested, now_ms: int) -> int:
        kind = kind_of(provider, touch.template_key)
        if not is_marketing(touch.purpose, kind, law):
            return now_ms
        zone = touch.audience_local_timezone
        return earliest_ms(provider, touch.channel, zone, now_ms, law)

    return earliest
