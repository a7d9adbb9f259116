"""The lifecycle of a user as a table: stages, the signs that move them, and what each means."""

from enum import IntEnum, StrEnum
from typing import Final


class Stage(IntEnum):
    """Where a user stands; the number is what the state stores and never changes."""

    NEW = 0  # fewer active days than the rules ask for before anything is said about a user
    ACTIVE = 1  # comes as usual
    SLIPPING = 2  # the risk is elevated, nothing is done yet
    AT_RISK = 3  # the risk is high: an alert was decided
    LAPSED = 4  # silent for the horizon H
    WON_BACK = 5  # came back after at risk, lapsed or gone
    GONE = 6  # silent for 2H: no longer observed

    @property
    def label(self) -> str:
        """The name that messages and exports carry."""
        return self.name.lower()


class Sign(StrEnum):
    """What can move a user from one stage to another."""

    ACTED = "acted"  # an activity of a user who has too few active days
    SETTLED = "settled"  # an activity of a user who has enough of them
    RISK_CALM = "risk_calm"
    RISK_ELEVATED = "risk_elevated"
    RISK_HIGH = "risk_high"
    SILENT_HORIZON = "silent_horizon"  # no activity for H
    SILENT_LIMIT = "silent_limit"  # no activity for 2H


TRANSITIONS: Final[dict[Stage, dict[Sign, Stage]]] = {
    Stage.NEW: {
        Sign.SETTLED: Stage.ACTIVE,
        Sign.SILENT_HORIZON: Stage.LAPSED,
        Sign.SILENT_LIMIT: Stage.GONE,
    },
    Stage.ACTIVE: {
        Sign.RISK_ELEVATED: Stage.SLIPPING,
        Sign.RISK_HIGH: Stage.AT_RISK,
        Sign.SILENT_HORIZON: Stage.LAPSED,
        Sign.SILENT_LIMIT: Stage.GONE,
    },
    Stage.SLIPPING: {
        Sign.SETTLED: Stage.ACTIVE,
        Sign.RISK_CALM: Stage.ACTIVE,
        Sign.RISK_HIGH: Stage.AT_RISK,
        Sign.SILENT_HORIZON: Stage.LAPSED,
        Sign.SILENT_LIMIT: Stage.GONE,
    },
    Stage.AT_RISK: {
        Sign.SETTLED: Stage.WON_BACK,
        Sign.RISK_CALM: Stage.ACTIVE,
        Sign.RISK_ELEVATED: Stage.SLIPPING,
        Sign.SILENT_HORIZON: Stage.LAPSED,
        Sign.SILENT_LIMIT: Stage.GONE,
    },
    Stage.LAPSED: {
        Sign.ACTED: Stage.WON_BACK,
        Sign.SETTLED: Stage.WON_BACK,
        Sign.SILENT_LIMIT: Stage.GONE,
    },
    Stage.WON_BACK: {
        Sign.ACTED: Stage.NEW,
        Sign.SETTLED: Stage.ACTIVE,
        Sign.RISK_ELEVATED: Stage.SLIPPING,
        Sign.RISK_HIGH: Stage.AT_RISK,
        Sign.SILENT_HORIZON: Stage.LAPSED,
        Sign.SILENT_LIMIT: Stage.GONE,
    },
    Stage.GONE: {
        Sign.ACTED: Stage.WON_BACK,
        Sign.SETTLED: Stage.WON_BACK,
    },
}


def move(stage: Stage, sign: Sign) -> Stage:
    """Return the stage after a sign; a sign that a stage does not know leaves it where it is."""
    return TRANSITIONS[stage].get(sign, stage)
