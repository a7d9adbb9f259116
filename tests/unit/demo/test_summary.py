"""The numbers of the summary, on logs small enough to be checked by hand."""

from streams.core.rules_file import parse_rules
from streams.core.time import DAY_MS, iso
from streams.demo.observed import Asked, Case, Observed
from streams.demo.spells import CONTACTED, Course
from streams.demo.summary import Log, courses, detected, summarised
from streams.settings import Settings
from winback_sender.contract.messages import CaseClosed

H_MS = 30 * DAY_MS


def log_of_days(**days: list[float]) -> Log:
    """Return a log of users and the days on which they came, in order of time."""
    rows = sorted((at, user_id) for user_id, found in days.items() for at in found)
    return Log([user_id for _, user_id in rows], [round(at * DAY_MS) for at, _ in rows])


LOG = log_of_days(
    ada=[1, 2, 3, 4, 5],  # lost from day 5 on
    bob=[1, 2, 3, 4, 5, 25, 26, 90],  # silent for 20 days and back; lost from 26 to 90
    eve=[1, 90],  # too few active days to be judged
)


def test_alerts_are_right_when_their_silence_reaches_the_horizon() -> None:
    alerts = {
        "ada": [15 * DAY_MS],  # right, after 10 days
        "bob": [17 * DAY_MS, 32 * DAY_MS, 34 * DAY_MS],  # wrong; right after 6; once a silence
        "eve": [20 * DAY_MS],  # not eligible
    }
    found = detected(alerts, LOG, horizon_ms=H_MS, min_active_days=5)

    assert (found.alerts, found.precision, found.recall) == (3, 0.6667, 1.0)
    assert found.delay_days == 8.0
    assert (found.rule_days, found.rule_alerts, found.rule_precision) == (1, 3, 0.6667)
    assert found.days_earlier == -7.0


def test_alerts_whose_horizon_the_log_does_not_cover_are_left_out() -> None:
    log = log_of_days(ada=[1, 2, 3, 4, 5], end=[20])

    found = detected({"ada": [15 * DAY_MS]}, log, horizon_ms=H_MS, min_active_days=5)

    assert (found.alerts, found.precision, found.days_earlier) == (0, None, None)


def test_the_numbers_are_those_of_the_topics() -> None:
    found = Observed(Settings())
    found.cases = {
        "c1": Case("ada", 10 * DAY_MS, "risk"),
        "c2": Case("ada", 50 * DAY_MS, "silence"),
        "c3": Case("bob", 10 * DAY_MS, "risk"),
        "c4": Case("eve", 10 * DAY_MS, "risk"),
    }
    found.touched, found.held_out, found.refused = {"c2"}, {"c3"}, {"c1": "not_persuadable"}
    found.asked = {"t1": Asked(50 * DAY_MS, "sms"), "t2": Asked(51 * DAY_MS, "call")}
    found.touch_ids.update(found.asked)
    found.closed["c1"] = CaseClosed(
        "c1", "ada", "returned", 0, is_held_out=False, opened_at="", closed_at=iso(20 * DAY_MS)
    )

    assert courses(found) == {
        "ada": [
            Course(10 * DAY_MS, 20 * DAY_MS, "not_persuadable"),
            Course(50 * DAY_MS, None, CONTACTED),
        ],
        "bob": [Course(10 * DAY_MS, None, "holdout")],
        "eve": [Course(10 * DAY_MS, None, "")],
    }
    summary = summarised(found, LOG, parse_rules("budget: {touches_per_day: 9}"))
    assert (summary.cases, summary.by_trigger) == (4, {"risk": 3, "silence": 1})
    assert (summary.touches, summary.channels) == (2, {"sms": 1, "call": 1})
    assert summary.outcomes == {"returned": 1}
    assert {kind: kept.touches for kind, kept in summary.budgets.items()} == {"message": 1}
