"""A back-test says the same whoever runs its users, and wherever its log is cut into slices."""

import os
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st

from streams.core.rules import Rules
from streams.core.scoring import F64
from streams.errors import UserError
from streams.replay import backtest as module
from streams.replay.backtest import Asked, Backtest
from streams.replay.blocks import Block
from streams.replay.crew import JOB_BYTES, Crowd, jobs_for
from streams.replay.files import EventLog
from streams.replay.mute import Mute
from streams.replay.points import read_points
from streams.replay.rulebook import redefined, rules_at
from streams.replay.share import Share
from streams.replay.slices import Slice, joined, sliced
from streams.replay.timeline import Timeline, parts
from streams.replay.told import Ended, Judged, OneShareError, Setup, Task, Taught

NOW_MS = 1_600_000_000_000


class Together:
    """Shares in this process, one after the other: stands in for processes."""

    def __init__(self, setups: Sequence[Setup]) -> None:
        self.cpu_s: list[float] = []
        self._shares = [Share(setup) for setup in setups]
        self._taught: deque[list[Taught]] = deque()
        self._judged: deque[list[Judged]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def teach(self, tasks: Sequence[Task]) -> None:
        both = zip(self._shares, tasks, strict=True)
        self._taught.append([share.teach(task) for share, task in both])

    def taught(self) -> list[Taught]:
        return self._taught.popleft()

    def judge(self, timeline: Timeline) -> None:
        self._judged.append([share.judge(timeline) for share in self._shares])

    def judged(self) -> list[Judged]:
        return self._judged.popleft()

    def end(self) -> list[Ended]:
        return [share.end() for share in self._shares]


def rules() -> Rules:
    return redefined(rules_at(""), horizon_days=12, min_active_days=3, kinds=("purchase", "visit"))


def said(
    log: str, folder: Path, book: Rules | None = None, *, partitions: int = 1, jobs: int = 1
) -> dict[str, Any]:
    """Return everything that a back-test says."""
    files = {name: folder / f"{name}.csv" for name in ("scores", "risk", "alerts")}
    points = folder / "points.csv"
    at = [synthetic.START_MS + day * synthetic.DAY_MS for day in (20, 27, 34, 41, 48)]
    points.write_text("\n".join(["user_id,at", *(f"用户{n},{a}" for a in at for n in range(20))]))
    asked = Asked(
        points=read_points(str(points)), since_ms=0, partitions=partitions, jobs=jobs,
        reports=True, **{name: str(path) for name, path in files.items()},
    )  # fmt: skip
    summary = Backtest(book or rules(), asked, NOW_MS).run(EventLog(log, block_rows=97).blocks())
    return {"summary": summary} | {name: path.read_bytes() for name, path in files.items()}


@pytest.fixture(scope="module")
def alone(short_log: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found = said(short_log, tmp_path_factory.mktemp("alone"))
    assert found["alerts"].count(b"\n") > 5
    assert found["scores"].count(b"\n") > 40
    return found


def test_processes_say_what_one_says(short_log: str, alone: dict[str, Any], tmp_path: Path) -> None:
    assert said(short_log, tmp_path, jobs=2) == alone


@pytest.mark.parametrize(("jobs", "rows"), [(1, 40), (3, 40), (2, 7), (4, 100_000)])
def test_neither_shares_nor_slices_change_a_byte(
    short_log: str,
    alone: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    jobs: int,
    rows: int,
) -> None:
    monkeypatch.setattr(module, "Crowd", Together)
    monkeypatch.setattr(module, "sliced", partial(sliced, rows=rows))
    assert said(short_log, tmp_path, jobs=jobs) == alone


def test_a_budget_is_shared_out_among_partitions_not_among_processes(
    short_log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "Crowd", Together)
    budget = msgspec.structs.replace(rules().budget, per_day={"message": 3, "person": 1})
    book = msgspec.structs.replace(rules(), budget=budget)
    first = said(short_log, tmp_path, book, partitions=4)
    assert first["alerts"].count(b"\n") > 3
    for jobs in (3, 9):
        assert said(short_log, tmp_path, book, partitions=4, jobs=jobs) == first


def test_ids_that_are_one_person_are_run_by_one_process(
    short_log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "Crowd", Together)
    lines = Path(short_log).read_text(encoding="utf-8").splitlines()
    lines[0] += ",anonymous_id"
    lines[1:] = [f"{line}," for line in lines[1:]]
    user_id, at, *_ = lines[30].split(",")
    lines.insert(31, f"{user_id},{at},$identify,,somebody")
    linked = tmp_path / "linked.csv"
    linked.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(OneShareError):
        said(str(linked), tmp_path, jobs=2)
    assert said(str(linked), tmp_path)["summary"]["events"] == len(lines) - 1


def test_a_process_that_dies_ends_the_run_with_a_word(short_log: str) -> None:
    asked = Asked(points=None, scores=None, risk=None, alerts=None, since_ms=0, partitions=2)
    with Crowd(module.setups(rules(), msgspec.structs.replace(asked, jobs=2), module.Gaps(),
                             NOW_MS)) as crowd:  # fmt: skip
        block = next(EventLog(short_log).blocks())
        task = Task(block, [], None, block.times_ms[-1], is_last=True)
        os.kill(crowd.processes[0], signal.SIGKILL)
        crowd.teach([task, task])
        with pytest.raises(RuntimeError, match="ended before its work was done"):
            crowd.taught()


def test_a_log_that_is_bad_further_on_stops_all_processes(short_log: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text(Path(short_log).read_text(encoding="utf-8") + "ada,never,visit,\n")
    with pytest.raises(UserError, match="is no date"):
        said(str(bad), tmp_path, jobs=2)


def test_a_small_log_or_none_is_for_one_process(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"x" * (JOB_BYTES - 1))
    (tmp_path / "large").write_bytes(b"x" * (JOB_BYTES * 40))
    assert jobs_for("-") == jobs_for(str(tmp_path / "small")) == 1
    assert jobs_for(str(tmp_path / "large")) == min(41, len(os.sched_getaffinity(0)))


# -- slices


def block_of(times_ms: Sequence[int], first: int = 1) -> Block:
    rows = range(first, first + len(times_ms))
    users = [f"u{row % 5}" for row in rows]
    return Block(list(rows), [str(row) for row in rows], users, list(times_ms),
                 ["visit"] * len(rows), [None] * len(rows), None)  # fmt: skip


@given(
    times_ms=st.lists(st.integers(1, 400), min_size=1, max_size=60).map(sorted),
    sizes=st.lists(st.integers(1, 9), min_size=1),
    rows=st.integers(1, 30),
)
def test_slices_depend_on_the_rows_alone_and_end_at_epochs(
    times_ms: list[int], sizes: list[int], rows: int
) -> None:
    def blocks() -> Iterator[Block]:
        begin, turn = 0, 0
        while begin < len(times_ms):
            end = begin + sizes[turn % len(sizes)]
            yield block_of(times_ms[begin:end], begin + 1)
            begin, turn = end, turn + 1

    def cut(log: Iterator[Block]) -> list[Slice]:
        return list(sliced(log, lambda at_ms: (at_ms // 10 + 1) * 10, NOW_MS, rows))

    found = cut(blocks())
    assert found == cut(iter([block_of(times_ms)]))
    assert [row for part in found for row in part.block.rows] == list(range(1, len(times_ms) + 1))
    assert [part.is_last for part in found] == [False] * (len(found) - 1) + [True]
    epochs = [epoch for part in found for epoch in part.epochs]
    assert epochs == list(range((times_ms[0] - 1) // 10 * 10 + 10, times_ms[-1] + 1, 10))
    reached = 0
    for part in found:
        assert all(at_ms >= reached for at_ms in part.block.times_ms)
        if part.until_ms is not None:
            reached = part.until_ms
            assert part.epochs[-1] == reached
            assert all(at_ms < reached for at_ms in part.block.times_ms)


def test_extras_of_joined_blocks_stay_with_their_rows() -> None:
    with_extras = block_of([3], 3)._replace(extras=[{"currency": "EUR"}])
    found = joined(block_of([1, 2]), with_extras)
    assert found.extras == [{}, {}, {"currency": "EUR"}]
    assert found.times_ms == [1, 2, 3]


# -- timelines


class Constant(Mute):
    """Says one number."""

    def __init__(self, said: float, *, may_alert: bool = True) -> None:
        self.said, self.may_alert, self.examples = said, may_alert, 1_000

    def reach(self, _heads: F64, at_ms: F64) -> F64:
        return np.full(len(at_ms), self.said)

    hazard = quiet = reach

    def explain(self, _heads: F64, at_ms: F64) -> list[tuple[tuple[str, float], ...]]:
        return [(("base", self.said),) for _ in at_ms]


@given(st.lists(st.integers(1, 99), unique=True).map(sorted), st.lists(st.integers(0, 100)))
def test_every_row_is_scored_by_the_scorer_of_its_instant(
    since_ms: list[int], at_ms: list[int]
) -> None:
    scorers = [Constant(float(number)) for number in range(len(since_ms) + 1)]
    timeline = Timeline([-np.inf, *since_ms], scorers)
    expected = [float(sum(since <= at for since in since_ms)) for at in at_ms]
    at, heads = np.array(at_ms, np.float64), np.empty((len(at_ms), 3))
    for ask in (timeline.hazard, timeline.reach, timeline.quiet):
        assert ask(heads, at).tolist() == expected
    assert timeline.explain(heads, at) == [(("base", said),) for said in expected]


def test_a_timeline_is_cut_where_alerts_may_begin_or_must_end() -> None:
    mays = [False, False, True, True, False]
    timeline = Timeline(
        [-np.inf, 10, 20, 30, 40], [Constant(n, may_alert=may) for n, may in enumerate(mays)]
    )
    found = parts(timeline, 1_000)
    assert [part.until_ms for part in found] == [20, 40, None]
    assert [part.scorer.may_alert for part in found] == [False, True, False]
    assert [part.scorer.since_ms for part in found] == [[-np.inf, 10], [-np.inf, 30], [-np.inf]]
    assert len(parts(timeline, 1_001)) == 1
