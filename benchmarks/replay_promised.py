"""What is promised of back-tests, of a past for a new deployment, and of a rolling restart."""

from __future__ import annotations

from typing import Final

from benchmarks.promise import Promise

REPLAYED: Final = ("raku_irc", "complete_journey", "cdnow", "ansible_git", "kddcup2015_open")
"""Logs that are back-tested for speed."""
AT_LEAST: Final = {"raku_irc": 60_000}
AT_LEAST_OTHERWISE: Final = 20_000

REPLAY: Final[dict[str, Promise]] = {
    **{
        f"replay_events_per_s:{name}": Promise(
            f"back-test of {name}, whole, one process: events per second of CPU",
            "events/s", ">=", AT_LEAST.get(name, AT_LEAST_OTHERWISE),
        )
        for name in REPLAYED
    },
    **{
        f"replay_two_cores:{name}": Promise(
            "the same by two processes: how much faster on two free cores, by CPU of each",
            "×", ">=", 1.5,
        )
        for name in REPLAYED
    },
    **{
        f"replay_differing:{name}": Promise(
            "the same: summary, risk and alerts that differ from those of one process", "", "==", 0
        )
        for name in REPLAYED
    },
    "bootstrap_events_per_s": Promise(
        "bootstrap of raku_irc, models learned on the way, all of it in Kafka: events per second "
        "of CPU",
        "events/s", ">=", 40_000,
    ),
    "bootstrap_frozen_events_per_s": Promise(
        "the same with a frozen model", "events/s", ">=", 40_000
    ),
    "rolling_pause_s": Promise(
        "rolling restart of 2 workers under 5,000 events/s: longest pause of a partition", "s",
        "<=", 10,
    ),
    "rolling_differences": Promise(
        "the same: users, touches, decisions, journal that differ from the replay's", "", "==", 0
    ),
}  # fmt: skip
