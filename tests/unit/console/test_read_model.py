"""The read model follows from the topics, whatever the order in which they are read."""

import sqlite3
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from worlds_of_topics import RULES, Topics, topics

from streams.console.projection import STREAMS, Projection, made_by
from streams.console.store import Store, content
from streams.console.tables import mode_of, open_reader

PROJECTION = Projection(RULES)
WORLD = topics()


def store_at(path: Path) -> Store:
    return Store(path, made_by(RULES), PROJECTION.name_of)


def read(store: Store, world: Topics, stream: str, begin: int, end: int) -> None:
    part = world[stream][begin:end]
    changes = [change for record in part for change in PROJECTION.changes(stream, record)]
    store.apply(changes, {(stream, 0): begin + len(part)})


def whole(path: Path, order: tuple[str, ...] = STREAMS) -> dict[str, list[tuple[object, ...]]]:
    store = store_at(path)
    for stream in order:
        read(store, WORLD, stream, 0, len(WORLD[stream]))
    found = content(open_reader(path))
    store.close()
    return found


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[object, ...]]]:
    return whole(tmp_path_factory.mktemp("model") / "model.sqlite")


def test_all_topics_are_in_it(rebuilt: dict[str, list[tuple[object, ...]]]) -> None:
    empty = {name for name, rows in rebuilt.items() if not rows}
    assert empty == {"models", "broken"}, "every table but these has rows of this world"


@settings(max_examples=8)
@given(st.data())
def test_live_in_any_order_and_with_restarts_equals_rebuilt(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Chunks of the topics come as they come, and now and then the console is started again."""
    path = tmp_path_factory.mktemp("live") / "model.sqlite"
    store = store_at(path)
    at = dict.fromkeys(STREAMS, 0)
    while left := [stream for stream in STREAMS if at[stream] < len(WORLD[stream])]:
        stream = data.draw(st.sampled_from(left))
        end = at[stream] + data.draw(st.sampled_from((7, 40, 300)))
        read(store, WORLD, stream, at[stream], end)
        at[stream] = min(end, len(WORLD[stream]))
        if data.draw(st.integers(0, 9)) == 0:
            store.close()
            store = store_at(path)
            known = {name: place for (name, _), place in store.offsets().items()}
            assert known == {name: place for name, place in at.items() if name in known}
    found = content(open_reader(path))
    store.close()
    assert found == whole(tmp_path_factory.mktemp("anew") / "model.sqlite")


def test_what_is_read_twice_is_there_once(tmp_path: Path) -> None:
    """Offsets go with the rows, so nothing is; but the rows alone would not mind either."""
    store = store_at(tmp_path / "model.sqlite")
    for _ in range(2):
        for stream in ("decisions", "touches", "users"):
            read(store, WORLD, stream, 0, len(WORLD[stream]))
    found = content(open_reader(store.path))
    once = whole(tmp_path / "once.sqlite", ("decisions", "touches", "users"))
    assert {name: found[name] for name in ("users", "decisions", "touches", "cases")} == {
        name: once[name] for name in ("users", "decisions", "touches", "cases")
    }


def test_who_was_erased_is_nowhere_in_the_file(
    rebuilt: dict[str, list[tuple[object, ...]]], tmp_path: Path
) -> None:
    erased = [row for row in WORLD["touches"] if b"user.erased" in (row.value or b"")]
    assert erased
    store = store_at(tmp_path / "model.sqlite")
    for stream in STREAMS:
        read(store, WORLD, stream, 0, len(WORLD[stream]))
    store.checkpoint()
    store.close()
    data = (tmp_path / "model.sqlite").read_bytes()
    for record in erased:
        user_id = (record.key or b"").decode()
        assert not any(user_id in map(str, row) for rows in rebuilt.values() for row in rows)
        assert f'"user_id":"{user_id}"'.encode() not in data
    assert len(rebuilt["erased"]) == len(erased), "that it was done is remembered, without the id"


def test_a_transaction_that_fails_leaves_rows_and_offsets_as_they_were(tmp_path: Path) -> None:
    store = store_at(tmp_path / "model.sqlite")
    read(store, WORLD, "decisions", 0, 50)
    before = content(open_reader(store.path))
    changes = [change for record in WORLD["decisions"][50:60]
               for change in PROJECTION.changes("decisions", record)]  # fmt: skip
    broken = changes[0]._replace(kind="decision", row=("too", "few"))  # type: ignore[union-attr]
    with pytest.raises(sqlite3.Error):
        store.apply([*changes, broken], {("decisions", 0): 60})
    assert content(open_reader(store.path)) == before
    assert store.offsets() == {("decisions", 0): 50}


def test_other_rules_make_it_anew(tmp_path: Path) -> None:
    path = tmp_path / "model.sqlite"
    store = store_at(path)
    read(store, WORLD, "decisions", 0, 50)
    store.close()
    other = Store(path, "other rules", PROJECTION.name_of)
    assert other.offsets() == {}
    other.close()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = store_at(tmp_path / "console" / "model.sqlite")
    assert mode_of(store.path) == 0o600
    assert mode_of(store.path.parent) == 0o700
    store.close()


def test_what_is_no_message_is_counted(tmp_path: Path) -> None:
    store = store_at(tmp_path / "model.sqlite")
    for value in (b"{", b'{"type":"unheard.of"}', b"\xff"):
        record = WORLD["touches"][0]._replace(value=value)
        store.apply(PROJECTION.changes("touches", record), {})
    assert content(open_reader(store.path))["broken"] == [("touches", 3)]
    store.close()
