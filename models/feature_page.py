"""The page ``docs/features.md``, written from the list of features."""

from __future__ import annotations

import sys

from models.feature_list import FEATURES, PLAIN_WIDTH, RHYTHM_WIDTH, WIDTH, Feature

_HEAD = f"""# Features

Written by `python -m models.feature_page > docs/features.md` from `models/feature_list.py`; change
it there.

What the hazard model knows of a user at an instant. All of it is a pure function of
the {RHYTHM_WIDTH} numbers kept per user (`Rhythm`), relative to the horizon H, and defined for
every later instant of silence.

The first {PLAIN_WIDTH} are every model's. The other {WIDTH - PLAIN_WIDTH} are used where the rules
name more than two `kinds`, or `traits_told_apart`; a column for which they name nothing is 0.

- Unit `U = H/4`. `D_h`, `E_h`: active days and events, decayed with half-life h. `A_h`: the same
  sum of log(1 + amount). `K0_h` … `K5_h`: events of the kinds named in the rules, in their order.
  `T0` … `T4`: the traits told apart, in the order of the rules. A trait that was told later than
  the instant is not known at it.
- `rec`, `ten`: time since the last and the first event, whose instants are `last` and `first`;
  `nd`: active days.
- A gap is the time since the last event at the first event of a new active day, at least .02 U.
  `mg`: running mean of gaps; `mlg`, `m2`: running means of log(gap/U) and of its square.
- `S(s)`: weight of the user's own gaps longer than s, from a fading histogram with edges
  U x (1/8, 1/4, 1/2, 1, 2, 4) and two pseudo-gaps. `slots`: the last 16 periods of H/32.
- Of products: `lg4 = log(D_H + .02)`, `lg6 = log(D_{{4H}} + .02)`, `b16 = log1p popcount(slots)`,
  `lnd = log min(nd, 256)`, `ew`: running mean of log(1 + events) over completed active days
  (on the first day: of today).

The group is the reason code that a feature speaks for on an alert.

| # | name | formula | unit | group | why |
|--:|---|---|---|---|---|
"""


def feature_page() -> str:
    """Return the page as Markdown."""
    return _HEAD + "".join(_row(place, feature) for place, feature in enumerate(FEATURES, start=1))


def _row(place: int, feature: Feature) -> str:
    name, formula, unit, group, why = feature
    return f"| {place} | `{name}` | `{formula}` | {unit} | {group} | {why} |\n"


if __name__ == "__main__":
    sys.stdout.write(feature_page())
