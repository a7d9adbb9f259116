"""The fuse of an input: it is the same wherever chunks end, and after every restart."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from streams.core.input_fuse import InputFuses, Limit

LIMIT = Limit(0.5, 10)
TOPIC = "shop"


def run(fuses: InputFuses, flags: Sequence[bool], *, start: int = 0) -> int:
    """Offer records, each rejected or not, as one chunk; return how many were taken."""
    offsets = list(range(start, start + len(flags)))
    rejected = [(place, "bad_time") for place, is_bad in enumerate(flags) if is_bad]
    room = fuses.room(TOPIC, offsets, offsets, rejected)
    fuses.take(TOPIC, offsets[:room], [one for one in rejected if one[0] < room])
    return room


def test_of_ten_in_a_row_five_may_be_rejected_and_the_sixth_is_not_taken() -> None:
    fuses = InputFuses(LIMIT)

    assert run(fuses, [True] * 5 + [False] * 5 + [True] * 9) == 15

    held = fuses.held[TOPIC]
    assert (held.held_at, held.reason) == (15, "bad_time")
    assert not run(fuses, [True] * 3, start=15)


def test_a_share_that_is_usual_never_holds_a_topic() -> None:
    fuses = InputFuses(LIMIT)

    assert run(fuses, [True, False] * 500) == 1_000
    assert not fuses.held


def test_where_all_may_be_rejected_there_is_no_fuse() -> None:
    fuses = InputFuses(Limit(1.0, 10))

    assert run(fuses, [True] * 100) == 100
    assert not fuses.record()


def test_a_restart_lets_nothing_more_through() -> None:
    fuses = InputFuses(LIMIT)
    taken = run(fuses, [True] * 20)
    again = InputFuses(LIMIT)
    again.load(fuses.record())

    assert taken == 5
    assert not again.held
    assert run(again, [True] * 20, start=taken) == 0
    assert again.held[TOPIC].held_at == taken
    wider = InputFuses(Limit(0.8, 10))
    wider.load(fuses.record())
    assert run(wider, [True] * 20, start=taken) == 3


def test_changed_rules_are_judged_anew() -> None:
    fuses = InputFuses(LIMIT)
    run(fuses, [True] * 20)

    fuses.judge_anew()

    assert not fuses.held
    assert run(fuses, [False] * 20, start=5) == 20


def test_what_was_written_until_an_order_is_read_and_what_comes_after_it_is_judged() -> None:
    fuses = InputFuses(LIMIT)
    fuses.pardon({})
    assert run(fuses, [True] * 20) == 5

    fuses.pardon({TOPIC: 15})

    assert run(fuses, [True] * 95, start=5) == 11 + 5
    assert fuses.held[TOPIC].held_at == 21
    restarted = InputFuses(LIMIT)
    restarted.load(fuses.record())
    restarted.pardon({TOPIC: 15})
    assert run(restarted, [True] * 20, start=21) == 0


def test_what_is_refused_only_when_it_is_applied_counts_too() -> None:
    fuses = InputFuses(LIMIT)
    for start in (0, 10, 20):
        offsets = list(range(start, start + 10))
        room = fuses.room(TOPIC, offsets, offsets, [])
        fuses.take(TOPIC, offsets[:room], [(place, "too_old") for place in range(room)])

    assert fuses.held[TOPIC].held_at == 10
    assert fuses.held[TOPIC].reason == "too_old"


@given(st.lists(st.booleans(), max_size=80), st.lists(st.integers(1, 30), max_size=40),
       st.lists(st.integers(0, 80), max_size=3))  # fmt: skip
def test_it_holds_at_the_same_record_wherever_chunks_end_and_however_often_it_restarts(
    flags: list[bool], sizes: list[int], restarts: list[int]
) -> None:
    whole = run(InputFuses(LIMIT), flags)
    fuses, at = InputFuses(LIMIT), 0
    for size in [*sizes, len(flags)]:
        chunk = flags[at : at + size]
        taken = run(fuses, chunk, start=at)
        at += taken
        if any(at - taken <= place < at for place in restarts):
            kept, fuses = fuses.record(), InputFuses(LIMIT)
            fuses.load(kept)
        if taken < len(chunk):
            break

    assert at == whole
