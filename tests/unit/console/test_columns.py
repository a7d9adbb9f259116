"""Who is at risk as columns says what a plain query says."""

import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from worlds_of_topics import RULES, topics

from streams.console.columns import DIMENSIONS, AtRisk
from streams.console.projection import STREAMS, Projection, made_by
from streams.console.store import Store
from streams.console.tables import open_reader

PROJECTION = Projection(RULES)
WORLD = topics()
SQL = {"reason": "CASE instr(reasons, ',') WHEN 0 THEN reasons ELSE "
                 "substr(reasons, 1, instr(reasons, ',') - 1) END"}  # fmt: skip


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[sqlite3.Connection, AtRisk]]:
    store = Store(tmp_path_factory.mktemp("c") / "m.sqlite", made_by(RULES), PROJECTION.name_of)
    db, columns = open_reader(store.path), AtRisk()
    for stream in STREAMS:  # Live: the columns follow chunk by chunk.
        for begin in range(0, len(WORLD[stream]), 40):
            changes = [change for record in WORLD[stream][begin : begin + 40]
                       for change in PROJECTION.changes(stream, record)]  # fmt: skip
            columns.refresh(db, store.apply(changes, {}))
            columns.forget(columns.missing(db))
    yield db, columns
    store.close()


def oracle(db: sqlite3.Connection, chosen: dict[str, list[str]]) -> list[tuple[int, int]]:
    where, values = ["band > 0"], list[str]()
    for name, wanted in chosen.items():
        if wanted:
            where.append(f"{SQL.get(name, name)} IN ({','.join('?' * len(wanted))})")
            values += wanted
    query = f"SELECT id, loss FROM users WHERE {' AND '.join(where)} ORDER BY loss DESC"
    return db.execute(query, values).fetchall()


@settings(max_examples=60)
@given(data=st.data())
def test_a_filter_finds_whom_a_query_finds(
    filled: tuple[sqlite3.Connection, AtRisk], data: st.DataObject
) -> None:
    db, columns = filled
    chosen = {
        name: data.draw(st.lists(st.sampled_from([*columns.words(name), "none"]), max_size=2))
        for name in data.draw(st.lists(st.sampled_from(DIMENSIONS), max_size=3))
    }
    begin, limit = data.draw(st.integers(0, 80)), data.draw(st.integers(1, 60))
    found, known = columns.find(chosen, begin, limit), oracle(db, chosen)
    assert found.users == len(known)
    assert found.loss == sum(loss for _, loss in known)
    losses = dict(known)
    assert [losses[number] for number in found.ids] == [
        loss for _, loss in known[begin : begin + limit]
    ]
    assert sum(cell.users for cell in found.quadrants.values()) <= found.users


def test_pages_together_are_everybody_once(filled: tuple[sqlite3.Connection, AtRisk]) -> None:
    db, columns = filled
    pages = [columns.find({}, begin, 7).ids for begin in range(0, len(columns), 7)]
    ids = [number for page in pages for number in page]
    assert sorted(ids) == sorted(number for number, _ in oracle(db, {}))


def test_live_columns_are_those_of_a_start(filled: tuple[sqlite3.Connection, AtRisk]) -> None:
    db, columns = filled
    fresh = AtRisk()
    fresh.load(db)
    assert len(fresh) == len(columns) > 20
    for name in DIMENSIONS:
        assert set(fresh.words(name)) == set(columns.words(name))
    assert fresh.find({}, 0, 1_000).loss == columns.find({}, 0, 1_000).loss


def test_who_calms_down_is_taken_out(tmp_path: Path) -> None:
    store = Store(tmp_path / "m.sqlite", "x", PROJECTION.name_of)
    db, columns = open_reader(store.path), AtRisk()
    value = WORLD["users"][3]
    columns.refresh(db, store.apply(PROJECTION.changes("users", value), {}))
    assert len(columns) == 1
    columns.refresh(db, store.apply(PROJECTION.changes("users", value._replace(value=None)), {}))
    assert len(columns) == 0
    assert columns.find({}, 0, 10).users == 0
    store.close()
