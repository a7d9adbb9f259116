"""Back-test: nothing leaks from later, and the files are what was promised."""

import csv
from pathlib import Path
from typing import Any

import pytest
import synthetic

from streams.core.rules import Rules
from streams.errors import UserError
from streams.replay.backtest import Asked, Backtest
from streams.replay.files import EventLog
from streams.replay.instants import instant_ms, short_iso
from streams.replay.points import read_points
from streams.replay.rulebook import most_frequent_kinds, redefined, rules_at

NOW_MS = 1_600_000_000_000
DAYS = 90


def rules_of(log: str) -> Rules:
    kinds = most_frequent_kinds(EventLog(log).head(), rules_at(""))
    return redefined(rules_at(""), horizon_days=12, min_active_days=3, kinds=kinds)


def backtested(log: str, rules: Rules, **asked: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "points": None, "scores": None, "risk": None, "alerts": None,
        "since_ms": 0, "partitions": 1,
    } | asked  # fmt: skip
    test = Backtest(rules, Asked(**given), NOW_MS)
    return test.run(EventLog(log, block_rows=97).blocks())


def written(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("points") / "points.csv"
    lines = ["user_id,at"]
    for day in range(30, DAYS - 12, 7):
        at = short_iso(synthetic.START_MS + day * synthetic.DAY_MS)
        lines += [f"用户{number},{at}" for number in range(0, 40, 2)]
    lines.append(f"nobody,{at}")
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def scores_of(
    log: str, points: str, folder: Path, **asked: Any
) -> tuple[list[list[str]], dict[str, Any]]:
    scores = folder / "scores.csv"
    summary = backtested(log, rules_of(log), points=read_points(points),
                            scores=str(scores), **asked)  # fmt: skip
    return written(scores), summary


def test_points_are_scored_with_full_precision(small_log: str, points: str, tmp_path: Path) -> None:
    rows, summary = scores_of(small_log, points, tmp_path)
    assert summary["points"]["scored"] == len(rows) == summary["points"]["asked"] - 1
    assert all(0.0 <= float(said) <= 1.0 and repr(float(said)) == said for _, _, said in rows)
    assert summary["examples_learned"] > 300
    assert summary["points"]["auc"] > 0.5


@pytest.mark.parametrize("day", [44.4, 65.0, 72.0])
def test_scores_do_not_change_when_the_log_ends_earlier(
    small_log: str, points: str, tmp_path: Path, day: float
) -> None:
    until_ms = int(synthetic.START_MS + day * synthetic.DAY_MS)
    prefix = [row for row in synthetic.rows(40, DAYS) if row[0] < until_ms]
    short = synthetic.log(tmp_path / "small.csv", prefix)
    rules = rules_of(small_log)
    found = []
    for log in (small_log, short):
        test = read_points(points)
        backtested(log, rules, points=test, scores=str(tmp_path / "scores.csv"))
        found.append({(row[0], row[1]): row[2] for row in written(tmp_path / "scores.csv")})
    whole, part = found
    early = {key for key in whole if instant_ms(key[1]) <= until_ms}
    assert len(early) > 30
    assert {key: whole[key] for key in early} == {key: part[key] for key in early}


def test_risk_and_alerts_change_no_score_and_depend_on_no_partition(
    small_log: str, points: str, tmp_path: Path
) -> None:
    since_ms = synthetic.START_MS + 30 * synthetic.DAY_MS
    alone, _ = scores_of(small_log, points, tmp_path)
    found = []
    for partitions in (1, 3):
        files = {name: str(tmp_path / f"{name}.csv") for name in ("risk", "alerts")}
        scores, summary = scores_of(small_log, points, tmp_path, since_ms=since_ms,
                                    partitions=partitions, **files)  # fmt: skip
        assert scores == alone
        risk, alerts = written(tmp_path / "risk.csv"), written(tmp_path / "alerts.csv")
        found.append((sorted(risk), sorted(alerts), summary["alerts"]))
    assert found[0] == found[1]
    assert len(alerts) == summary["alerts"]["cases_opened"] > 0
    assert all(instant_ms(at) >= since_ms for _, at, *_ in risk + alerts)
    assert {len(at) for _, at, *_ in risk + alerts} == {len("2017-01-01T00:00:00.000Z")}
    assert all(0.0 <= float(said) <= 1.0 for *_, said in risk)
    assert {user for user, _ in alerts} <= {user for user, _, _ in risk}
    assert summary["alerts"]["project"]["alerts"] <= len(alerts)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("user,at\n", "no columns user_id and at"),
        ("user_id,at\n", "no point"),
        ("user_id,at\nada,soon\n", "line 2"),
        ("user_id,at\nada\n", "line 2"),
    ],
)
def test_bad_points_are_refused_in_words(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=says):
        read_points(str(path))
