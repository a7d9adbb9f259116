"""Nothing leaks from later: what was said is the same if the log ends there."""

import csv
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import synthetic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.core.inputs import Acted, WatermarkPassed
from streams.core.partition import Partition
from streams.core.rules import Rules
from streams.core.scoring import F64
from streams.core.time import HOUR_MS
from streams.replay.backtest import Asked, Backtest
from streams.replay.files import EventLog
from streams.replay.instants import instant_ms, short_iso
from streams.replay.points import read_points
from streams.replay.rulebook import redefined, rules_at
from tests.unit.core.stories import GRANTED, ToldScorer, by_silence, rules_of

NOW_MS = 1_600_000_000_000
DAYS = 24
Row = tuple[int, str, str, str]


class Told(NamedTuple):
    """What a back-test wrote, each row as (user, instant, probability)."""

    scores: set[tuple[str, ...]]
    risk: set[tuple[str, ...]]
    alerts: set[tuple[str, ...]]

    def up_to(self, at_ms: int, newest_ms: int) -> "Told":
        """Return what was said up to an instant; risk and alerts up to the newest event."""
        ends = (at_ms, newest_ms, newest_ms)
        return Told(*({row for row in rows if instant_ms(row[1]) <= end}
                      for rows, end in zip(self, ends, strict=True)))  # fmt: skip


def eager(horizon_days: float) -> Rules:
    """Return rules under which a model is listened to after a handful of examples."""
    rules = redefined(
        rules_at(""), horizon_days=horizon_days, min_active_days=2, kinds=("visit", "purchase")
    )
    alert = msgspec.structs.replace(rules.alert, examples_min=10)
    return msgspec.structs.replace(rules, alert=alert)


def told(rows: list[Row], rules: Rules) -> Told:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = synthetic.log(folder / "log.csv", rows)
        points = ["user_id,at"]
        for hour in range(4 * 24, (DAYS + 3) * 24, 50):
            at = short_iso(synthetic.START_MS + hour * HOUR_MS)
            points += [f"用户{number},{at}" for number in range(9)]
        (folder / "points.csv").write_text("\n".join(points), encoding="utf-8")
        paths = [folder / f"{name}.csv" for name in Told._fields]
        scores, risk, alerts = map(str, paths)
        asked = Asked(
            points=read_points(str(folder / "points.csv")), scores=scores, risk=risk, alerts=alerts,
            since_ms=0, partitions=1,
        )  # fmt: skip
        Backtest(rules, asked, NOW_MS).run(EventLog(log, block_rows=37).blocks())
        return Told(*(set(map(tuple, list(csv.reader(path.open()))[1:])) for path in paths))


habits = st.tuples(st.integers(0, 9 * 24), st.integers(2, 90), st.integers(1, 40))
"""When a user comes first, every how many hours then, and how often: some leave, some stay."""


def rows_of(users: list[tuple[int, int, int]]) -> list[Row]:
    made = []
    for number, (first, every, visits) in enumerate(users):
        for visit in range(visits):
            hour = first + visit * every + (visit * visit * 7 + number) % every
            kind = ("visit", "purchase")[visit % 2]
            at_ms = synthetic.START_MS + hour * HOUR_MS
            if hour < DAYS * 24:
                made.append((at_ms, f"用户{number}", kind, "12.5" if kind == "purchase" else ""))
    return sorted(made)


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(habits, min_size=4, max_size=9),
    st.floats(0.3, 0.95),
    st.sampled_from([3.0, 6.0, 11.0]),
)
def test_scores_risk_and_alerts_do_not_know_what_comes_later(
    users: list[tuple[int, int, int]], share: float, horizon_days: float
) -> None:
    rows, rules = rows_of(users), eager(horizon_days)
    newest_ms = rows[int(share * (len(rows) - 1))][0]
    earlier = [row for row in rows if row[0] <= newest_ms]
    until_ms = newest_ms + HOUR_MS
    if len(earlier) < len(rows):
        until_ms = min(until_ms, rows[len(earlier)][0])
    whole = told(rows, rules).up_to(until_ms, newest_ms)
    assert whole == told(earlier, rules).up_to(until_ms, newest_ms)


def test_the_law_above_sees_alerts_of_a_model_that_has_learned() -> None:
    """A law about nothing would hold as well."""
    rows = rows_of([(number * 7, 9 + 5 * number, 8 + 3 * number) for number in range(9)])
    found = told(rows, eager(3.0))
    assert len(found.scores) > 50
    assert len(found.risk) > 300
    assert len(found.alerts) > 5
    assert len({said for *_, said in found.risk}) > 100


def test_a_point_after_the_log_teaches_nothing_about_those_who_were_there() -> None:
    """A log ends because somebody cut it, not because everybody left."""
    rows = rows_of([(number, 11, 60) for number in range(9)])
    rules = eager(3.0)
    newest_ms = rows[-1][0]
    found = told(rows, rules)
    assert all(instant_ms(at) <= newest_ms for _, at, *_ in found.risk | found.alerts)
    last = max(instant_ms(at) for _, at, _ in found.scores)
    assert last > newest_ms + 2 * 24 * HOUR_MS, "there are points after the end"


class Witness:
    """Sees what a partition says."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, float, float]] = Counter()

    def risk(self, user_ids: list[str], at_ms: F64, reach: F64) -> None:
        self.seen.update(zip(user_ids, at_ms.tolist(), reach.tolist(), strict=True))

    def alert(self, user_id: str, at_ms: int) -> None:
        self.seen[user_id, float(at_ms), 2.0] += 1


LATE = rules_of(GRANTED.replace("lateness: 0s", "lateness: 12h"))
arrivals = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 40 * 24), st.integers(0, 36)),
    min_size=2, max_size=50,
)  # fmt: skip
"""User, hour at which an event arrives, hours by which it is late."""


def witnessed(inputs: list[Acted | WatermarkPassed]) -> Counter[tuple[str, float, float]]:
    witness = Witness()
    scorer = ToldScorer(by_silence, LATE.churn.horizon_ms)
    partition = Partition(0, LATE, scorer, is_shadow=True, observer=witness)
    partition.apply(list(inputs))
    return witness.seen


@settings(max_examples=150)
@given(arrivals, st.floats(0.1, 0.9))
def test_late_events_take_nothing_back_that_was_said_before_they_came(
    made: list[tuple[str, int, int]], share: float
) -> None:
    inputs: list[Acted | WatermarkPassed] = []
    for number, (user, hour, late) in enumerate(sorted(made, key=lambda row: row[1])):
        at_ms = synthetic.START_MS + (hour - min(late, hour)) * HOUR_MS
        inputs.append(Acted(user, f"{number}", at_ms, 1.0))
        inputs.append(WatermarkPassed(synthetic.START_MS + (hour - 12) * HOUR_MS))
    before = witnessed(inputs[: int(share * len(inputs))])
    assert before <= witnessed(inputs)


@pytest.mark.parametrize("until", [0.4, 0.8])
def test_the_law_of_late_events_sees_late_events(until: float) -> None:
    made = [("abc"[hour % 3], hour, 11 * (hour % 2)) for hour in range(0, 40 * 24, 31)]
    inputs: list[Acted | WatermarkPassed] = [
        Acted(user, f"{hour}", synthetic.START_MS + max(0, hour - late) * HOUR_MS, 1.0)
        for user, hour, late in made
    ]
    before = witnessed(inputs[: int(until * len(inputs))])
    assert sum(before.values()) > 20
    assert before <= witnessed(inputs)
