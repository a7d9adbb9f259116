"""When the worker is killed, and when another takes its place."""

from streams.demo.script import Cue, Script


def test_a_worker_is_killed_taken_over_and_replaced_once() -> None:
    script = Script(3_000)
    assert script.cue(0.44, 10_000, {}) is None
    assert script.cue(0.45, 11_000, {0: 10_990, 1: 10_900}) is Cue.KILL
    script.killed((0, 1), 11_000)

    # commits that were made before the kill may be seen after it; they are not the survivor's
    assert script.cue(0.46, 12_500, {0: 10_999, 1: 10_990}) is None
    assert script.cue(0.5, 15_000, {0: 14_500, 1: 10_990}) is None
    assert script.cue(0.5, 15_500, {0: 15_400, 1: 15_200}) is Cue.TAKEN_OVER
    assert script.takeover_ms == 4_400
    assert script.cue(0.59, 16_000, {0: 16_000, 1: 16_000}) is None
    assert script.cue(0.6, 17_000, {0: 17_000, 1: 17_000}) is Cue.REPLACE
    assert script.cue(1.0, 18_000, {0: 18_000, 1: 18_000}) is None


def test_help_comes_when_the_takeover_takes_long() -> None:
    script = Script(3_000)
    script.killed((0,), 10_000)

    assert script.cue(0.9, 15_000, {0: 9_000}) is None
    assert script.cue(0.9, 17_000, {0: 9_000}) is Cue.REPLACE
    assert script.cue(0.9, 18_000, {0: 17_500}) is Cue.TAKEN_OVER
