"""The memory of the call lists: a touch is on one list, whatever happens."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback_sender.call_lists.shelf import Line, Shelf
from winback_sender.errors import UserError

SPAN_MS = 1_000


def spans(at_ms: int) -> tuple[str, int]:
    end_ms = (at_ms // SPAN_MS + 1) * SPAN_MS
    return f"list-{end_ms:09d}", end_ms


class Wall:
    """Where lists are written, which may fail before or after, or be found there already."""

    def __init__(self) -> None:
        self.lists: dict[str, list[str]] = {}
        self.fails = ""

    def write(self, name: str, lines: Sequence[Line]) -> Iterable[str]:
        if self.fails == "before":
            raise OSError("no space left")
        if name not in self.lists:
            if not lines:
                return ()
            self.lists[name] = [line.touch_id for line in lines]
        if self.fails == "after":
            raise KeyboardInterrupt
        return set(self.lists[name])

    def seen(self) -> Counter[str]:
        return Counter(touch_id for touch_ids in self.lists.values() for touch_id in touch_ids)


def never(_touch_id: str) -> bool:
    return False


def put(shelf: Shelf, touch_id: str, at_ms: int, rank: int = 0, lasts_ms: int = 10**9) -> None:
    shelf.put(touch_id, [touch_id], (rank, 0.0, ""), at_ms + lasts_ms, at_ms, spans)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "memory.sqlite")


def test_a_list_is_written_when_its_time_is_over_in_the_order_of_calling(shelf: Shelf) -> None:
    wall = Wall()
    put(shelf, "b", 100, rank=2)
    put(shelf, "a", 200, rank=1)
    assert shelf.publish(999, spans, wall.write, never) == 0
    put(shelf, "c", 1_100)

    assert shelf.publish(1_500, spans, wall.write, never) == 2
    assert wall.lists == {"list-000001000": ["a", "b"]}
    assert [shelf.state(one) for one in "abcd"] == ["listed", "listed", "waiting", None]
    assert shelf.publish(9_000, spans, wall.write, never) == 1
    assert shelf.publish(9_000, spans, wall.write, never) == 0


def test_a_touch_that_is_put_twice_is_there_once(shelf: Shelf) -> None:
    wall = Wall()
    put(shelf, "a", 100)
    put(shelf, "a", 1_100)
    shelf.publish(1_000, spans, wall.write, never)
    put(shelf, "a", 2_100)
    shelf.publish(9_000, spans, wall.write, never)

    assert wall.seen() == {"a": 1}


def test_what_expired_while_it_waited_is_left_off_and_told(shelf: Shelf) -> None:
    wall = Wall()
    put(shelf, "a", 100, lasts_ms=500)
    put(shelf, "b", 100)
    shelf.publish(1_000, spans, wall.write, never)

    assert wall.lists == {"list-000001000": ["b"]}
    assert shelf.dropped() == [("a", "expired")]
    shelf.told(["a", "b"])
    assert shelf.dropped() == []
    assert (shelf.state("a"), shelf.state("b")) == ("expired", "listed")


def test_what_was_taken_back_while_it_waited_is_left_off_and_told(shelf: Shelf) -> None:
    wall = Wall()
    put(shelf, "a", 100)
    put(shelf, "b", 100)
    shelf.publish(1_000, spans, wall.write, lambda touch_id: touch_id == "a")

    assert wall.lists == {"list-000001000": ["b"]}
    assert shelf.dropped() == [("a", "revoked")]
    assert shelf.state("a") == "revoked"


def test_a_list_that_could_not_be_written_is_written_later(shelf: Shelf) -> None:
    wall = Wall()
    put(shelf, "a", 100)
    wall.fails = "before"
    with pytest.raises(OSError, match="no space"):
        shelf.publish(1_000, spans, wall.write, never)
    wall.fails = ""

    assert shelf.state("a") == "waiting"
    assert shelf.publish(1_000, spans, wall.write, never) == 1


def test_a_crash_between_the_file_and_the_memory_puts_nothing_on_two_lists(
    shelf: Shelf,
) -> None:
    wall = Wall()
    put(shelf, "a", 100)
    wall.fails = "after"
    with pytest.raises(KeyboardInterrupt):
        shelf.publish(1_000, spans, wall.write, never)
    wall.fails = ""
    put(shelf, "late", 500)  # the clock was set back

    assert shelf.publish(1_000, spans, wall.write, {"a"}.__contains__) == 1
    assert shelf.state("a") == "listed", "it is on the list already"
    assert shelf.publish(9_000, spans, wall.write, never) == 1
    assert wall.seen() == {"a": 1, "late": 1}
    assert len(wall.lists) == 2


def test_the_number_is_forgotten_once_it_is_on_the_list(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "memory.sqlite")
    shelf.put("a", ["138 0013 8000"], (0, 0.0, ""), 10**9, 100, spans)
    shelf.publish(1_000, spans, Wall().write, never)

    assert shelf._file.execute("SELECT line FROM calls").fetchall() == [("",)]


def test_old_touches_are_forgotten_waiting_ones_are_not(shelf: Shelf) -> None:
    put(shelf, "a", 100)
    put(shelf, "b", 1_100)
    shelf.publish(1_000, spans, Wall().write, never)
    shelf.prune(5_000)

    assert (shelf.state("a"), shelf.state("b")) == (None, "waiting")


def test_a_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "memory.sqlite").write_bytes(b"no database" * 200)

    with pytest.raises(UserError, match="cannot be used"):
        Shelf(tmp_path / "memory.sqlite")


actions = st.lists(
    st.tuples(
        st.sampled_from(["put", "publish", "fail before", "fail after", "restart"]),
        st.integers(0, 12),
        st.integers(-500, 1_500),
    ),
    max_size=40,
)


@given(actions)
@settings(max_examples=60, deadline=None)
def test_whatever_happens_every_touch_is_on_one_list_in_the_end(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, int, int]]
) -> None:
    """Kill -9, a full disk, two senders in turn, a clock that jumps."""
    path = tmp_path_factory.mktemp("shelf") / "memory.sqlite"
    shelf, wall, at_ms, asked = Shelf(path), Wall(), 10_000, set()
    for what, touch, step_ms in history:
        at_ms = max(10_000, at_ms + step_ms)
        if what == "put":
            put(shelf, f"t{touch}", at_ms)
            asked.add(f"t{touch}")
        elif what == "restart":
            shelf.close()
            shelf = Shelf(path)
        else:
            wall.fails = what.removeprefix("fail").strip() if what != "publish" else ""
            with suppress(OSError, KeyboardInterrupt):
                shelf.publish(at_ms, spans, wall.write, never)
            wall.fails = ""
    at_ms += 10**6
    for _ in range(len(asked) + 1):
        shelf.publish(at_ms, spans, wall.write, never)
        at_ms += SPAN_MS
    shelf.close()

    assert wall.seen() == dict.fromkeys(asked, 1)
