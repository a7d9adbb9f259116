"""The grader: hand-made stories, and slow twins that say the same."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.promise import Promise
from benchmarks.quality import grade, silences
from benchmarks.quality.logs import DAY_MS, Log, cut, days_of, deal, instants_ms, read_log, stamp
from benchmarks.quality.points import Points, answers, course_points, points, write_points

answered = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.7, 1.0])),
    min_size=2, max_size=40,
).filter(lambda rows: 0 < sum(left for left, _ in rows) < len(rows))  # fmt: skip


def columns(rows: list[tuple[bool, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([left for left, _ in rows]), np.array([said for _, said in rows])


def log_of(*events: tuple[str, float]) -> Log:
    """Return a log of (user, day)."""
    ordered = sorted(events, key=lambda event: event[1])
    names = list(dict.fromkeys(user for user, _ in ordered))
    return Log(
        names,
        np.array([names.index(user) for user, _ in ordered]),
        np.array([round(day * DAY_MS) for _, day in ordered]),
    )


# -- grades


@given(answered)
def test_auc_counts_pairs(rows: list[tuple[bool, float]]) -> None:
    left = [said for gone, said in rows if gone]
    stayed = [said for gone, said in rows if not gone]
    pairs = [(a > b) + 0.5 * (a == b) for a in left for b in stayed]
    assert grade.auc(*columns(rows)) == pytest.approx(np.mean(pairs))


@given(answered)
def test_average_precision_walks_down_the_thresholds(rows: list[tuple[bool, float]]) -> None:
    leavers, total, before = sum(left for left, _ in rows), 0.0, 0
    for threshold in sorted({said for _, said in rows}, reverse=True):
        chosen = [left for left, said in rows if said >= threshold]
        total += (sum(chosen) - before) / leavers * sum(chosen) / len(chosen)
        before = sum(chosen)
    assert grade.average_precision(*columns(rows)) == pytest.approx(total)


def test_within_an_instant_a_wandering_level_does_no_harm() -> None:
    """On each of two days the order is right; the level of one is twice that of the other."""
    left = np.array([True, False] * 40)
    said = np.array([0.2, 0.1] * 20 + [0.9, 0.8] * 20)
    day = np.repeat([1, 2], 40)
    assert grade.within(left, said, day) == 1.0
    assert grade.auc(left, said) < 0.8


def test_calibration_error_of_who_says_half_too_much() -> None:
    left = np.array([True, False, False, False] * 50)
    assert grade.ece(left, np.full(200, 0.75)) == pytest.approx(0.5, abs=0.1)
    assert grade.ece_of_a_perfect_model(np.full(20_000, 0.3)) < 0.01


# -- points


def test_points_ask_about_the_active_and_know_what_became_of_them() -> None:
    """Ada comes daily to the end, Bo stops on day 40, Cy came once."""
    log = log_of(
        *(("ada", day + 0.5) for day in range(100)), *(("bo", day) for day in range(41)),
        ("cy", 39.0),
    )  # fmt: skip
    asked = points(days_of(log), horizon_days=10, min_active_days=5)
    days = asked.at_ms // DAY_MS - 1
    rows = dict(zip(zip(asked.users, days.tolist(), strict=True), asked.churned, strict=True))
    assert {user for user, _ in rows} == {"ada", "bo"}
    assert not any(gone for (user, _), gone in rows.items() if user == "ada")
    assert rows["bo", 42]
    assert not rows["bo", 35]
    assert ("bo", 56) not in rows, "silent for H"
    assert (days.min(), days.max()) == (14, 84), "15 % of the log, and H before its end"
    assert days[asked.is_graded].min() == 70, "60 % of 14 to 84, and H more, is 66"


def test_answers_come_back_in_the_order_of_the_points(tmp_path: Path) -> None:
    at_ms = instants_ms(["2017-01-03T00:00:00Z", "2017-01-02T00:00:00Z"])
    asked = Points(np.array(["ada, b", "bo"]), at_ms, np.zeros(2), np.zeros(2), np.ones(2, bool))
    write_points([asked, asked], tmp_path / "points.csv")
    rows = (tmp_path / "points.csv").read_text().splitlines()
    assert rows == ["user_id,at", '"ada, b",2017-01-03T00:00:00Z', "bo,2017-01-02T00:00:00Z"]
    said = "user_id,at,probability\nbo,2017-01-02T00:00:00Z,0.25\n"
    (tmp_path / "scores.csv").write_text(said + '"ada, b",2017-01-03T00:00:00Z,0.75\n')
    assert answers(asked, tmp_path / "scores.csv").tolist() == [0.75, 0.25]
    (tmp_path / "scores.csv").write_text(said)
    with pytest.raises(KeyError):
        answers(asked, tmp_path / "scores.csv")


def test_a_course_asks_who_was_there_lately(tmp_path: Path) -> None:
    """Courses of 30 days: 1 stays, 2 leaves after day 15, 3 was gone before day 10."""
    labels = tmp_path / "labels.csv"
    row = "{},7,1970-01-01,1970-01-30,{}\n"
    labels.write_text("user_id,course,first_day,last_day,label_dropout\n" + row.format(1, 0)
                      + row.format(2, 1) + row.format(3, 1))  # fmt: skip
    log = log_of(*(("1", day) for day in range(30)), *(("2", day) for day in range(16)),
                 *(("3", day) for day in range(6)))  # fmt: skip
    middle = course_points(log, labels, 20)
    assert middle.users.tolist() == ["1", "2"]
    assert middle.churned.tolist() == [False, True]
    end = course_points(log, labels, None)
    assert end.churned.tolist() == [False, True, True]
    assert set(end.at_ms.tolist()) == {30 * DAY_MS}
    assert not end.is_graded.any(), "nobody could have learned before"


# -- silences


def quiet_world() -> tuple[silences.Silences, Log]:
    """Ada is silent from day 10 to 14 and from 20 on, Bo from day 12 on; H is 5 days."""
    log = log_of(("ada", 10), ("ada", 14), ("ada", 20), ("bo", 11), ("bo", 12), ("cy", 40))
    return silences.silences(log, "1970-01-02", 5, 1), log


def test_silences_are_cut_to_those_whose_first_h_is_in_the_log() -> None:
    quiet, _ = quiet_world()
    named = {place: name for name, place in quiet.names.items()}
    rows = [(named[user], start // DAY_MS, days) for user, start, days
            in zip(quiet.users, quiet.start_ms, quiet.days, strict=True)]  # fmt: skip
    assert sorted(rows) == [
        ("ada", 10, 4), ("ada", 14, 6), ("ada", 20, math.inf), ("bo", 11, 1), ("bo", 12, math.inf),
    ]  # fmt: skip


def test_only_users_with_enough_days_have_silences_that_count() -> None:
    _, log = quiet_world()
    third = silences.silences(log, "1970-01-02", 5, 3)
    assert third.start_ms.tolist() == [20 * DAY_MS]


def test_alerts_beside_a_rule(tmp_path: Path) -> None:
    quiet, _ = quiet_world()
    path = tmp_path / "risk.csv"
    path.write_text(
        "user_id,at,probability\n"
        "ada,1970-01-12T00:00:00Z,0.2\n"  # day 11, in the silence that ends
        "ada,1970-01-16T12:00:00Z,0.9\n"  # day 15.5, in that of 6 days
        "ada,1970-01-22T00:00:00.000Z,0.7\n"
        "ada,1970-01-23T00:00:00.000Z,0.8\n"
        "bo,1970-01-16T00:00:00Z,0.6\n"  # day 15, three days into the last one
        "bo,1970-01-30T00:00:00Z,1.0\n"  # long after H: does not count
    )
    said = silences.read_said(path, quiet)
    assert len(said.delay) == 5
    first = silences.first_of_each(quiet, said)
    assert first.delay.tolist() == [1.0, 1.5, 1.0, 3.0]
    assert first.precision == 0.75
    best = silences.at_equal_number(quiet, said, 3)
    assert best.precision == 1.0
    assert best.delay.tolist() == [1.5, 1.0, 3.0]
    assert silences.days_earlier(quiet, said, 4.5) == 3.0
    with pytest.raises(AssertionError):
        silences.at_equal_number(quiet, said, 5)


# -- logs


def test_a_log_is_cut_and_dealt_out(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = [f"u{number % 7},{stamp(number * 3_600_000)},visit,1" for number in range(300)]
    path.write_text("\n".join(["user_id,ts,event,amount", *rows, ""]))
    cut(path, stamp(100 * 3_600_000), tmp_path / "cut.csv")
    assert len(read_log(tmp_path / "cut.csv").users) == 100
    deal(path, tmp_path / "dealt.csv")
    whole, dealt = read_log(path), read_log(tmp_path / "dealt.csv")
    assert dealt.at_ms.tolist() == whole.at_ms.tolist()
    assert set(dealt.names) == set(whole.names)
    assert dealt.users.tolist() != whole.users.tolist()


# -- promises


def test_a_kept_promise_may_still_be_a_regression() -> None:
    high = Promise("AUC", "", ">=", 0.8, 0.86, 0.01)
    assert high.holds(0.851)
    assert "regression" in high.complaint(0.849)
    assert "must be >= 0.8" in high.complaint(0.7)
    low = Promise("error", "", "<=", 0.02, 0.005, 0.004)
    assert low.holds(0.009)
    assert "regression" in low.complaint(0.0095)
    assert low.must == "<= 0.02, was 0.005 ± 0.004"
    assert not Promise("fact", "").complaint(5.0)
