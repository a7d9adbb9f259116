"""What the rules tell apart is learned: a trait, and a third kind of event, that decide who leaves.

The same log is back-tested with and without a line in the rules; nothing else differs.
"""

import json
import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from streams.cli import winback
from streams.replay.instants import short_iso

DAY_MS = 86_400_000
SHIFT_MS = DAY_MS // 3
START_MS = 1_483_228_800_000  # 2017-01-01
USERS, DAYS, HORIZON = 200, 70, 8

Day = Callable[[random.Random, bool], tuple[list[str], bool]]
"""Chance and whether one is marked → the events of an active day, and whether it is the last."""


def by_plan(chance: random.Random, is_marked: bool) -> tuple[list[str], bool]:  # noqa: FBT001
    """Users with a trial plan leave fifteen times as often."""
    return ["visit"], chance.random() < (0.12 if is_marked else 0.008)


def by_ticket(chance: random.Random, is_marked: bool) -> tuple[list[str], bool]:  # noqa: FBT001
    """Whoever opens a ticket leaves within the next active days, as often as not."""
    del is_marked
    if chance.random() < 0.06:
        return ["visit", "ticket_opened"], chance.random() < 0.6
    return ["visit", "like"], chance.random() < 0.006


def written(folder: Path, day: Day) -> tuple[str, str]:
    """Write a log and the points to score, a few hours after activities; return their paths."""
    chance = random.Random(5)
    events: list[tuple[int, str, str, dict[str, str]]] = []
    points: list[tuple[int, str]] = []
    for number in range(USERS):
        user, is_marked = f"u{number}", number % 3 == 0
        at = START_MS + chance.uniform(0, 0.7 * DAYS) * DAY_MS
        plan = {"plan": "trial" if is_marked else "pro"}
        events.append((round(at), user, "traits_set", plan))
        is_over = False
        while not is_over and at < START_MS + DAYS * DAY_MS:
            names, is_over = day(chance, is_marked)
            events += [(round(at) + place, user, name, {}) for place, name in enumerate(names)]
            if START_MS + 30 * DAY_MS < at < START_MS + (DAYS - HORIZON - 1) * DAY_MS:
                points.append(((round(at) // SHIFT_MS + 1) * SHIFT_MS, user))
            at += chance.uniform(0.6, 1.6) * DAY_MS
    events.sort(key=lambda event: event[0])
    log, asked = folder / "log.jsonl", folder / "points.csv"
    with log.open("w", encoding="utf-8") as out:
        for at_ms, user, name, properties in events:
            line = {
                "user_id": user,
                "event": name,
                "ts": short_iso(at_ms),
                "properties": properties,
            }
            out.write(msgspec.json.encode(line).decode() + "\n")
    rows = [f"{user},{short_iso(at_ms)}" for at_ms, user in points]
    asked.write_text("\n".join(["user_id,at", *rows, ""]), encoding="utf-8")
    return str(log), str(asked)


def auc(folder: Path, log: str, points: str, rules: str) -> float:
    """Return how well a back-test ranks users who were active within the last eight hours."""
    path, scores = folder / "rules.yaml", str(folder / "scores.csv")
    path.write_text(f"lateness: 0s\nalert: {{examples_min: 200}}\n{rules}", encoding="utf-8")
    arguments = ["backtest", log, "--horizon-days", str(HORIZON), "--min-active-days", "1",
                 "--points", points, "--scores", scores, "--rules", str(path),
                 "--json"]  # fmt: skip
    result = CliRunner().invoke(winback, arguments, standalone_mode=False)
    assert result.exception is None, result.output
    said = json.loads(result.stdout)["points"]
    assert said["scored"] > 1_500
    return float(said["auc"])


@pytest.mark.parametrize(
    ("day", "without", "with_it", "gain"),
    [
        (by_plan, "kinds: [visit]", "kinds: [visit]\ntraits_told_apart: [plan=trial]", 0.08),
        (by_ticket, "kinds: [visit, like]", "kinds: [visit, like, ticket_opened]", 0.2),
    ],
    ids=["a trait", "a third kind"],
)
def test_what_decides_about_leaving_is_learned_once_it_is_told_apart(
    tmp_path: Path, day: Day, without: str, with_it: str, gain: float
) -> None:
    log, points = written(tmp_path, day)
    plain, told = (auc(tmp_path, log, points, rules) for rules in (without, with_it))

    assert told > plain + gain
