"""Worlds from seeds: the lanes live through what goes wrong, and the replay says they are right."""

import os
import subprocess
import sys

import pytest

from tests.deterministic.bugs import BUGS
from tests.deterministic.world import play

WORLDS = 500
PARTS = 20

TRIES = 100

FOUND_FROM = {
    "ack_before_commit": 0,
    "clocks_not_in_the_record": 0,
    "dedupe_window_of_one": 0,
    "deleted_users_stay": 0,
    "dirty_lane_kept": 75,
    "file_of_what_is_not_durable": 0,
    "file_older_than_tombstones": 319,
    "file_that_ends_before_its_offset": 20,
    "file_whose_bytes_are_not_checked": 5,
    "file_without_what_came_later": 0,
    "halted_commit_is_clean": 268,
    "hole_behind_a_dropped_chunk": 22,
    "lost_ack_sends_again": 36,
    "model_without_a_note": 2,
    "no_fence": 6,
    "no_seek_after_rebalance": 1,
    "offsets_of_before_the_chunk": 0,
    "outputs_outside_of_the_transaction": 0,
    "replays_are_applied": 0,
    "restore_before_fence": 6,
    "restore_reads_what_was_aborted": 2,
    "restore_stops_early": 6,
    "tick_before_the_end_is_read": 0,
    "timers_lost_at_restore": 1,
}
"""Seeds that find a planted bug: none before them does. Where they no longer do, one of the next
hundred does; the proof hunts for all of them from 0."""


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_goes_wrong_the_worlds_come_to_what_the_replay_says(part: int) -> None:
    size = WORLDS // PARTS
    failed = [
        f"python -m tests.deterministic.world {seed}: {outcome.findings[0][:300]}"
        for seed in range(part * size, (part + 1) * size)
        if (outcome := play(seed)).findings
    ]
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("name", sorted(BUGS))
def test_a_planted_bug_is_found(name: str) -> None:
    seeds = range(FOUND_FROM[name], FOUND_FROM[name] + TRIES)
    assert any(play(seed, bug=BUGS[name]).findings for seed in seeds)


def test_a_seed_plays_the_same_world_again() -> None:
    """In another process, with other hashes of strings, too."""
    outcome = play(7, is_traced=True)
    again = play(7, is_traced=True)
    assert (outcome.story, outcome.steps) == (again.story, again.steps)
    command = [sys.executable, "-m", "tests.deterministic.world", "7"]
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert f"seed 7: {outcome.steps} steps, {outcome.seconds:.1f} virtual s" in said.stdout
