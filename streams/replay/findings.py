"""What a check-up of a topic finds, as data."""

import msgspec

ACCEPTED, SKIPPED, REJECTED = "accepted", "skipped", "rejected"


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a group, as it was understood."""

    place: str
    user_id: str = ""
    event_id: str = ""
    event_time_ms: int = 0
    amount: float | str | None = None
    currency: str | None = None


class Group(msgspec.Struct, kw_only=True):
    """Events that came to the same.

    Attributes:
        event: Their name, as a rule names it.
        outcome: ``accepted``, ``skipped`` or ``rejected``.
        meaning: What they mean to us, empty = nothing.
        name: Of the native event.
        reason: Why they were skipped or rejected.
        line: Of the rules file, 0 = no rule spoke.
        count: How many.
        detail: In words, of the first.
        example: The first.
    """

    event: str
    outcome: str
    meaning: str
    name: str
    reason: str
    line: int
    count: int = 0
    detail: str = ""
    example: Example | None = None


class Keys(msgspec.Struct, kw_only=True):
    """What the keys of the records are.

    Attributes:
        known: Records whose key is known and whose user is.
        equal: Of those, how many have the user id as key.
        placed: Of the equal ones, how many stand where a Java producer would put them.
        placeable: Of the equal ones, how many come from a partition.
        example: A key that is no user id.
    """

    known: int = 0
    equal: int = 0
    placed: int = 0
    placeable: int = 0
    example: str = ""


class Disorder(msgspec.Struct, kw_only=True):
    """How far events come behind the newest before them on their partition or file, ms.

    Attributes:
        quantiles: Share to how late.
        late: How many come later than the rules allow.
        proposed_ms: A bound that nearly all keep, None = even a week is too little.
    """

    quantiles: dict[str, int]
    late: int
    proposed_ms: int | None


class Found(msgspec.Struct, kw_only=True):
    """What a check-up came to."""

    records: int
    accepted: int
    skipped: int
    rejected: int
    groups: list[Group]
    users: int
    links: int
    given_up: int
    first_ms: int
    last_ms: int
    keys: Keys
    disorder: Disorder
    currencies: dict[str, int]
    duplicates: int
    duplicate: Example | None
    properties: dict[str, dict[str, int]]
