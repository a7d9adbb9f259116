"""Laws of the roster: what it says rests on what matured before an instant, and on nothing else."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest
from hypothesis import Phase as Step
from hypothesis import given, settings
from hypothesis import strategies as st

from models import boosted, newest, roster_records
from models.catalogue import CHAMPION, FLOOR
from models.questions import PATIENCE
from models.roster import ASSEMBLIES_PER_HORIZON, Roster
from models.snapshot import Phase, load, sign
from tests.oracles_rhythm import DAY_MS
from tests.unit.models.worlds import HORIZON_MS, START_MS, World, world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from models.questions import Openings

SPAN_MS: Final = HORIZON_MS // ASSEMBLIES_PER_HORIZON
DAYS: Final = 55
KEYS: Final = (b"a key of this test",)
END_MS: Final = START_MS + DAYS * DAY_MS
KINDS: Final = ("examples", "openings", "outcomes")
TIMES: Final = (1, 1, 2)
"""Place of the time that counts, in a kind."""


@pytest.fixture(autouse=True, scope="module")
def _trees_are_fitted_early_and_fast() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(newest, "FIRST_FIT", 300)
        patch.setattr(boosted, "TREES", 10)
        yield


def roster(**arguments: Any) -> Roster:
    return Roster(HORIZON_MS, **{"examples_min": 100, "keeps_history": True} | arguments)


def small() -> World:
    return world(users=70, days=DAYS, seed=4)


def cut(of: World, before_ms: float) -> World:
    """Return what lies before an instant."""
    return World(*(
        type(columns)._make(column[columns[time] < before_ms] for column in columns)
        for columns, time in zip(of, TIMES, strict=True)
    ))  # fmt: skip


def deliver(to: Roster, of: World, wanted: list[NDArray[np.intp]]) -> None:
    """Let the roster receive chosen rows of each kind, in the order in which they are given."""
    for kind, columns, rows in zip(KINDS, of, wanted, strict=True):
        to.receive(**{kind: type(columns)._make(column[rows] for column in columns)})


def told_all(of: World, until_ms: int) -> Roster:
    """Return a roster that got everything at once and went through time in one stride."""
    found = roster()
    deliver(found, of, [np.arange(len(columns[0])) for columns in of])
    found.advance(until_ms)
    return found


@cache
def reference() -> Roster:
    return told_all(small(), END_MS)


def history(of: Roster) -> dict[str, NDArray[Any]]:
    """Return all that was asked and answered, as columns."""
    parts = of.history
    names = sorted({name for part in parts for name in part.models})
    empty = [np.full(len(part.users), np.nan) for part in parts]
    found = {
        f"by {name}": np.concatenate(
            [part.models.get(name, nan) for part, nan in zip(parts, empty, strict=True)]
        )
        for name in names
    }
    for column in ("users", "opened_at_ms", "churned", "said", "raw", "candidate", "rows"):
        found[column] = np.concatenate([getattr(part, column) for part in parts])
    return found


def same_now(one: Roster, other: Roster) -> None:
    """Assert that two rosters are the same, to the last bit."""
    assert one.report() == other.report()
    assert one.serving() == other.serving()
    assert one.drift == other.drift
    for name, model in one.models.items():
        assert model.snapshot() == other.models[name].snapshot(), name


def same(one: Roster, other: Roster) -> None:
    """Assert the same, and that both said the same of all that was asked."""
    same_now(one, other)
    seen, expected = history(one), history(other)
    assert seen.keys() == expected.keys()
    for name, column in expected.items():
        assert np.array_equal(seen[name], column, equal_nan=column.dtype.kind == "f"), name


@settings(max_examples=6, phases=(Step.explicit, Step.generate))  # To shrink would take minutes.
@given(
    st.lists(st.integers(START_MS - DAY_MS, END_MS), max_size=12),
    st.integers(0, 2**32 - 1),
    st.floats(0.0, 1.0),
)
def test_neither_cadence_nor_order_nor_blocks_matter(
    stops_ms: list[int], seed: int, early: float
) -> None:
    """Rows come in any order and in any blocks, some long before their time, none after it."""
    rng = np.random.default_rng(seed)
    of, found = small(), roster()
    stops = np.array([*sorted(stops_ms), END_MS])
    due = [np.searchsorted(stops, c[time], side="right") for c, time in zip(of, TIMES, strict=True)]
    comes = [
        np.where(rng.random(len(at)) < early, rng.integers(0, at + 1), at).astype(np.intp)
        for at in due
    ]
    for place, stop_ms in enumerate(stops.tolist()):
        now = [rng.permutation(np.flatnonzero(at == place)) for at in comes]
        for block in range(3):
            deliver(found, of, [rows[block::3] for rows in now])
        found.advance(stop_ms)

    same(found, reference())


@pytest.mark.parametrize("seed", range(2))
def test_restarts_change_nothing(seed: int) -> None:
    """A learner goes on from signed records as if nothing had been, trees included."""
    rng = np.random.default_rng(seed)
    of, found, topic = small(), roster(keeps_history=False), {}
    began_ms = START_MS
    for stop_ms in [*np.sort(rng.integers(START_MS, END_MS, 6)).tolist(), END_MS]:
        times = [columns[time] for columns, time in zip(of, TIMES, strict=True)]
        deliver(found, of, [np.flatnonzero((at >= began_ms) & (at < stop_ms)) for at in times])
        found.advance(stop_ms)
        found, began_ms = _reborn(found, topic), stop_ms

    same_now(found, reference())


def _reborn(of: Roster, topic: dict[str, bytes]) -> Roster:
    """Write what changed to a compacted topic, and return a roster that goes on from there."""
    for key, record in roster_records.take(of, {}).items():
        if record is None:
            topic.pop(key, None)
        else:
            topic[key] = sign(record, KEYS)
    kinds = {key: roster_records.kind_of(key) for key in topic}
    found = roster(keeps_history=False)
    records = {key: load(topic[key], KEYS, kind) for key, kind in kinds.items() if kind is not None}
    roster_records.restore(found, records)
    return found


def test_hourly_looks_change_nothing() -> None:
    found = roster()
    deliver(found, small(), [np.arange(len(columns[0])) for columns in small()])
    for at_ms in range(START_MS, END_MS, DAY_MS // 12):
        found.advance(at_ms)
        found.scorer()
    found.advance(END_MS)

    same(found, reference())


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 1.0])
def test_nobody_is_graded_with_hindsight(share: float) -> None:
    """What was said of a user then is what everybody would have said who knew nothing later."""
    answered = np.quantile(history(reference())["opened_at_ms"], share, method="lower")
    assembly_ms = int(answered) // SPAN_MS * SPAN_MS
    asked = _opened(small().openings, assembly_ms)
    then = told_all(cut(small(), assembly_ms), assembly_ms)
    seen = history(reference())
    of = np.flatnonzero(np.isin(seen["opened_at_ms"], asked.at_ms))
    assert len(of) == len(asked.users) > 0
    order = np.lexsort((asked.users, asked.at_ms))
    heads, at_ms = asked.heads[order], asked.at_ms[order]

    assert np.array_equal(seen["said"][of], then.scorer().quiet(heads, at_ms))
    for name, model in then.models.items():
        scorer = model.scorer()
        if scorer is not None:
            assert np.array_equal(seen[f"by {name}"][of], scorer.quiet(heads, at_ms))
    later = reference().models[CHAMPION].scorer()
    assert later is not None
    assert not np.isclose(later.quiet(heads, at_ms), seen[f"by {CHAMPION}"][of], rtol=1e-4).any()


def _opened(openings: Openings, assembly_ms: float) -> Openings:
    """Return the questions between an assembly and the next one, the first instant included."""
    chosen = (openings.at_ms >= assembly_ms) & (openings.at_ms < assembly_ms + SPAN_MS)
    return type(openings)._make(column[chosen] for column in openings)


def test_all_are_asked_the_same_and_answered_once() -> None:
    seen, asked = history(reference()), cut(small(), END_MS).outcomes

    assert len(seen["users"]) == len(asked.users)
    assert np.array_equal(np.sort(seen["opened_at_ms"]), np.sort(asked.opened_at_ms))
    assert len(reference().questions) == len(small().openings.users) - len(asked.users)
    for name in (CHAMPION, FLOOR):
        late = seen["opened_at_ms"] > START_MS + 20 * DAY_MS
        assert not np.isnan(seen[f"by {name}"][late]).any()


def test_the_prior_speaks_then_both_then_the_model() -> None:
    found = roster(examples_min=120)
    deliver(found, small(), [np.arange(len(columns[0])) for columns in small()])
    asked = small().openings.heads, small().openings.at_ms
    told: list[tuple[Phase, float, bool, bool]] = []
    for at_ms in range(START_MS, END_MS, DAY_MS):
        found.advance(at_ms)
        scorer = found.scorer()
        told.append((found.phase, found.prior_weight, scorer.may_alert, found.examples >= 120))
        if found.phase is Phase.PRIOR:
            assert scorer.version == "bgnbd_v1"
        if found.phase is Phase.BLENDED:
            prior, model = (found.models[n].scorer() for n in ("bgnbd_v1", CHAMPION))
            assert prior is not None
            assert model is not None
            ends = np.sort([prior.quiet(*asked), model.quiet(*asked)], axis=0)
            said = scorer.quiet(*asked)
            assert ((said >= ends[0] - 1e-12) & (said <= ends[1] + 1e-12)).all()
            assert found.prior_weight == 1.0 - (found.examples - 120) / 360
    phases = list(dict.fromkeys(phase for phase, *_ in told))

    assert phases == [Phase.PRIOR, Phase.BLENDED, Phase.LEARNED]
    assert all(may is enough for phase, _, may, enough in told if phase is not Phase.BLENDED)
    assert not any(may for phase, _, may, _ in told if phase is Phase.PRIOR)
    weights = [weight for _, weight, _, _ in told]
    assert weights == sorted(weights, reverse=True)
    assert (weights[0], weights[-1]) == (1.0, 0.0)


def test_the_scorer_is_the_same_object_while_nothing_has_changed() -> None:
    found = told_all(small(), END_MS - DAY_MS)
    before = found.scorer()
    found.advance(END_MS - DAY_MS)

    assert found.scorer() is before
    found.advance(END_MS)
    assert found.scorer() is not before


def test_nothing_received_is_nothing_known() -> None:
    found = roster()
    found.advance(END_MS)
    report = found.report()

    assert (report.phase, report.may_alert, report.examples) == (Phase.PRIOR, False, 0)
    assert all(one.grades.outcomes == 0 for one in report.models)
    assert found.scorer().version == "bgnbd_v1"


@pytest.mark.parametrize("answer", [False, True])
def test_one_kind_of_outcome_alone_is_no_accident(*, answer: bool) -> None:
    """Everybody stays, or everybody leaves: then there is nothing to rank, but a rate."""
    of = small()
    active = np.full(len(of.examples.active), not answer)
    churned = np.full(len(of.outcomes.churned), answer)
    found = told_all(
        of._replace(
            examples=of.examples._replace(active=active),
            outcomes=of.outcomes._replace(churned=churned),
        ),
        END_MS,
    )
    report = found.report()
    said = found.scorer().quiet(of.openings.heads, of.openings.at_ms)

    assert report.served.auc is None
    assert report.served.brier < 0.25
    assert not report.promotions
    assert (abs(said - answer) < 0.2).all()


@pytest.mark.parametrize("broken", [np.nan, np.inf, 1e12])
def test_broken_rows_and_weightless_ones_change_nothing(broken: float) -> None:
    of = small()
    rows = of.examples.rows[:60].copy()
    rows[:30, 20] = broken
    weight = np.where(np.arange(60) < 30, 1.0, 0.0).astype(np.float32)
    bad = of.examples._replace(
        **{name: getattr(of.examples, name)[:60] for name in ("opened_at_ms", "matured_at_ms")},
        active=~of.examples.active[:60], weight=weight, rows=rows,
    )  # fmt: skip
    found = roster()
    found.receive(examples=bad)
    deliver(found, of, [np.arange(len(columns[0])) for columns in of])
    found.advance(END_MS)

    same(found, reference())


def test_answers_to_nobodys_question_change_nothing() -> None:
    of = small()
    found = roster()
    strange = of.outcomes._replace(users=of.outcomes.users + np.uint64(1_000_000))
    found.receive(outcomes=strange)
    deliver(found, of, [np.arange(len(columns[0])) for columns in of])
    found.advance(END_MS)

    assert found.report() == reference().report()


def test_questions_that_nobody_answers_are_forgotten() -> None:
    of, found = small(), roster()
    silent = of._replace(outcomes=of.outcomes._replace(users=of.outcomes.users * np.uint64(0)))
    deliver(found, silent, [np.arange(len(columns[0])) for columns in silent])
    opened_ms = of.openings.at_ms
    for at_ms in range(START_MS, END_MS, SPAN_MS):
        found.advance(at_ms)
        oldest_ms = at_ms - PATIENCE * HORIZON_MS - 2 * SPAN_MS
        waiting = (opened_ms < at_ms) & (opened_ms > oldest_ms)
        assert len(found.questions) <= np.count_nonzero(waiting)

    assert 0 < len(found.questions) < 0.5 * len(opened_ms)
