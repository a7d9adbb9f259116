"""The kernel and its twins in Python: equal to the last bit, whatever comes."""

import ctypes
import json
import mmap
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.kernel.loading import OFF, SWITCH
from streams.core import runs, state, timers
from streams.core.coverage import Coverage
from streams.core.inputs import Acted, Input
from streams.core.partition import Partition
from streams.core.rhythm_rows import columns_of
from streams.core.rules import Rules
from streams.core.signals import Signals
from streams.core.state import Column, blank, encode, matrix
from streams.core.time import DAY_MS, HOUR_MS
from streams.core.timers import Timers
from streams.intake.bulk import bulk_native
from streams.kernel import library
from streams.kernel.build import ROOM, compilers
from tests.fuzz.mutate import Mutator
from tests.fuzz.tongues import JSON
from tests.unit.core.stories import START_MS, ToldScorer, by_silence, day, rules_of

ROOT = Path(__file__).parents[3]
KERNEL = library.kernel()
RULES = rules_of(kinds="[purchase, refund, buy, try, ask, gripe]", events="{ignored: [ping]}")
NOW = day(400)
NATIVE = bulk_native(RULES)


def test_where_there_is_a_compiler_there_is_a_kernel() -> None:
    """So that no test here compares Python with itself, unless that is asked for."""
    is_off = os.environ.get(SWITCH) == OFF
    assert (KERNEL is None) == (is_off or not [*compilers()]), library.why_not()


def test_without_it_all_is_as_ever() -> None:
    code = (
        "from streams.kernel import library; from streams.core.runs import Runs;"
        "from tests.unit.core.test_kernel import told, WEEK; print(library.why_not());"
        "print(told(WEEK, 5))"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=os.environ | {SWITCH: switch},
            capture_output=True, text=True, check=True,
        ).stdout.splitlines()
        for switch in ("off", "on")
    ]  # fmt: skip
    assert said[0][0] == "WINBACK_NATIVE is off"
    assert said[1][0] == ("" if KERNEL else library.why_not())
    assert said[0][1:] == said[1][1:]


def test_the_columns_have_the_same_places() -> None:
    text = (ROOM / "fold.c").read_text("utf-8")
    found = re.search(r"enum \{\s*(FIRST,.*?)WIDTH\s*\}", text, re.DOTALL)
    assert found is not None
    names = [name for name in re.split(r"[\s,]+", found[1]) if name]
    places = state._PLACES
    assert names == sorted(places, key=places.__getitem__)


# -- what users do


class Moody(ToldScorer):
    """Finds risk now and then, for whoever it is."""

    def __init__(self) -> None:
        super().__init__(by_silence)

    def reach(self, heads: Any, at_ms: Any) -> Any:
        return np.where(at_ms // HOUR_MS % 11 == 0, 0.9, 0.1) + 0.0 * heads[:, 0]


def told(history: Sequence[Input], size: int, rules: Rules = RULES) -> list[Any]:
    """Return all that can be seen of a partition that is told a history in chunks."""
    partition = Partition(0, rules, Moody(), is_shadow=True)
    left, counts = [], []
    for start in range(0, len(history), size):
        partition.apply(history[start : start + size])
        harvest = partition.take()
        counts += [(name, harvest.counts[name]) for name in ("accepted", "duplicate", "late")]
        left += [
            (stream, record.key, record.value)
            for stream, records in harvest.outputs.items()
            for record in records
            if stream != "examples"
        ]
    return [sorted(partition.values()), sorted(left), counts]


steps = st.tuples(
    st.sampled_from(["ada", "bob", "小明", "eve"]),
    st.one_of(
        st.integers(0, 3 * DAY_MS), st.sampled_from([0, 1, DAY_MS, 81_000_000, 7 * DAY_MS]),
        st.integers(-2 * DAY_MS, 0), st.integers(8 * DAY_MS, 80 * DAY_MS),
    ),
    st.floats(0, 1e9), st.integers(-(10**9), 10**9), st.integers(-1, 5), st.booleans(),
    st.integers(0, 30),
)  # fmt: skip


def acts_of(made: list[tuple[Any, ...]]) -> list[Acted]:
    reached, acts = START_MS, []
    for user, step, amount, money, slot, is_risky, name in made:
        reached = max(START_MS, reached + step)
        acts.append(Acted(user, f"{name}", reached, amount, money, slot, is_risky))
    return acts


WEEK = acts_of(
    [
        ("eve" if hour % 3 else "ada", 5 * HOUR_MS, 1.5, hour, hour % 7 - 1, hour % 9 == 0, hour)
        for hour in range(90)
    ]
)


@settings(max_examples=150)
@given(st.lists(steps, max_size=70), st.sampled_from([1, 7, 70]))
def test_the_calm_path_is_that_of_rounds(made: list[tuple[Any, ...]], size: int) -> None:
    """Late ones, repeats, long silences, frozen examples, scores that matter: all of it."""
    history = acts_of(made)
    with pytest.MonkeyPatch.context() as patch:
        natively = told(history, size)
        for module in (runs, timers):
            patch.setattr(module, "kernel", lambda: None)
        assert told(history, size) == natively


spans = st.lists(
    st.tuples(st.integers(0, 200 * DAY_MS), st.sampled_from([1, HOUR_MS, 5 * DAY_MS, 60 * DAY_MS])),
    max_size=4,
)


@settings(max_examples=150)
@given(st.lists(steps, max_size=70), st.sampled_from([1, 7, 70]), spans)
def test_who_has_no_outage_behind_it_is_calm_in_spite_of_outages(
    made: list[tuple[Any, ...]], size: int, missing: list[tuple[int, int]]
) -> None:
    history = acts_of(made)
    outages = tuple((float(START_MS + at), float(START_MS + at + span)) for at, span in missing)
    rules = msgspec.structs.replace(RULES, outages=outages)
    with pytest.MonkeyPatch.context() as patch:
        natively = told(history, size, rules)
        for module in (runs, timers):
            patch.setattr(module, "kernel", lambda: None)
        assert told(history, size, rules) == natively


@given(
    st.lists(
        st.tuples(*[st.integers(-5, 200 * DAY_MS)] * 4, st.integers(0, 9), st.booleans()),
        min_size=16, max_size=40,
    ),
    spans,
)  # fmt: skip
def test_deadlines_are_those_of_numpy(
    rows: list[tuple[Any, ...]], missing: list[tuple[int, int]]
) -> None:
    heads = np.repeat(matrix([encode(blank(0.0))]), len(rows), axis=0)
    for head, (phase, first, span, after, days, is_due) in zip(heads, rows, strict=True):
        head[Column.PHASE] = abs(phase) % RULES.churn.period_ms
        head[:2], head[2], head[Column.EVENTS] = (first, first + max(span, 0)), days, days
        head[Column.DUE] = after if is_due else np.inf
    after_ms = np.array([float(row[3]) for row in rows])
    with pytest.MonkeyPatch.context() as patch:
        coverage = Coverage([(float(at), float(at + span)) for at, span in missing])
        found = Timers(RULES, coverage).deadlines(heads, after_ms)
        patch.setattr(timers, "kernel", lambda: None)
        assert found.tolist() == Timers(RULES, coverage).deadlines(heads, after_ms).tolist()


# -- what records say

_KEY = b"ada"
SEEDS = [
    json.dumps(fields).encode()
    for fields in (
        {"event_id": "e:1", "user_id": "ada", "event": "purchase", "event_time": START_MS,
         "amount": 12.34, "currency": "CNY", "properties": {"a": [1, None, {"b": "c\n"}]}},
        {"event_id": "e", "user_id": "ada", "event": "browse", "amount": "7.50",
         "event_time": "2017-03-01T08:00:00.25+08:00"},
        {"event_id": "x" * 40, "user_id": "ada", "event": "ping", "event_time": START_MS},
        {"event_id": "1", "user_id": "ada", "event": "refund", "amount": 0.5,
         "event_time": "2016-02-29T23:59:59Z", "currency": None, "more": [-1.5, True, {}]},
        {"event_id": "1", "user_id": "ada", "event": "opt_out", "event_time": START_MS},
    )
]  # fmt: skip
SEEDS += [seed.replace(b'"ada"', '"小明"'.encode()) for seed in SEEDS]
SEEDS += [b'{"event_id":"a","user_id":"ada","event":"browse","event_time":1e12}', b"", b"{}"]


def agree(keys: Sequence[bytes | None], values: Sequence[bytes | None]) -> None:
    """Assert that the kernel reads records as Python does."""
    stamps = [NOW] * len(values)
    found = NATIVE.all(keys, values, stamps)
    one_by_one = NATIVE._replace(read=None).all(keys, values, stamps)
    assert list(found) == one_by_one
    if isinstance(found, Signals):
        acts = [each for each in one_by_one if isinstance(each, Acted)]
        assert found.is_act.tolist() == [isinstance(each, Acted) for each in one_by_one]
        assert [user for user in found.user_ids if user] == [
            each.user_id for each in one_by_one if getattr(each, "user_id", "")
        ]
        if acts:
            at_ms = np.array([float(each.event_time_ms) for each in acts])
            read = found.acts.only(np.flatnonzero(found.is_act))
            for mine, other in zip(read, columns_of(acts, at_ms), strict=True):
                assert mine.tobytes() == other.tobytes()


def test_whatever_is_made_of_records_is_read_alike() -> None:
    mutator = Mutator(JSON, SEEDS, Random("kernel"))
    for _ in range(60):
        values: list[bytes | None] = [mutator.make() for _ in range(100)]
        keys: list[bytes | None] = [b"ada"] * 50 + ["小明".encode()] * 50
        agree(keys, values)
    agree([None, b"ada", b""], [SEEDS[0], None, SEEDS[1]])
    agree([], [])


amounts = st.one_of(
    st.floats(-1e13, 1e13).map(repr), st.decimals(0, 10**9, places=2).map(str),
    st.integers(-(10**16), 10**16).map(str), st.sampled_from(["0.5", "1e3", "-0", "01", "1.", "0"]),
)  # fmt: skip
times = st.one_of(
    st.datetimes().map(lambda at: f'"{at.isoformat()}Z"'),
    st.datetimes().map(lambda at: f'"{at.isoformat()}+09:30"'),
    st.integers(-5, 10**16).map(str), st.sampled_from(["1.5e12", '"2017-02-29T00:00:00Z"']),
)  # fmt: skip


@given(st.lists(st.tuples(amounts, times, st.text(min_size=1, max_size=140)), max_size=20))
def test_numbers_instants_and_ids_are_read_to_the_last_bit(
    rows: list[tuple[str, str, str]],
) -> None:
    values: list[bytes | None] = []
    for amount, at, name in rows:
        text = json.dumps(name, ensure_ascii=len(name) % 2 == 0)
        values += [
            f'{{"event":"purchase","event_id":{text},"user_id":"ada","amount":{told_as},'
            f'"event_time":{at}}}'.encode("utf-8", "surrogatepass")
            for told_as in (amount, f'"{amount}"')
        ]
    agree([b"ada"] * len(values), values)


@pytest.mark.parametrize("size", range(1, 132))
def test_an_event_id_of_any_size_has_the_same_digest(size: int) -> None:
    name = "".join(chr(33 + (7 * size + 3 * at) % 90) for at in range(size))
    name = name.translate({ord('"'): "q", ord("\\"): "b"})
    agree(
        [b"ada"],
        [f'{{"event":"a","event_id":"{name}","user_id":"ada","event_time":{START_MS}}}'.encode()],
    )


def test_nothing_behind_a_record_is_read() -> None:
    """Each lies at the very end of a page, behind which nothing may be read."""
    if KERNEL is None:
        assert NATIVE.read is None
        return
    page, clib = mmap.PAGESIZE, ctypes.CDLL(None, use_errno=True)
    room = mmap.mmap(-1, 2 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(room))
    clib.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    assert clib.mprotect(start + page, page, 0) == 0
    assert NATIVE.read is not None
    mutator = Mutator(JSON, SEEDS, Random("page"))
    samples = [mutator.make()[:page] for _ in range(3_000)]
    samples += [seed[:cut] for seed in SEEDS for cut in range(len(seed))]
    for sample in samples:
        room[page - len(sample) : page] = sample
        lying = np.frombuffer(room, np.uint8, len(sample), page - len(sample))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(library, "_joined", lambda texts, lying=lying: (
                lying if texts[0] is not _KEY else np.frombuffer(_KEY, np.uint8)
            ))  # fmt: skip
            NATIVE.read([_KEY], [sample], [NOW])
    del lying
    assert clib.mprotect(start + page, page, 3) == 0
