"""When everybody goes silent at once: a real log that dries up, and an outage of the source.

    python -m benchmarks.decisions.worlds storm

The log of `ansible_git` (WINBACK_DATA names the directory that it lies in) is replayed live with a
budget. In 2020 the project moved to other repositories, and its committers with it.
"""

from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Final

import msgspec

from streams.core.inputs import Acted, WatermarkPassed
from streams.core.messages import BudgetStatus
from streams.core.outbox import DECISIONS, TOUCHES
from streams.core.rules import Rules
from streams.core.rules_file import parse_rules
from streams.core.time import DAY_MS, HOUR_MS
from streams.replay.blocks import Window
from streams.replay.files import EventLog
from streams.replay.fleet import Accepted, Fleet
from streams.replay.instants import instant_ms
from streams.simulation.catalogue import SCENARIOS
from streams.simulation.known import KnownScorer
from streams.simulation.referee import Referee
from streams.simulation.rulebook import written
from streams.simulation.run import Applied, DecisionMessage, Message, Said, TouchMessage
from streams.simulation.simulate import Choices, simulated

LOG: Final = Path(os.environ.get("WINBACK_DATA", "data"), "ansible_git", "events.csv.gz")
BUDGET: Final = 4
FROM, SINCE, UNTIL = "2017-07-01T00:00:00Z", "2019-07-01T00:00:00Z", "2021-01-01T00:00:00Z"
STEP_MS: Final = 12 * HOUR_MS
RULES: Final = {
    "mode": "live",
    "churn": {"horizon": "90d", "min_active_days": 5},
    "lateness": "0s",
    "alert": {"probability": 0.5, "exit": 0.3, "elevated": 0.25, "examples_min": 0},
    "holdout": {"share": 0.1, "salt": "storm"},
    "contact": {"consent_default": "granted", "zone": "UTC",
                "quiet_hours": {"start": "21:00", "end": "09:00"},
                "caps": [{"touches": 2, "per": "14d"}]},
    "budget": {"touches_per_day": BUDGET, "every": "1h"},
    "playbooks": [{"name": "mail", "close_after": "3d",
                   "steps": [{"channel": "email", "template_key": "hello", "expires": "1d"}]}],
}  # fmt: skip

_MESSAGES: Final = {
    TOUCHES: msgspec.json.Decoder(TouchMessage),
    DECISIONS: msgspec.json.Decoder(DecisionMessage),
}


class _Told:
    """What a log led to: inputs as they counted, and messages, step by step."""

    def __init__(self) -> None:
        self.applied: list[Applied] = []
        self.said: list[Said] = []


def replayed(path: Path, rules: Rules) -> _Told:
    """Run a log through one live partition, half a day at a time."""
    fleet = Fleet(rules, KnownScorer(float(rules.churn.horizon_ms)), partitions=1, now_ms=1 << 42)
    told, step, end_ms = _Told(), 0, 0
    partition = fleet.partitions[0]
    window = Window(since_ms=_ms(FROM), until_ms=_ms(UNTIL))
    for block in window.of(EventLog(str(path)).blocks()):
        accepted: Accepted = fleet.accept(block)
        begin = 0
        for place, at_ms in enumerate(accepted.times_ms):
            end_ms = end_ms or at_ms // STEP_MS * STEP_MS + STEP_MS
            while at_ms >= end_ms:
                partition.apply([*accepted.inputs[begin:place], WatermarkPassed(end_ms - 1)])
                _collect(fleet, told, step)
                begin, step, end_ms = place, step + 1, end_ms + STEP_MS
            signal = accepted.inputs[place]
            assert isinstance(signal, Acted)
            told.applied.append(Applied(step, at_ms, signal))
        partition.apply(accepted.inputs[begin:])
    _collect(fleet, told, step)
    return told


def _collect(fleet: Fleet, told: _Told, step: int) -> None:
    for stream, number, records in fleet.take():
        if stream in _MESSAGES:
            for record in records:
                message: Message = _MESSAGES[stream].decode(record.value)
                told.said.append(Said(step, number, message))


def _ms(text: str) -> int:
    return instant_ms(text, None)


def _of_log() -> dict[str, tuple[float, str]]:
    if not LOG.exists():
        print(f"- storm of a real log                NOT MEASURED: no {LOG}", file=sys.stderr)
        return {}
    rules = parse_rules(written(RULES), "rules of the storm")
    told = replayed(LOG, rules)
    referee = Referee(rules, RULES)
    referee.watch(told)
    days: defaultdict[str, list[BudgetStatus]] = defaultdict(list)
    for said in told.said:
        message = said.message
        if isinstance(message, BudgetStatus) and SINCE <= message.at < UNTIL:
            days[message.day].append(message)
    used = {day: found[-1].used["message"] for day, found in days.items()}
    fused = [day for day, found in days.items() if any(status.is_fused for status in found)]
    faults = Counter(broken.rule for broken in referee.violations)
    waiting = max(found[-1].waiting for found in days.values())
    return {
        "storm.over_budget": (
            float(sum(number > BUDGET for number in used.values())),
            f"{len(used)} days, {BUDGET} a day, up to {waiting} users waiting",
        ),
        "storm.violations": (
            float(faults.total()),
            f"{FROM[:7]} to {UNTIL[:7]}, {referee.touches:,} touches",
        ),
        "storm.fused_days": (float(len(fused)), f"the first on {min(fused, default='none')}"),
        "storm.touches": (float(sum(used.values())), ""),
    }


def _of_outage() -> dict[str, tuple[float, str]]:
    scenario = msgspec.structs.replace(
        SCENARIOS["outage"], users=900, days=40, horizon_days=6.0, partitions=1,
        outages=(msgspec.structs.replace(SCENARIOS["outage"].outages[0], begin=24.0, days=4.0),),
    )  # fmt: skip
    sections = {"budget": {"touches_per_day": 10, "calls_per_day": 3}}
    run = simulated(scenario, 1, Choices(sections=sections)).run
    statuses = [said.message for said in run.said if isinstance(said.message, BudgetStatus)]
    over = sum(
        status.used[kind] > status.share[kind] for status in statuses for kind in status.used
    )
    dark_ms = run.world.start_ms + 24 * DAY_MS
    fused = [_ms(status.at) for status in statuses if status.is_fused]
    first_ms = min((at_ms for at_ms in fused if at_ms >= dark_ms), default=run.world.end_ms)
    hours = (first_ms - dark_ms) / HOUR_MS
    return {
        "storm.outage_over": (float(over), "4 days without a log"),
        "storm.outage_fuse_hours": (hours, "from the begin of the outage"),
    }


def measured() -> dict[str, tuple[float, str]]:
    """Return the figures of both storms."""
    return _of_log() | _of_outage()
