"""What a file of playbooks may say: one strict struct a part, every default in its place.

The descriptions are what an editor shows; `playbooks_page.py` makes the JSON Schema of them.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from streams.core.channels import CATALOGUE
from streams.core.lifecycle import Stage
from streams.core.playbook import EXITS, INSTANT
from streams.core.reasons import TEXTS
from streams.core.rules_schema import DEFAULT_TIERS
from streams.core.tiers import NO_VALUE
from winback_sender.documents.strict import Version
from winback_sender.law.rules import CARRIES

CHANNELS: Final = tuple(CATALOGUE)
"""Channels that every deployment knows; the rules may define more."""

TIERS: Final = (*DEFAULT_TIERS, NO_VALUE)
"""Value tiers, highest first, where the rules name no others."""

TRIGGERS: Final = ("risk", "silence", *sorted(INSTANT))
STAGES: Final = tuple(stage.label for stage in Stage)
QUADRANTS: Final = ("important_urgent", "important_calm", "ordinary_urgent", "ordinary_calm")
REASONS: Final = tuple(TEXTS)


def _words(words: tuple[str, ...], says: str) -> Meta:
    return Meta(description=says, extra_json_schema={"enum": list(words)})


def _hinted(words: tuple[str, ...], says: str) -> Meta:
    """Return the meta of a text for which an editor proposes words, and takes others too."""
    return Meta(description=says, extra_json_schema={"examples": list(words)})


_SPAN: Final = r"^\s*\d+(\.\d+)?\s*[smhd]\s*$"


def _span(says: str) -> Meta:
    return Meta(
        description=f"{says} Written as 90s, 15m, 12h, 30d.",
        extra_json_schema={"pattern": _SPAN},
        extra={"hint": "write a number and a unit, as in 90s, 15m, 12h, 30d"},
    )


Name = Annotated[str, Meta(min_length=1, max_length=64)]
Said = Annotated[str, Meta(max_length=500)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class StepFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One touch."""

    channel: Annotated[Name, _hinted(CHANNELS, "Where it goes; the rules may define more.")]
    template_key: Annotated[Name, Meta(description="Name of the message; senders map it.")]
    wait: Annotated[str, _span("Time after the step before; of the first, after the alert.")] = "0s"
    expires: Annotated[str, _span("After this the sender must not send it any more.")] = "2d"
    params: Annotated[
        dict[Name, Said],
        Meta(
            max_length=20,
            description="Variables of the template. {trait:name|default} is the user's trait.",
        ),
    ] = {}
    offer: Annotated[
        dict[Name, Said],
        Meta(max_length=20, description="What is offered; travels with the touch as it is."),
    ] = {}
    on_full: Annotated[
        Literal["wait", "skip"],
        Meta(description="When the day's capacity is used up: wait for a place, or skip the step."),
    ] = "wait"
    instead: Annotated[bool, Meta(description="Only where the step before could not be sent.")] = (
        False
    )


class VariantFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to run a playbook."""

    name: Annotated[Name, Meta(description="Permanent: results go by it.")]
    steps: Annotated[
        list[StepFile], Meta(min_length=1, max_length=20, description="Touches in order.")
    ]
    share: Annotated[
        Share | None, Meta(description="Share of the users; all sum to 1. None given: equal ones.")
    ] = None


class MatchFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom a playbook is for; an empty list means everybody."""

    tiers: Annotated[
        list[str],
        _hinted(TIERS, "Value tiers, as money.tiers of the rules names them, or none."),
    ] = []
    stages: list[Annotated[str, _words(STAGES, "Lifecycle stage.")]] = []
    reasons: list[Annotated[str, _words(REASONS, "One of them is among the user's.")]] = []
    sources: Annotated[list[str], Meta(description="Acquisition sources, as your events say.")] = []
    quadrants: list[Annotated[str, _words(QUADRANTS, "Value by urgency.")]] = []
    triggers: list[
        Annotated[str, _words(TRIGGERS, "What opens the case. None given: risk, silence.")]
    ] = []


class AbFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A comparison in which all variants have the same odds."""

    start: Annotated[
        Any, Meta(description="A day (its midnight UTC), or an instant with a zone.")
    ] = msgspec.field(name="from")
    lasts: Annotated[str, _span("How long it lasts.")] = "48h"


class PlaybookFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A journey: for whom, and which touches in which order."""

    name: Annotated[Name, Meta(description="Permanent: reports go by it.")]
    match: MatchFile = MatchFile()
    steps: Annotated[
        list[StepFile] | None, Meta(description="Touches in order; or give variants.")
    ] = None
    variants: Annotated[
        list[VariantFile] | None, Meta(description="Several ways to compare; or give steps.")
    ] = None
    exit: tuple[
        Annotated[str, _words(EXITS, "What ends it. Opt-out, erasure and stop always do.")], ...
    ] = ("returned", "converted", "replied", "handled", "complaint")
    expires: Annotated[str, _span("Longest time that a journey lasts.")] = "30d"
    close_after: Annotated[str, _span("Wait after the last step.")] = "7d"
    purpose: Annotated[Name, Meta(description="What the contact is for, as consent asks.")] = (
        "member_care"
    )
    release: Annotated[Share, Meta(description="Grey release: share of the users.")] = 1.0
    choose: Annotated[
        Literal["fixed", "bandit"],
        Meta(description="How a variant is chosen: by its share, or by what worked."),
    ] = "fixed"
    ab: AbFile | None = None


class TemplateFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text of a message; senders map its key to what the provider has approved."""

    text: Annotated[str, Meta(min_length=1, max_length=2_000, description="Variables are ${name}.")]
    kind: Annotated[
        Literal["notice", "promotion"],
        Meta(description="A promotion advertises; the provider's opt-out is appended."),
    ] = "notice"


class PlaybooksFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of playbooks; of all that fit a user the first is taken."""

    playbooks: list[PlaybookFile]
    version: Version = 1
    traits: Annotated[
        list[Name],
        Meta(max_length=32, description="Traits that params use; kept as those of the rules are."),
    ] = []
    templates: Annotated[
        dict[str, TemplateFile] | None,
        Meta(description="Texts by template_key. Given: every step is checked against them."),
    ] = None
    providers: Annotated[
        list[Annotated[str, _words(tuple(CARRIES), "A provider.")]] | None,
        Meta(description="Whose rules the texts must keep; all when not given."),
    ] = None


DEFAULT_PLAYBOOK: Final = PlaybookFile(
    name="member_care",
    steps=[
        StepFile(channel="wechat", template_key="member_care_greeting"),
        StepFile(channel="sms", template_key="member_care_greeting", instead=True),
        StepFile(channel="sms", template_key="member_care_benefit", wait="3d"),
        StepFile(channel="call", template_key="member_care_call", wait="5d", expires="3d"),
    ],
)
