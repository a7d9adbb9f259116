"""When the worker is killed, and when another takes its place."""

from streams.demo.script import Cue, Script


def test_a_worker_is_killed_taken_over_and_replaced_once() -> None:
    script = Script(3)
    assert script.cue(0.44, 10.0, {}) is None
    assert script.cue(0.45, 11.0, {0: 11.0, 1: 11.0}) is Cue.KILL
    script.killed((0, 1), 11.0)

    # its last commits are seen after the kill; they are not the survivor's
    assert script.cue(0.46, 11.5, {0: 11.2, 1: 11.2}) is None
    assert script.cue(0.5, 15.0, {0: 14.5, 1: 11.2}) is None
    assert script.cue(0.5, 15.5, {0: 15.4, 1: 15.2}) is Cue.TAKEN_OVER
    assert script.takeover_s is not None
    assert round(script.takeover_s, 1) == 4.4
    assert script.cue(0.59, 16.0, {0: 16.0, 1: 16.0}) is None
    assert script.cue(0.6, 17.0, {0: 17.0, 1: 17.0}) is Cue.REPLACE
    assert script.cue(1.0, 18.0, {0: 18.0, 1: 18.0}) is None


def test_help_comes_when_the_takeover_takes_long() -> None:
    script = Script(3)
    script.killed((0,), 10.0)

    assert script.cue(0.9, 15.0, {0: 9.0}) is None
    assert script.cue(0.9, 17.0, {0: 9.0}) is Cue.REPLACE
    assert script.cue(0.9, 18.0, {0: 17.5}) is Cue.TAKEN_OVER
