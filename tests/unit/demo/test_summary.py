"""The numbers of the summary, on logs small enough to be checked by hand."""

from streams.core.time import DAY_MS
from streams.demo.observed import Case
from streams.demo.summary import Arm, Log, arm, detected

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


def test_who_came_back_is_told_by_the_log() -> None:
    cases = [
        Case("bob", 10 * DAY_MS, "risk"),  # back on day 25
        Case("bob", 40 * DAY_MS, "risk"),  # back on day 90: too late
        Case("ada", 9 * DAY_MS, "silence"),  # never
        Case("bob", 80 * DAY_MS, "risk"),  # the log does not cover 30 days
    ]

    assert arm(cases, LOG, H_MS) == Arm(cases=3, returned=1)
    assert arm([], LOG, H_MS).rate is None
