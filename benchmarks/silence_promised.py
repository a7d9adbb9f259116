"""What is promised of silent users and of time that passes, all at once or not."""

from __future__ import annotations

from typing import Final

from benchmarks.promise import Promise

SILENCE: Final = {
    "bytes_per_user_asleep": Promise("memory of a user silent beyond 2H", "B", "<=", 500),
    "bytes_per_user_awake": Promise("memory of any other user, timers included", "B", "<=", 800),
    "asleep_tick_ms": Promise("tick over millions who are silent beyond 2H", "ms", "<=", 1),
    "restore_us_asleep": Promise("restore of a partition: CPU per user silent beyond 2H", "µs"),
    "restore_us_awake": Promise("the same, any other user", "µs"),
    "timers_busiest_minute": Promise(
        "timers of a day: those of the busiest minute over those of the mean one", "×", "<=", 2
    ),
    "timers_midnight_minute": Promise("the same: the first minute of the day", "×", "<=", 1.5),
    "outage_stall_us": Promise("end of an outage: CPU per user who is looked at then", "µs"),
    "outage_examples": Promise(
        "examples within ten minutes of the end of an outage of a day, over ten usual minutes",
        "×", "<=", 2,
    ),
    "catch_up_examples": Promise(
        "a day of downtime: examples of it and of the day after it, over those of a worker that "
        "was there", "×", "<=", 1.05,
    ),
    "catch_up_touches": Promise("the same: touches", "×", "<=", 1.05),
    "catch_up_at_once": Promise(
        "the same: touches when the backlog is read, over the most in an hour of usual days",
        "×", "<=", 1.5,
    ),
}  # fmt: skip
"""Name of a figure to its promise."""
