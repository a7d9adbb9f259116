"""Reading what the rules say of budgets, tiers and the threshold of an alert."""

from typing import Final, Protocol

from streams.core.budget import Budget
from streams.core.quiet_hours import QuietHours
from streams.core.rules import AlertPolicy
from streams.core.rules_schema import AlertFile, BudgetFile, MoneyFile
from streams.core.time import DAY_MS, MINUTE_MS

PROBABILITY: Final = 0.5
PROBABILITY_WITH_BUDGET: Final = 0.3
"""With a budget the number of alerts is bounded otherwise, so those below a half may bid, too."""
EXIT_PART: Final = 0.7
ELEVATED_PART: Final = 0.5


class Reader(Protocol):
    """Turns what stands in a file into numbers, or refuses it with its line."""

    def ms(self, path: str, text: str, default_ms: int = 0) -> int:
        """Return the milliseconds of a span, or the default of an empty one."""

    def zone(self, path: str, text: str) -> str:
        """Return the name of a time zone that exists."""

    def refuse(self, path: str, what: str) -> Exception:
        """Return the complaint about what stands at a path."""


def alert_of(alert: AlertFile, reader: Reader, horizon_ms: int, *, has_budget: bool) -> AlertPolicy:
    """Return the policy of alerts; what is not said follows from what is."""
    probability = alert.probability
    if probability is None:
        probability = PROBABILITY_WITH_BUDGET if has_budget else PROBABILITY
    leaves = round(EXIT_PART * probability, 6) if alert.exit is None else alert.exit
    elevated = round(ELEVATED_PART * probability, 6) if alert.elevated is None else alert.elevated
    if leaves > probability or elevated > probability:
        raise reader.refuse("$.alert", "exit and elevated must not be above probability")
    backstop_ms = reader.ms("$.alert.backstop", alert.backstop, 2 * horizon_ms // 3)
    if not 0 < backstop_ms < horizon_ms:
        raise reader.refuse("$.alert.backstop", "the backstop must lie between 0 and the horizon")
    return AlertPolicy(
        probability=probability,
        exit_probability=leaves,
        elevated_probability=elevated,
        cool_down_ms=reader.ms("$.alert.cool_down", alert.cool_down, horizon_ms // 4),
        backstop_ms=backstop_ms,
        examples_min=alert.examples_min,
    )


def budget_of(budget: BudgetFile, reader: Reader, zone: str, quiet: QuietHours) -> Budget:
    """Return the budget; ``zone`` and ``quiet`` are those of contact."""
    per_day = {"message": budget.touches_per_day, "person": budget.calls_per_day}
    every_ms = reader.ms("$.budget.every", budget.every)
    most_ms = _open_ms(quiet) // 2
    if not MINUTE_MS <= every_ms <= most_ms:
        what = (
            f"places are handed out every 1m to {most_ms // MINUTE_MS}m: twice within the hours "
            "that are not quiet"
        )
        raise reader.refuse("$.budget.every", what)
    return Budget(
        per_day={kind: number for kind, number in per_day.items() if number is not None},
        every_ms=every_ms,
        zone=reader.zone("$.budget.zone", budget.zone) if budget.zone else zone,
        open_zone=zone,
        open_from=quiet.end,
        open_to=quiet.start,
        instant_share=budget.instant,
    )


def _open_ms(quiet: QuietHours) -> int:
    """Return how much of a day is not quiet."""
    minutes = [edge.hour * 60 + edge.minute for edge in (quiet.end, quiet.start)]
    return (minutes[1] - minutes[0]) * MINUTE_MS % DAY_MS or DAY_MS


def tiers_of(money: MoneyFile, reader: Reader) -> tuple[tuple[str, float], ...]:
    """Return the value tiers, highest first; the last one takes in everybody with value."""
    tiers = sorted(money.tiers.items(), key=lambda tier: tier[1])
    if not tiers or tiers[-1][1] != 1.0 or tiers[0][1] <= 0.0:
        what = "tiers are shares from the top that rise to 1, as in {top: 0.05, high: 0.2, low: 1}"
        raise reader.refuse("$.money.tiers", what)
    return tuple(tiers)
