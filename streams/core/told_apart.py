"""What the model tells apart by configuration: kinds of events and traits of users."""

from collections.abc import Mapping, Sequence

from models.feature_list import KINDS_MAX, TRAIT_BITS, TRAITS_MAX, Rhythm

Trait = tuple[str, str]
"""Name and value of a trait that is told apart from its absence."""


class ToldApartError(ValueError):
    """Kinds or traits that cannot be told apart.

    Attributes:
        place: The entry at fault, from 0.
    """

    def __init__(self, place: int, what: str) -> None:
        super().__init__(what)
        self.place = place


def kinds_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of events as kinds.

    Raises:
        ToldApartError: There are none or too many of them, one is empty, or one is there twice.
    """
    _check(names, "kinds of events", KINDS_MAX)
    if not names:
        raise ToldApartError(0, f"name 1 to {KINDS_MAX} kinds of events")
    for place, name in enumerate(names):
        if not name.strip():
            raise ToldApartError(place, "the name of a kind of events is empty")
    return tuple(names)


def traits_of(entries: Sequence[str]) -> tuple[Trait, ...]:
    """Return traits written as ``name=value``.

    Raises:
        ToldApartError: There are too many of them, one is not of this form, or is there twice.
    """
    traits = []
    for place, entry in enumerate(entries):
        name, _, value = (part.strip() for part in entry.partition("="))
        if not name or not value:
            raise ToldApartError(place, f"{entry!r} is no trait: write name=value, as in plan=pro")
        traits.append((name, value))
    _check(["=".join(trait) for trait in traits], "traits", TRAITS_MAX)
    return tuple(traits)


def _check(entries: Sequence[str], what: str, most: int) -> None:
    if len(entries) > most:
        raise ToldApartError(most, f"at most {most} {what} can be told apart, not {len(entries)}")
    for place, entry in enumerate(entries):
        if entry in entries[:place]:
            raise ToldApartError(place, f"{entry!r} is there twice")


def retold(
    head: Sequence[float],
    told: Mapping[str, str],
    traits: Sequence[Trait],
    from_ms: int,
    grid_ms: int,
) -> tuple[float, float] | None:
    """Return TRAITS and TRAITS_AT of a user of whom something was told; None if nothing changes.

    The example that is pending was opened at ``grid_ms``; it must not know what was told later, so
    what was known then stays in the upper bits.

    Args:
        head: Numbers by `Rhythm`.
        told: Name to value of the traits that were told.
        traits: The traits that the rules tell apart; the n-th is bit n.
        from_ms: When the telling takes effect.
        grid_ms: The user's latest grid instant whose example is not complete.
    """
    both = int(head[Rhythm.TRAITS])
    held = both & TRAIT_BITS
    now = held
    for place, (name, value) in enumerate(traits):
        if name in told:
            bit = 1 << place
            now = now | bit if told[name] == value else now & ~bit
    if now == held:
        return None
    then = held if head[Rhythm.TRAITS_AT] <= grid_ms else both >> TRAITS_MAX
    return float(then << TRAITS_MAX | now), float(from_ms)
