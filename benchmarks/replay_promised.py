"""What is promised of the speed of back-tests."""

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
}  # fmt: skip
