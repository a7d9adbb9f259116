"""Logs as they should not be: the answer is sane, or says why there is none."""

import csv
import json
import random
import statistics
from pathlib import Path
from typing import Any

import pytest
import synthetic
from click.testing import CliRunner, Result
from synthetic import DAY_MS, START_MS

from streams.cli import winback
from streams.errors import UserError
from streams.replay.instants import short_iso

DAYS = 90
HOUR_MS = 3_600_000
Row = tuple[int, str, str, str]
Scores = dict[tuple[str, str], float]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(log: str, *more: str, days: str = "12") -> Result:
    options = ("--horizon-days", days, "--min-active-days", "3", "--quiet")
    return CliRunner().invoke(winback, ["backtest", log, *options, *more], standalone_mode=False)


def asked(users: list[str], days: range = range(30, DAYS, 12)) -> str:
    """Write points of users at midnights, and return the path."""
    path = Path("points.csv")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("user_id", "at"))
        for day in days:
            at = short_iso(START_MS + day * DAY_MS)
            writer.writerows((user, at) for user in users)
    return str(path)


def users_of(rows: list[Row]) -> list[str]:
    return sorted({user for _, user, *_ in rows})


def scores(log: str, users: list[str], *more: str, days: range = range(30, DAYS, 12)) -> Scores:
    """Return what is said of users; all of it is a probability."""
    result = run(log, "--points", asked(users, days), "--scores", "scores.csv", *more)
    assert result.exception is None, result.exception
    with Path("scores.csv").open(encoding="utf-8", newline="") as file:
        said = {(row["user_id"], row["at"]): float(row["probability"])
                for row in csv.DictReader(file)}  # fmt: skip
    assert all(0.0 <= probability <= 1.0 for probability in said.values())
    return said


def facts(log: str, *more: str) -> dict[str, Any]:
    """Return the summary of a whole run; it was said without an error."""
    result = run(log, *more, "--json")
    assert result.exception is None, result.exception
    summary = json.loads(result.output)
    assert isinstance(summary, dict)
    return summary


def apart(one: Scores, other: Scores) -> float:
    """Return the mean distance of what is said of the same points."""
    assert one.keys() == other.keys()
    return statistics.fmean(abs(one[key] - other[key]) for key in one)


def log_of(rows: list[Row], name: str = "log.csv") -> str:
    return synthetic.log(Path(name), rows)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return synthetic.rows(40, DAYS)


@pytest.fixture
def usual(rows: list[Row]) -> Scores:
    """What is said of the log as it should be."""
    return scores(log_of(rows, "usual.csv"), users_of(rows))


# -- too little


def test_of_a_log_shorter_than_the_horizon_only_the_prior_speaks() -> None:
    log = log_of(synthetic.rows(40, 8))
    found = facts(log)
    assert found["model"]["phase"] == "prior"
    assert found["alerts"]["project"]["alerts"] == 0
    said = run(log).output.replace("\n", " ")
    assert "cannot say, because no customer with enough active days went silent" in said


def test_users_of_one_event_are_asked_about_and_alert_nobody() -> None:
    made = [(START_MS + number * 5 * HOUR_MS, f"u{number}", "purchase", "5")
            for number in range(400)]  # fmt: skip
    log = log_of(made)
    said = scores(log, users_of(made), "--alerts", "alerts.csv", "--risk", "risk.csv")
    assert min(said.values()) > 0.4, "who came once is not believed to come again"
    assert Path("alerts.csv").read_text() == "user_id,at\n"
    assert Path("risk.csv").read_text() == "user_id,at,probability\n"
    found = facts(log)
    assert found["figures"]["ranking"]["cannot_say"]


def test_a_log_of_one_day_says_that_it_says_nothing() -> None:
    made = [(START_MS + number * 60_000, f"u{number % 40}", "purchase", "5")
            for number in range(1_000)]  # fmt: skip
    log = log_of(made)
    said = scores(log, users_of(made), days=range(1, 9, 3))
    assert len(said) == 3 * 40
    result = run(log)
    assert result.exception is None
    assert "On 1 Jan 2017 40 customers did something" in result.output
    assert "cannot say, because" in result.output


def test_one_event_is_a_log() -> None:
    found = facts(log_of([(START_MS, "ada", "visit", "")]))
    assert (found["events"], found["users"], found["alerts"]["cases_opened"]) == (1, 1, 0)


def test_points_of_strangers_are_said_to_be_unanswered(rows: list[Row]) -> None:
    points = asked(["nobody", "no one"])
    result = run(log_of(rows), "--points", points, "--scores", "scores.csv")
    assert "points   0 of 10 scored" in result.output
    assert "of 10 it cannot say anything, because the log has no event" in result.output
    assert Path("scores.csv").read_text() == "user_id,at,probability\n"


def test_points_after_the_log_change_nothing_that_is_said_of_it(rows: list[Row]) -> None:
    """The silence behind the end of a log is nobody's."""
    made = [row for row in rows if row[0] < START_MS + 45 * DAY_MS]
    log, points = log_of(made), asked(users_of(made), range(50, 130, 10))
    alone = facts(log)
    asked_later = facts(log, "--points", points, "--scores", "s.csv", "--alerts", "a.csv")
    for name in ("alerts", "events", "users"):
        assert asked_later[name] == alone[name]
    for name in ("ranking", "belief", "lead", "divisions", "money"):
        assert asked_later["figures"][name] == alone["figures"][name]
    assert asked_later["points"]["outcome_known"] == 0


# -- labels of one class


def test_where_nobody_leaves_nobody_is_alerted() -> None:
    made = sorted((START_MS + day * DAY_MS + user * 1_000, f"u{user}", "visit", "")
                  for day in range(DAYS) for user in range(40))  # fmt: skip
    log = log_of(made)
    said = scores(log, users_of(made), "--alerts", "alerts.csv")
    assert max(said.values()) < 0.1
    assert max(list(said.values())[-40:]) < 0.01
    assert Path("alerts.csv").read_text() == "user_id,at\n"
    result = run(log, "--points", asked(users_of(made)), "--scores", "scores.csv")
    assert "ranking  cannot say, because nobody left" in result.output


def test_where_everybody_leaves_everybody_is_believed_to() -> None:
    visits = [(START_MS + day * DAY_MS + user * 1_000, f"u{user}", "visit", "")
              for day in range(6) for user in range(40)]  # fmt: skip
    log = log_of([*visits, (START_MS + DAYS * DAY_MS, "u0", "visit", "")])
    users = [f"u{number}" for number in range(1, 40)]
    said = scores(log, users, days=range(20, 70, 12))
    assert min(said.values()) > 0.8
    result = run(log, "--points", asked(users, range(20, 70, 12)), "--scores", "scores.csv")
    assert "ranking  cannot say, because everybody left" in result.output


# -- amounts


def test_amounts_of_a_trillion_move_no_score_much(rows: list[Row], usual: Scores) -> None:
    rich = [(at, user, event, "1e12" if amount else "") for at, user, event, amount in rows]
    assert apart(scores(log_of(rich), users_of(rows)), usual) < 0.01


def test_one_absurd_amount_spoils_nothing(rows: list[Row], usual: Scores) -> None:
    one = [(*row[:3], "1e12") if place == 300 else row for place, row in enumerate(rows)]
    assert apart(scores(log_of(one), users_of(rows)), usual) < 0.01


def test_an_amount_that_cannot_be_money_is_put_aside_with_its_reason(rows: list[Row]) -> None:
    mixed = [(*row[:3], "1e300") if place % 100 == 0 else row for place, row in enumerate(rows)]
    found = facts(log_of(mixed), "--points", asked(users_of(rows)), "--scores", "s.csv")
    assert found["events_rejected"] == 10
    assert found["rejected_for"] == {"bad amount": 10}
    result = run(log_of(mixed), "--points", asked(users_of(rows)), "--scores", "s.csv")
    assert "10 events rejected: 10 bad amount" in result.output


@pytest.mark.parametrize(
    ("amount", "years", "why"), [("1e300", 0, "919 bad amount"), ("5", 100, "919 future")]
)
def test_a_log_without_a_usable_event_is_refused_with_the_reasons(
    rows: list[Row], amount: str, years: int, why: str
) -> None:
    unusable = [(at + years * 365 * DAY_MS, user, event, amount) for at, user, event, _ in rows]
    result = run(log_of(unusable))
    assert isinstance(result.exception, UserError)
    assert result.exception.exit_code == 2
    assert f"no event of the log could be used: {why}" in result.exception.message


# -- duplicates and disorder


def test_an_event_that_comes_twice_counts_once(rows: list[Row], usual: Scores) -> None:
    lines = [f"{user},{short_iso(at)},{event},{amount},e{number}\n" * 2
             for number, (at, user, event, amount) in enumerate(rows)]  # fmt: skip
    Path("twice.csv").write_text("user_id,ts,event,amount,event_id\n" + "".join(lines), "utf-8")
    assert scores("twice.csv", users_of(rows)) == usual


def test_equal_rows_without_an_id_are_events_of_their_own(rows: list[Row], usual: Scores) -> None:
    log = log_of(sorted(rows + rows))
    assert facts(log, "--points", asked(["ada"]), "--scores", "s.csv")["events"] == 2 * len(rows)
    assert apart(scores(log, users_of(rows)), usual) < 0.05


def test_a_shuffled_log_is_refused_and_the_way_out_is_named(rows: list[Row]) -> None:
    mixed = list(rows)
    random.Random(1).shuffle(mixed)
    result = run(log_of(mixed), "--alerts", "alerts.csv")
    assert isinstance(result.exception, UserError)
    assert result.exception.exit_code == 2
    assert "comes after" in result.exception.message
    assert "sort the log by time" in result.exception.hint


def test_the_order_of_one_instant_does_not_matter_much(rows: list[Row]) -> None:
    """A log that knows only the day has no order within it."""
    by_day = [(at // DAY_MS * DAY_MS, *others) for at, *others in rows]
    turned = sorted(sorted(by_day, reverse=True), key=lambda row: row[0])
    one, other = (scores(log_of(made), users_of(rows)) for made in (sorted(by_day), turned))
    assert apart(one, other) < 0.01


# -- gaps


def test_a_known_gap_makes_nobody_a_leaver(rows: list[Row]) -> None:
    """A day after a gap of 15 days, whoever knows of it says what would be said without it."""
    gap = range(40, 55)
    holed = log_of([row for row in rows if (row[0] - START_MS) // DAY_MS not in gap])
    begin, end = (short_iso(START_MS + day * DAY_MS) for day in (40, 55))
    Path("gaps.csv").write_text(f"from,to\n{begin},{end}\n")
    users, after = users_of(rows), range(56, 57)
    truth, known, unknown = (
        statistics.fmean(scores(log, users, *more, days=after).values())
        for log, more in (
            (log_of(rows, "whole.csv"), ()), (holed, ("--coverage", "gaps.csv")), (holed, ())
        )
    )  # fmt: skip
    assert unknown > truth + 0.2, "whom the logger did not see seems to have left"
    assert known == pytest.approx(truth, abs=0.1)


def test_a_gap_that_nobody_told_of_is_pointed_out() -> None:
    visits = [(START_MS + day * DAY_MS + user * 1_000, f"u{user}", "visit", "")
              for day in range(120) for user in range(20) if day not in range(60, 66)]  # fmt: skip
    log = log_of(visits)
    begin, end = (short_iso(START_MS + day * DAY_MS) for day in (60, 66))
    gap = {"from": begin, "to": end, "users_a_day_expected": 20}
    assert facts(log)["blind"] == [gap]
    said = f"from {begin} to {end} nobody did anything, but 20 users a day were expected"
    assert said in run(log).output
    Path("gaps.csv").write_text(f"from,to\n{begin},{end}\n")
    assert "blind" not in facts(log, "--coverage", "gaps.csv")


# -- time


@pytest.mark.parametrize(
    ("suffix", "more"), [("+08:00", ()), ("", ("--timezone", "Asia/Shanghai"))]
)
def test_the_same_instants_in_another_zone_are_the_same_log(
    rows: list[Row], usual: Scores, suffix: str, more: tuple[str, ...]
) -> None:
    lines = [f"{user},{short_iso(at + 8 * HOUR_MS)[:-1]}{suffix},{event},{amount}\n"
             for at, user, event, amount in rows]  # fmt: skip
    Path("zone.csv").write_text("user_id,ts,event,amount\n" + "".join(lines), "utf-8")
    assert scores("zone.csv", users_of(rows), *more) == usual


def test_times_without_a_zone_are_not_guessed() -> None:
    Path("naive.csv").write_text("user_id,ts,event,amount\nada,2017-01-01T10:00:00,visit,\n")
    result = run("naive.csv")
    assert isinstance(result.exception, UserError)
    assert "names no time zone" in result.exception.message
    assert "--timezone" in result.exception.hint


def test_an_hour_that_is_there_twice_is_disorder_that_is_named() -> None:
    stamps = ("2017-10-29T02:50:00", "2017-10-29T02:10:00")  # summer time ends between them
    Path("autumn.csv").write_text(
        "user_id,ts,event,amount\n" + "".join(f"ada,{stamp},visit,\n" for stamp in stamps)
    )
    result = run("autumn.csv", "--timezone", "Europe/Berlin")
    assert isinstance(result.exception, UserError)
    assert (
        "line 3: 2017-10-29T00:10:00Z comes after 2017-10-29T00:50:00Z" in result.exception.message
    )


def test_a_log_that_knows_only_the_day_says_nearly_the_same(rows: list[Row], usual: Scores) -> None:
    by_day = sorted((at // DAY_MS * DAY_MS, *others) for at, *others in rows)
    assert apart(scores(log_of(by_day), users_of(rows)), usual) < 0.1


def test_a_point_at_midnight_does_not_know_the_day_that_begins(rows: list[Row]) -> None:
    by_day = sorted((at // DAY_MS * DAY_MS, *others) for at, *others in rows)
    until_ms = START_MS + 60 * DAY_MS
    before = [row for row in by_day if row[0] < until_ms]
    assert any(row[0] == until_ms for row in by_day)
    at = range(60, 61)
    whole, part = (scores(log_of(made), users_of(before), days=at) for made in (by_day, before))
    assert whole == part


# -- names


def test_any_text_may_be_a_user(rows: list[Row], usual: Scores) -> None:
    """An e-mail with a quoted name, commas and spaces comes back as it was."""
    named = {user: f'"{user}, the 1st" <{place}+news@例子.cn>'
             for place, user in enumerate(users_of(rows))}  # fmt: skip
    with Path("mail.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("user_id", "ts", "event", "amount"))
        writer.writerows(
            (named[user], short_iso(at), event, amount) for at, user, event, amount in rows
        )
    files = ("--risk", "risk.csv", "--alerts", "alerts.csv")
    said = scores("mail.csv", list(named.values()), *files)
    assert {user for user, _ in said} == {named[user] for user, _ in usual}
    for name in ("risk.csv", "alerts.csv"):
        with Path(name).open(encoding="utf-8", newline="") as file:
            found = {row["user_id"] for row in csv.DictReader(file)}
        assert found
        assert found <= set(named.values())
    again = {(named[user], at): probability for (user, at), probability in usual.items()}
    assert apart(said, again) < 0.03, "only the phase of the grid depends on the name"
