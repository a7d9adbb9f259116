"""Where a history ends in the live topic: nothing is missing, nothing counts twice."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_64_digest

from streams.core.state import DIGEST_BYTES, RING_IDS, blank, encode
from streams.errors import UserError
from streams.runtime.hand_over import Overlap, Shelf, Waiting, demand_sound, doubled


def record(offset: int, event: str, at_ms: int = 0, user: str = "ada") -> Waiting:
    return Waiting(0, offset, user, event, at_ms or 1_000 + offset, counts=True)


def shelf(*records: Waiting, begin: int = 0) -> Shelf:
    made = Shelf(begin, begin + len(records))
    for each in records:
        made.put(each)
    return made


def overlap(*records: Waiting, history: str = "", begin: int = 0) -> Overlap:
    """A topic, and a history of ada's events, one letter each."""
    found = Overlap({0: shelf(*records, begin=begin)})
    if history:
        found.mark(["ada"] * len(history), list(history), [5_000] * len(history))
    return found


def value_with(ids: str) -> bytes:
    digests = b"".join(xxh3_64_digest(each.encode()) for each in ids[-RING_IDS:])
    ring = bytes(RING_IDS * DIGEST_BYTES - len(digests)) + digests
    return encode(msgspec.structs.replace(blank(0.0), ring=ring))


def test_the_worker_begins_at_the_first_record_that_the_history_does_not_have() -> None:
    found = overlap(*map(record, range(4), "abcd"), history="xab")
    border = found.borders(900)[0]
    assert (border.offset, border.known, border.behind, border.strange) == (2, 2, 0, 0)
    assert not border.may_lack


def test_what_is_no_event_is_left_to_the_worker() -> None:
    """A watermark or a broken record before the border: it was not judged by anybody."""
    found = overlap(record(0, "a"), Waiting(0, 1), Waiting(0, 2), history="a")
    assert found.borders(900)[0].offset == 1
    assert overlap(Waiting(0, 0), record(1, "z")).borders(900)[0].offset == 0


def test_another_user_with_the_same_id_is_another_event() -> None:
    found = overlap(record(0, "a", user="bob"), history="a")
    assert found.borders(900)[0].offset == 0


def test_an_instant_says_it_where_ids_differ() -> None:
    found = Overlap({0: shelf(*(record(n, f"x{n}", 100 * (n + 1)) for n in range(5)))}, 300)
    assert found.borders(299)[0].offset == 2


def test_a_known_record_behind_the_border_must_be_in_the_ring_still() -> None:
    """The ring keeps eight ids: after so many new events of the user it has forgotten the old."""
    history = "abcdefgh"
    late = [*map(record, range(3), "123"), record(3, "d")]
    found = overlap(*late, history=history)
    assert found.borders(900)[0].behind == 1
    assert doubled(late, found, lambda _user: value_with(history)) == 0
    late = [*map(record, range(4), "1234"), record(4, "d")]
    found = overlap(*late, history=history)
    assert doubled(late, found, lambda _user: value_with(history)) == 1
    assert doubled(late, found, lambda _user: None) == 1


@given(st.permutations("abcdefgh1234567"), st.integers(0, 8))
def test_what_is_not_counted_as_doubled_never_is(order: "list[str]", known: int) -> None:
    """Against the ring itself, played through."""
    history = "abcdefgh"[:known]
    records = [record(n, event) for n, event in enumerate(order)]
    found = overlap(*records, history=history)
    border = found.borders(900)[0].offset
    ring = ([""] * RING_IDS + list(history))[-RING_IDS:]
    twice = 0
    for each in records[border:]:
        if each.event_id in ring:
            continue
        twice += each.event_id in history
        ring = [*ring[1:], each.event_id]
    said = doubled(records[border:], found, lambda _user: value_with(history))
    assert (said == 0) <= (twice == 0)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (overlap(record(0, "z", 100)), "--until"),
        (overlap(record(7, "z", 9_000), begin=7), "--accept-gap"),
        (overlap(begin=7), "--accept-gap"),
    ],
)
def test_what_cannot_be_shown_is_refused(found: Overlap, words: str) -> None:
    with pytest.raises(UserError) as refused:
        demand_sound(found.borders(500), "t", twice=0, may_lack=False, by_time=False)
    assert words in (refused.value.hint or "")


def test_doubles_are_refused_and_a_gap_can_be_taken() -> None:
    borders = overlap(record(7, "z", 9_000), begin=7).borders(500)
    demand_sound(borders, "t", twice=0, may_lack=True, by_time=False)
    with pytest.raises(UserError, match="count twice"):
        demand_sound(borders, "t", twice=3, may_lack=True, by_time=False)
