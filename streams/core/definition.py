"""What a state was made with, in words: the part of the rules that decides what it means."""

from hashlib import blake2b

from streams.core.rules import Rules
from streams.core.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

UNITS = ((DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "m"), (SECOND_MS, "s"), (1, "ms"))


def definition_of(rules: Rules) -> dict[str, str]:
    """Return what `Rules.hash` stands for, by the names of the rules file."""
    events = repr((sorted(rules.meanings.items()), rules.is_other_activity))
    return {
        "churn.horizon": _span(rules.churn.horizon_ms),
        "kinds": ", ".join(rules.churn.kinds),
        "traits_told_apart": ", ".join(
            f"{name}={value}" for name, value in rules.traits_told_apart
        ),
        "events": blake2b(events.encode(), digest_size=4).hexdigest(),
        "money.minor_units": str(rules.minor_units),
        "grid_salt": rules.grid_salt,
    }


def differing(made: dict[str, str], in_force: dict[str, str]) -> str:
    """Return in words what differs, or nothing where that is not known."""
    parts = [
        name if name == "events" else f"{name} {made[name]!r}, now {in_force[name]!r}"
        for name in in_force
        if made and made.get(name) != in_force[name]
    ]
    return "; ".join(parts)


def _span(span_ms: int) -> str:
    unit_ms, letter = next((ms, letter) for ms, letter in UNITS if span_ms % ms == 0)
    return f"{span_ms // unit_ms}{letter}"
