"""Do timers come in herds: over a day, at the end of an outage, after a day of downtime?

    python -m benchmarks.silence_time [--users 1000000] [--lived 4000]

Timers of so many silent users are counted by minute of event time, as the deadlines say. What a
worker does that was away for a day is lived through, beside one that was not.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks import figures
from benchmarks.service_days import CHUNK, Days, Made, rules_of
from benchmarks.silence import lived as lived_values
from benchmarks.states import States, partition_record
from benchmarks.workload import Shape, make_log
from models.bgnbd import BgNbdScorer
from models.features import Rhythm
from streams.core.coverage import Coverage
from streams.core.inputs import OutageAnnounced
from streams.core.outbox import TOUCHES
from streams.core.partition import Partition
from streams.core.rules import Rules
from streams.core.state import WIDTH, Column, blank
from streams.core.time import DAY_MS, HOUR_MS, MINUTE_MS
from streams.core.timers import Timers

F64 = NDArray[np.float64]
DAYS: Final = 60
LIFE_DAYS: Final = 70.0
LIVED_DAYS: Final = 44
AFTERNOON_MS: Final = 8 * HOUR_MS
"""Four in the afternoon in Shanghai, when people may be written to."""
TEN_MS: Final = 10 * MINUTE_MS
BUDGET: Final = "\nbudget: {touches_per_day: 100000}\n"


def silent(users: int, rules: Rules, at_ms: float) -> F64:
    """Return the numbers of users as a log leaves them, all of them silent, shape (users, WIDTH).

    The last activities are those of a log, hour of the day and all, up to ``at_ms``.
    """
    log = make_log(Shape(20_000, DAYS, 3, life_days=LIFE_DAYS))
    last = np.zeros(20_000)
    np.maximum.at(last, log.users, log.times_s * 1_000.0)
    heads = np.tile(np.array(blank(0.0).head), (users, 1))
    heads[:, Rhythm.LAST] = at_ms - DAYS * DAY_MS + (np.resize(last, users) - last.min())
    heads[:, Rhythm.LAST] = np.minimum(heads[:, Rhythm.LAST], at_ms - MINUTE_MS)
    heads[:, Rhythm.FIRST] = heads[:, Rhythm.LAST] - DAYS * DAY_MS
    heads[:, Column.EVENTS] = heads[:, Rhythm.ACTIVE_DAYS] = 20.0
    heads[:, Column.PHASE] = [rules.phase_ms(f"silent-{number}") for number in range(users)]
    assert heads.shape == (users, WIDTH)
    return heads


def by_minute(timers: Timers, heads: F64, from_ms: float, days: int = 1) -> dict[str, F64]:
    """Return how many timers fire in each minute from an instant on: grid, checks and marks."""
    count, until = len(heads), float(from_ms + days * DAY_MS)
    starts, ends = np.full(count, from_ms), np.full(count, until - 1.0)
    found = {
        "grid": timers.grid_instants(heads, starts, ends).at_ms,
        "checks": timers.checks(heads, starts, ends).at_ms,
        "marks": timers.steps(heads, starts),
    }
    edges = from_ms + np.arange(days * 1_440 + 1) * float(MINUTE_MS)
    return {name: np.histogram(at_ms, edges)[0].astype(float) for name, at_ms in found.items()}


def spread(users: int) -> dict[str, float]:
    """Return how much the busiest minute of a day has over the mean one."""
    rules, midnight = rules_of(), float(20_700 * DAY_MS)
    heads = silent(users, rules, midnight)
    fired = by_minute(Timers(rules, Coverage()), heads, midnight)
    found = {
        f"{name}_busiest": float(per.max() / per.mean()) for name, per in fired.items() if per.any()
    }
    total = sum(fired.values(), start=np.zeros(1_440))
    return found | {
        "busiest_minute": float(total.max() / total.mean()),
        "midnight_minute": float(total[0] / total.mean()),
        "timers_per_user_day": float(total.sum() / users),
    }


def after_outage(users: int) -> dict[str, float]:
    """Let a day of outage pass over users who are awake; return what its end costs and brings."""
    values, watermark_ms = lived_values()["awake"]
    rules = rules_of()
    partition = Partition(0, rules, BgNbdScorer(rules.churn.horizon_ms))
    partition.restore(States(values, users, partition_record(rules, watermark_ms)))
    start = watermark_ms + HOUR_MS
    usual = [_passed(partition, watermark_ms + n * TEN_MS) for n in range(1, 7)][1:]
    partition.apply([OutageAnnounced(start, float(start), float(start + DAY_MS))])
    _passed(partition, start + DAY_MS)
    end = _passed(partition, start + DAY_MS + 1_000)
    after = [_passed(partition, start + DAY_MS + n * TEN_MS) for n in range(1, 7)]
    mean = {name: sum(each[name] for each in usual) / len(usual) for name in end}
    return {
        "stall_us": end["cpu_s"] / users * 1e6,
        "examples": (end["examples"] + after[0]["examples"]) / max(1.0, mean["examples"]),
        "touches_at_its_end": end["touches"] + after[0]["touches"],
        "touches_after_that": sum(each["touches"] for each in after[1:]),
        "touches_of_a_usual_day": mean["touches"] * 144,
    }


def _passed(partition: Partition, to_ms: int) -> dict[str, float]:
    """Let time pass; return what that took and made."""
    began = time.process_time()
    partition.advance(to_ms)
    cpu_s, harvest = time.process_time() - began, partition.take()
    touches = harvest.outputs.get(TOUCHES, ())
    return {"cpu_s": cpu_s, "examples": harvest.counts["examples"], "touches": len(touches)}


def lived(users: int, *, is_away: bool, more: str = "") -> tuple[list[Made], int]:
    """Live through the days, one of them away or not; return what was made, and that day's end."""
    days = Days(rules_of(more), Shape(users, DAYS, 5, life_days=LIFE_DAYS))
    away_ms = days.start_ms + (LIVED_DAYS - 4) * DAY_MS + AFTERNOON_MS
    days.live_until(away_ms)
    if is_away:
        days.sleep_until(away_ms + DAY_MS)
    days.live_until(days.start_ms + LIVED_DAYS * DAY_MS)
    return days.made, away_ms + DAY_MS


def downtime(users: int, more: str = "") -> dict[str, float]:
    """Return what a worker makes that was away for a day, over one that was not."""
    kept, end_ms = lived(users, is_away=False, more=more)
    late, _ = lived(users, is_away=True, more=more)
    made = {name: _made(all_of, end_ms) for name, all_of in (("kept", kept), ("late", late))}
    return {
        **{
            f"{what}_over_usual": made["late"][f"day_{what}"] / max(1, made["kept"][f"day_{what}"])
            for what in ("examples", "timers", "decisions", "touches")
        },
        "touches_a_day": made["kept"]["day_touches"],
        "touches_at_once": made["late"]["at_once"],
        "touches_at_once_usually": made["kept"]["most_in_an_hour"],
        "examples_per_chunk_most": made["late"]["examples_most"],
    }


def _made(all_of: list[Made], end_ms: int) -> dict[str, float]:
    """Return what was made in the day up to an instant and the day after it, and how much at once.

    Touches put off in a backlog leave behind it, so both days are looked at.
    """
    day = [made for made in all_of if end_ms - DAY_MS < made.wall_ms <= end_ms + DAY_MS]
    hours = Counter(made.wall_ms for made in all_of for _ in made.touch_ms)
    return {
        "day_examples": sum(made.examples for made in day),
        "day_timers": sum(made.timers for made in day),
        "day_decisions": sum(made.decisions for made in day),
        "day_touches": sum(len(made.touch_ms) for made in day),
        "at_once": sum(len(made.touch_ms) for made in day if made.wall_ms == end_ms),
        "most_in_an_hour": max(hours.values(), default=0),
        "examples_most": max((made.examples for made in day), default=0),
    }


def main() -> None:
    """Measure, print JSON, record the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--lived", type=int, default=4_000)
    args = parser.parse_args()
    found = {"spread": spread(args.users), "outage": after_outage(25 * args.lived)}
    print(json.dumps(found, indent=1), flush=True)
    found["downtime"] = downtime(args.lived)
    found["downtime_with_budget"] = downtime(args.lived, BUDGET)
    print(json.dumps(found, indent=1))
    note = f"{args.users:,} silent users, by minute of event time"
    figures.record("timers_busiest_minute", found["spread"]["busiest_minute"], note=note)
    figures.record("timers_midnight_minute", found["spread"]["midnight_minute"], note=note)
    note = f"{args.lived * 25:,} users awake, an outage of a day, announced"
    figures.record("outage_stall_us", found["outage"]["stall_us"], note=note)
    figures.record("outage_examples", found["outage"]["examples"], note=note)
    note = f"{args.lived:,} users, a day away, chunks of {CHUNK:,}, the day and the one after it"
    for what in ("examples", "touches"):
        figures.record(f"catch_up_{what}", found["downtime"][f"{what}_over_usual"], note=note)
    most = found["downtime"]["touches_at_once_usually"]
    figures.record(
        "catch_up_at_once", found["downtime"]["touches_at_once"] / max(1.0, most), note=note
    )


if __name__ == "__main__":
    main()
