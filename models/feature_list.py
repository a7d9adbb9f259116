"""What is kept per user for the model, and the 40 features that are made of it.

The first 31 are every deployment's. The other nine speak of what a deployment configures beyond
that: more than two kinds of events, and profile traits. They are 0 where nothing is configured.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum
from functools import cache
from typing import Final, NamedTuple


class Rhythm(IntEnum):
    """Columns of the numeric head of a user's state; decayed sums are kept at ``LAST``."""

    FIRST = 0  # Instant of the first activity, epoch ms UTC.
    LAST = 1  # Instant of the last activity, epoch ms UTC.
    ACTIVE_DAYS = 2  # Active UTC days ever.
    DAYS_30TH = 3  # Active days decayed with half-life H/30; then H/10, H/2, H, 2H, 4H, 8H.
    DAYS_10TH = 4
    DAYS_HALF = 5
    DAYS_1 = 6
    DAYS_2 = 7
    DAYS_4 = 8
    DAYS_8 = 9
    EVENTS_30TH = 10  # Events decayed with half-life H/30.
    EVENTS_8 = 11  # Events decayed with half-life 8H.
    AMOUNT_1 = 12  # Sum of log(1 + amount) decayed with half-life H.
    AMOUNT_4 = 13  # The same with half-life 4H.
    KIND0 = 14  # Events of the first named kind, half-life H.
    KIND1 = 15  # Events of the second named kind, half-life H.
    GAPS = 16  # Gaps between active days, counted.
    GAP_LOG_MEAN = 17  # Running mean of log(gap/U).
    GAP_LOG_SQUARE = 18  # Running mean of log(gap/U) squared.
    GAP_MEAN = 19  # Running mean of gaps, in units of U.
    GAP_0 = 20  # Fading histogram of gaps: edges U/8, U/4, U/2, U, 2U, 4U.
    GAP_1 = 21
    GAP_2 = 22
    GAP_3 = 23
    GAP_4 = 24
    GAP_5 = 25
    GAP_6 = 26
    SLOTS = 27  # Which of the last 16 slots of H/32 were active; bit 0 is the slot of LAST.
    DAY_EVENTS = 28  # Events of the current active day.
    DAY_LOG_MEAN = 29  # Running mean of log(1 + events) over completed active days.
    KIND2 = 30  # Events of the third named kind, half-life H; then the fourth, fifth, sixth.
    KIND3 = 31
    KIND4 = 32
    KIND5 = 33
    TRAITS = 34  # Bits 0-4: which traits told apart the user has; 5-9: had before TRAITS_AT.
    TRAITS_AT = 35  # Instant from which the newer bits hold, epoch ms UTC; 0 = always.


RHYTHM_WIDTH: Final = len(Rhythm)

KIND_COLUMNS: Final = (
    Rhythm.KIND0,
    Rhythm.KIND1,
    Rhythm.KIND2,
    Rhythm.KIND3,
    Rhythm.KIND4,
    Rhythm.KIND5,
)
KINDS_MAX: Final = len(KIND_COLUMNS)
PLAIN_KINDS: Final = 2  # So many are among the first 31 features.
TRAITS_MAX: Final = 5
TRAIT_BITS: Final = (1 << TRAITS_MAX) - 1

PERIODS_PER_HORIZON: Final = 4  # U = H/4: half of it costs twice as much and ranks no better.
SLOTS_PER_HORIZON: Final = 32
SLOTS_KEPT: Final = 16
GAP_LEAST: Final = 0.02  # In units of U: keeps log(gap) of the same minute finite.
GAP_EDGES: Final = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)  # In units of U.
GAP_END: Final = 32.0  # In units of U: where the last, open bin is taken to end.
GAP_PRIOR: Final = (0.90, 0.24, 0.24, 0.20, 0.16, 0.12, 0.14)  # Two pseudo-gaps.
START_GAP_LOG_MEAN: Final = -0.6931471805599453  # log .5: rhythm of a user without a gap.
START_GAP_LOG_SQUARE: Final = START_GAP_LOG_MEAN**2 + 1.5
START_GAP_MEAN: Final = 1.0


class Feature(NamedTuple):
    """One column of the design matrix; ``group`` is the reason code it speaks for."""

    name: str
    formula: str
    unit: str
    group: str
    why: str


FEATURES: Final = (
    Feature("ld3", "log1p D_{H/2}", "log days", "frequency", "active days of late"),
    Feature("lg0", "log(D_{H/30} + .02)", "log days", "recency", "active just now"),
    Feature("la16", "log1p A_{4H}", "log value", "value", "what the user brought, long"),
    Feature("lg7", "log(D_{8H} + .02)", "log days", "frequency", "active days, whole history"),
    Feature("lpr", "log((pr + .01)/(1.01 - pr))", "logit", "return_habit", "own return odds"),
    Feature(
        "z",
        "min(6, (log(max(rec, .02U)/U) - mlg)/slg)",
        "deviations",
        "silence",
        "silence against own rhythm",
    ),
    Feature("le0", "log1p E_{H/30}", "log events", "intensity", "events just now"),
    Feature("lten", "log1p(8 min(ten, 4H)/U)", "log U/8", "tenure", "new users leave sooner"),
    Feature("ld1", "log1p D_{H/10}", "log days", "recency", "active these days"),
    Feature("le7", "log1p E_{8H}", "log events", "intensity", "events, whole history"),
    Feature("lg3", "log(D_{H/2} + .02)", "log days", "frequency", "the same, sharp near nothing"),
    Feature("lg5", "log(D_{2H} + .02)", "log days", "frequency", "active days, two horizons"),
    Feature("over", "log1p(rec/mg)", "log ratio", "silence", "silence against own mean gap"),
    Feature("slg", "sqrt(max(m2 - mlg^2, .05))", "log U", "rhythm", "how regular the user is"),
    Feature("one", "1 if nd = 1", "0 or 1", "tenure", "came once"),
    Feature("b4", "log1p popcount(last 4 slots)", "log slots", "recency", "active in H/8"),
    Feature("lmg", "log(mg/U)", "log U", "rhythm", "own mean gap"),
    Feature(
        "pr",
        "1 - (S(rec + U) + .1)/(S(rec) + .15)",
        "probability",
        "return_habit",
        "share of own gaps this long that ended within U",
    ),
    Feature(
        "alive",
        "x = min(nd - 1, 60): clip(log(.7/(2.2 + max(x - 1, 0)))"
        " + (.5 + x) log((U + ten)/(U + last - first)), -8, 8); x = 0: -3",
        "logit",
        "silence",
        "odds that a buyer of this frequency has died",
    ),
    Feature("kd0", "log1p K0_H", "log events", "kinds", "events of the first named kind"),
    Feature("lrec", "log1p(8 rec/U)", "log U/8", "silence", "silence"),
    Feature("la4", "log1p A_H", "log value", "value", "what the user brought, of late"),
    Feature("kd1", "log1p K1_H", "log events", "kinds", "events of the second named kind"),
    Feature("mlg_z", "(mlg + .57)(z - .58)", "product", "silence", "rhythm bends silence"),
    Feature("lg4_lpr", "(lg4 - .69)(lpr + .49)", "product", "return_habit", "habit by days"),
    Feature("lrec_lg6", "(lrec - 2.5)(lg6 - 1.47)", "product", "silence", "silence by days"),
    Feature("lten_lg4", "(lten - 4.12)(lg4 - .69)", "product", "tenure", "days by tenure"),
    Feature("mlg_b16", "(mlg + .57)(b16 - .62)", "product", "rhythm", "rhythm by active slots"),
    Feature("lnd_ew", "(lnd - 1.97)(ew - 1.1)", "product", "intensity", "events a day by days"),
    Feature("slg_slg", "(slg - 1.22)^2", "product", "rhythm", "regularity bends"),
    Feature("lrec_slg", "(lrec - 2.5)(slg - 1.22)", "product", "silence", "silence by regularity"),
    Feature("kd2", "log1p K2_H", "log events", "kinds", "events of the third named kind"),
    Feature("kd3", "log1p K3_H", "log events", "kinds", "events of the fourth named kind"),
    Feature("kd4", "log1p K4_H", "log events", "kinds", "events of the fifth named kind"),
    Feature("kd5", "log1p K5_H", "log events", "kinds", "events of the sixth named kind"),
    Feature("tr0", "1 if it has T0", "0 or 1", "traits", "the first trait told apart"),
    Feature("tr1", "1 if it has T1", "0 or 1", "traits", "the second trait told apart"),
    Feature("tr2", "1 if it has T2", "0 or 1", "traits", "the third trait told apart"),
    Feature("tr3", "1 if it has T3", "0 or 1", "traits", "the fourth trait told apart"),
    Feature("tr4", "1 if it has T4", "0 or 1", "traits", "the fifth trait told apart"),
)
WIDTH: Final = len(FEATURES)
PLAIN_WIDTH: Final = 31  # Features of a model where nothing more is configured.
GROUPS: Final = tuple(dict.fromkeys(feature.group for feature in FEATURES))


def columns_in_use(kinds: int, traits: int) -> tuple[str, ...]:
    """Return the names of the features that a model should use under a configuration.

    Args:
        kinds: How many kinds of events are told apart.
        traits: How many traits are told apart.
    """
    width = PLAIN_WIDTH if kinds <= PLAIN_KINDS and not traits else WIDTH
    return tuple(feature.name for feature in FEATURES[:width])


@cache
def features_hash() -> str:
    """Return the name of this feature list; models and examples of another list are refused."""
    said = "\n".join(f"{f.name}={f.formula}" for f in FEATURES) + "|".join(Rhythm.__members__)
    return hashlib.sha256(said.encode()).hexdigest()[:16]
