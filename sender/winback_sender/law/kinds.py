"""What kinds of rules there are: what each may say, and what it means."""

from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

Span = Annotated[str, Meta(pattern=r"^[1-9][0-9]*[smhd]$", extra={"hint": "such as 30s, 24h, 7d"})]
Hours = Annotated[
    str,
    Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
        extra={"hint": "local time, such as 08:00-20:00"},
    ),
]
Words = list[Annotated[str, Meta(min_length=1)]]
Count = Annotated[int, Meta(ge=1)]


class Category(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A category of content that is not carried, and what betrays it.

    Attributes:
        name: As the provider calls it.
        words: Words of a text.
        tags: Kinds of an offer, or purposes of a playbook.
    """

    name: str
    words: Words = []
    tags: Words = []


class Cap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most so many messages within a rolling span.

    Attributes:
        touches: How many.
        per: Within which span.
        of: What is counted: all to a number, those with one template, or with one text.
    """

    touches: Count
    per: Span
    of: Literal["number", "template", "text"] = "number"


class Kind(NamedTuple):
    """A kind of rule.

    Attributes:
        of: Type of what it says.
        what: A line for people.
    """

    of: Any
    what: str


KINDS: Final[dict[str, Kind]] = {
    "kinds": Kind(list[Literal["notice", "promotion"]], "Kinds of templates that are carried."),
    "needs": Kind(
        list[Literal["id", "sign", "text", "url"]], "What a template has to say of itself."
    ),
    "hours": Kind(Hours, "When marketing may go out, local time of the user."),
    "opt_out": Kind(
        Words, "What a promotion ends with; the first is added by itself, none is to be written."
    ),
    "salutation": Kind(str, "What a promotion has to say, since it may only go to members."),
    "forbidden_words": Kind(Words, "Words that no text may have."),
    "forbidden_signs": Kind(str, "Characters that no text and no variable may have."),
    "forbidden_categories": Kind(list[Category], "Content that is not carried."),
    "industries": Kind(Words, "Industries whose messages are not carried; to be known by people."),
    "advertising": Kind(Words, "Words that make a notice an advertisement."),
    "plain_text": Kind(bool, "No emoji, in a text or in a variable."),
    "text_max": Kind(Count, "Characters of the whole text, with its opt-out."),
    "promotion_variables": Kind(bool, "Whether a promotion may have variables."),
    "variables_max": Kind(Count, "Variables of one template."),
    "variables_apart": Kind(bool, "Two variables need a word between them."),
    "constant_links": Kind(bool, "A link is constant: no variable in it, and none carries one."),
    "value_max": Kind(Count, "Characters of the value of a variable."),
    "value_max_by_type": Kind(
        dict[str, Count], "Characters of a value, by the name of the provider's variable."
    ),
    "value_signs": Kind(str, "Characters that the value of a variable may not have."),
    "caps": Kind(list[Cap], "How many messages a user may get."),
    "service_purposes": Kind(Words, "Purposes of playbooks that are no marketing."),
    "zone": Kind(str, "Time zone of a user whose own is not known."),
}  # fmt: skip
"""Name of a kind of rule to what it may say."""

OPEN_KINDS: Final[dict[str, Kind]] = {
    "hours": Kind(Hours, "When marketing may go out on this channel, local time of the user."),
    "duty": Kind(str, "A duty of people, which no program can keep for them."),
}
"""Kinds with a name of their own behind a dot: ``hours.sms``, ``duty.consent``."""


def kind_of(name: str) -> Kind | None:
    """Return a kind of rule by its name, or None when there is none."""
    head, _, rest = name.partition(".")
    return OPEN_KINDS.get(head) if rest else KINDS.get(name)
