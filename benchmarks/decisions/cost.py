"""What deciding costs: CPU of one user who has a due timer, and of one who has not.

    python -m benchmarks.decisions.cost [--worlds ROUNDS] [--json]

The best of several rounds counts: a machine that does something else as well makes it slower only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from benchmarks.decisions.promised import arguments, tell
from streams.core.inputs import Acted, Cause, Score, Scored, Terms, TimerFired
from streams.core.rules import Rules
from streams.core.rules_file import parse_rules
from streams.core.state import Column, UserState, blank
from streams.core.step import step
from streams.core.time import DAY_MS, HOUR_MS

RULES: Final = """
mode: live
churn: {horizon: 30d, min_active_days: 2}
contact: {consent_default: granted, zone: UTC}
holdout: {share: %s}
playbooks: [{name: care, steps: [{channel: push, template_key: a},
  {channel: push, template_key: b, wait: 3d}, {channel: push, template_key: c, wait: 3d}]}]
"""
START_MS: Final = 1_483_228_800_000
CALLS: Final = 4_000
TERMS: Final = Terms("live")


def _score(reach: float) -> Score:
    return Score(reach, "told", 1_000, (Cause("silence", 1.0, 0.2),), 0.0, None, b"\0" * 160)


def _user(rules: Rules) -> UserState:
    """Return a user whose case has had its first step."""
    state = blank(0.0)
    for day in range(3):
        state = step(state, Acted("ada", f"e{day}", START_MS + day * DAY_MS, 1.0), rules).state
    noon_ms = START_MS + 12 * DAY_MS + 12 * HOUR_MS
    return step(state, Scored("ada", noon_ms, _score(0.8), terms=TERMS), rules).state


def _best_us(call: Callable[[], object], rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(CALLS):
            call()
        best = min(best, (time.process_time() - began) / CALLS)
    return best * 1e6


def main() -> None:
    """Measure and tell."""
    args = arguments(__doc__, 25)
    live, held = (parse_rules(RULES % share) for share in ("0.0", "0.999999"))
    found = {}
    for name, rules, hour, what in (
        ("send", live, 12, "record and message composed"),
        ("holdout", held, 12, "record composed"),
        ("defer", live, 23, "at night"),
    ):
        state = _user(rules)
        assert state.profile.case is not None
        at_ms = int(state[Column.DUE]) // DAY_MS * DAY_MS + hour * HOUR_MS
        due = TimerFired("ada", at_ms, _score(0.9), 0, TERMS)
        spent = _best_us(lambda: step(state, due, rules), args.worlds)  # noqa: B023 (called at once)
        found[f"journey.{name}_us"] = (spent, what)
    tell(found, as_json=args.json)


if __name__ == "__main__":
    main()
