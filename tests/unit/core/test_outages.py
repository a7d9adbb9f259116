"""Outages against sets of milliseconds."""

from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.coverage import Coverage
from streams.core.outages import NEVER, Outages, edge_ms
from streams.core.state import WIDTH, Column

edges = st.integers(0, 60)
spans = st.lists(st.tuples(edges, edges), max_size=6)
AT = np.arange(64.0)


def missing(outages: list[tuple[int, int]]) -> set[int]:
    return {at for start, end in outages for at in range(start, end)}


@given(spans)
def test_what_is_lost_is_the_milliseconds_of_all_outages(outages: list[tuple[int, int]]) -> None:
    gone = missing(outages)
    since, until = (axis.ravel() for axis in np.meshgrid(AT, AT))
    expected = [len(gone & set(range(int(a), int(b)))) for a, b in zip(since, until, strict=True)]
    assert Outages(outages).lost(since, until).tolist() == expected


@given(spans)
def test_an_instant_lives_unless_the_millisecond_before_it_is_missing(
    outages: list[tuple[int, int]],
) -> None:
    gone, made = missing(outages), Outages(outages)
    live = [at - 1 not in gone for at in range(64)]
    resumed = made.resume(AT)

    assert (resumed == AT).tolist() == live
    assert resumed.tolist() == [next(n for n in range(at, 64) if live[n]) for at in range(64)]
    for at in range(64):
        if live[at]:
            dead = next((n for n in range(at, 64) if not live[n]), None)
            assert made.until(np.array([float(at)])).item() == (NEVER if dead is None else dead - 1)


@given(spans, st.tuples(edges, edges))
def test_what_a_user_misses_is_what_is_missing_of_all_and_of_the_user(
    outages: list[tuple[int, int]], away: tuple[int, int]
) -> None:
    coverage = Coverage(outages)
    coverage.has_pauses = True
    heads = np.zeros((64, WIDTH))
    heads[:, Column.AWAY_FROM], heads[:, Column.AWAY_TO] = (
        away if away[0] < away[1] else (NEVER, NEVER)
    )
    gone = missing([*outages, away])
    live = [at - 1 not in gone for at in range(64)]

    assert coverage.lost(heads, np.zeros(64), AT).tolist() == [
        len(gone & set(range(at))) for at in range(64)
    ]
    assert coverage.resume(heads, AT).tolist() == [
        next(n for n in range(at, 64) if live[n]) for at in range(64)
    ]
    assert coverage.is_live(heads, AT).tolist() == live


def test_an_outage_that_is_not_over_has_no_end() -> None:
    open_ended = Outages([(10.0, NEVER), (5.0, 12.0)])

    assert open_ended.resume(np.array([5.0, 6.0])).tolist() == [5.0, NEVER]
    assert open_ended.lost(np.array([0.0]), np.array([100.0])).item() == 95.0


@pytest.mark.parametrize(
    "edge",
    ["2017-05-01", "2017-05-01T00:00:00Z", "2017-05-01T08:00:00+08:00", 1_493_596_800_000,
     "1493596800000",
     date(2017, 5, 1), datetime(2017, 5, 1, tzinfo=UTC)],
)  # fmt: skip
def test_an_edge_is_a_day_an_instant_or_a_number(edge: object) -> None:
    assert edge_ms(edge) == 1_493_596_800_000


@pytest.mark.parametrize("edge", ["2017-05-01T00:00:00", "May", True, 1.5, 10**400, [1]])
def test_what_is_no_edge_is_refused_in_words(edge: object) -> None:
    with pytest.raises(ValueError, match="write a day as in 2017-05-01"):
        edge_ms(edge)
