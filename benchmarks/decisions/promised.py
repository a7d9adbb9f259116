"""What the proofs of choice and effect have to show, and how they are printed."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Final

from benchmarks.promise import Promise

DECISIONS: Final[dict[str, Promise]] = {
    "journey.send_us": Promise(
        "verdict and journey of a user with a due timer: a touch leaves", "µs", "<=", 10
    ),
    "journey.holdout_us": Promise("the same: the holdout withholds it", "µs", "<=", 10),
    "journey.defer_us": Promise("the same: it waits for the end of the night", "µs", "<=", 10),
    "effect.covered": Promise(
        "effect: worlds whose interval held the true return effect at every daily look",
        "",
        ">=",
        0.94,
    ),
    "effect.covered_value": Promise("the same of the net value per user", "", ">=", 0.94),
    "effect.false_alarm": Promise(
        "effect: A/A worlds ever told that contact moves returns", "", "<=", 0.06
    ),
    "effect.false_alarm_value": Promise("the same of the net value per user", "", "<=", 0.06),
    "effect.false_alarm_wald": Promise("the same of returns, by the usual interval of 95 %", ""),
    "effect.covered_least": Promise(
        "effect: covered in the hardest of eight kinds of worlds, either metric", "", ">=", 0.9
    ),
    "effect.width": Promise(
        "effect: width at the end against the interval of a single look", "", "<=", 1.7
    ),
    "effect.width_value": Promise("the same of the net value per user", "", "<=", 1.8),
    "effect.decided": Promise(
        "effect: worlds told so, where contact adds .05 to .1 to the return rate", "", ">=", 0.9
    ),
    "effect.days": Promise("the same worlds: median days until told", "days"),
    "bandit.regret": Promise(
        "bandit: regret against equal shares, answers at the next publication", "", "<=", 0.3333
    ),
    "bandit.regret_late": Promise("the same, answers a window later", "", "<=", 0.3333),
    "bandit.regret_seasonal": Promise(
        "the same, all rates moving by half with the season", "", "<=", 0.5
    ),
    "bandit.regret_turned": Promise("the same, the best becoming the worst half-way", ""),
    "bandit.regret_river": Promise(
        "River's Thompson sampling, told every answer at once, no floor", ""
    ),
    "offpolicy.error": Promise(
        "off-policy: distance of the doubly robust estimate from the truth, as a share, mean",
        "",
        "<=",
        0.05,
    ),
    "offpolicy.error_snips": Promise("the same of SNIPS", ""),
    "offpolicy.error_ips": Promise("the same of IPS", ""),
    "offpolicy.error_logged": Promise("the same of the mean of what was done", ""),
    "offpolicy.covered": Promise(
        "off-policy: worlds whose truth lay within 1.96 standard errors", "", ">=", 0.9
    ),
    "uplift.harm_gated": Promise(
        "uplift: true effect on value of all contacts, many sleeping dogs, with the gate",
        "",
        ">=",
        0.0,
    ),
    "uplift.harm_ungated": Promise("the same without the gate", "", "<=", 0.0),
    "uplift.harm_late": Promise(
        "the same with the gate: worlds that earn in the last third of the days", ""
    ),
    "uplift.earned": Promise(
        "uplift: value earned against the highest risk first, equal budget", "", ">=", 1.5
    ),
    "uplift.earned_ungated": Promise("the same against risk times value", "", ">=", 1.0),
    "uplift.gentle": Promise(
        "the same where contact does everybody the same good: what the gate costs", "", ">=", 0.95
    ),
    "uplift.residuals": Promise(
        "uplift: value by residuals on residuals less that by the model in force, the better kind",
        "",
        "<=",
        0.0,
    ),
}
"""Name of a figure to its promise."""


def arguments(doc: str | None, worlds: int) -> argparse.Namespace:
    """Return the arguments of a proof: ``--worlds`` and ``--json``."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--worlds", type=int, default=worlds)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def tell(found: dict[str, tuple[float, str]], *, as_json: bool) -> None:
    """Record the figures of a proof and print them; exit code 1 when a promise is broken.

    Args:
        found: Name to value and what exactly was measured.
        as_json: Print JSON.
    """
    from benchmarks import figures  # noqa: PLC0415 - it imports the promises of this module

    said = [figures.record(name, value, note=note) for name, (value, note) in found.items()]
    if as_json:
        rows = {figure.name: {"value": figure.value, "holds": figure.holds} for figure in said}
        print(json.dumps(rows, indent=2))
    else:
        figures.show(said)
    sys.exit(any(figure.holds is False for figure in said))
