"""The comparison: what it reckons, and that its table stands where it is said to."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.compare.calibration import calibration_s
from benchmarks.compare.ground import Volume
from benchmarks.compare.page import BEGIN, END, READMES, ROWS, inserted, table
from benchmarks.compare.race import Run
from benchmarks.compare.reckoning import RECKONINGS, reckoned
from benchmarks.compare.results import Result, Section, is_done, read
from benchmarks.compare.sections import PACES, SECTIONS
from benchmarks.figures import PROMISES, ROOT
from benchmarks.peers.floor import Debt
from benchmarks.workload import SKEWS, Shape, make_log, skewed, steady_log, user_id
from streams.core.partitioner import partition_of

VOLUMES = {"users-changelog": Volume(0.5, 700.0)}
PLAIN = Run("winback", 1, 1_000, 12.0, 6.0, 50_000.0, 3.0, is_whole=True, volumes=VOLUMES)


def result(name: str, *runs: Run, **facts: float) -> Result:
    return Result(name, "code", "2026-11-23", "machine", {}, 1.0, list(runs), facts)


def cost(name: str, cpu_us: float, **more: object) -> Run:
    return msgspec.structs.replace(PLAIN, entrant=name, cpu_us=cpu_us, **more)


def test_a_ratio_is_of_medians_of_the_same_section() -> None:
    runs = [cost("winback", each) for each in (10.0, 12.0, 50.0)]
    runs += [cost("bytewax", each) for each in (24.0, 24.0, 90.0)]

    found = reckoned({"peers": result("peers", *runs)})

    assert found["peer_ratio:bytewax"] == 2.0
    assert found["peer_us:bytewax"] == 24.0
    assert "peer_ratio:quix" not in found, "who did not run has no figure"


def test_a_floor_is_what_lies_below() -> None:
    found = reckoned({"floors": result("floors", PLAIN, cost("floor-columns", 3.0))})
    assert found["floor_distance"] == 4.0
    assert found["changelog_bytes_per_event"] == 350.0


def test_two_workers_are_held_against_one() -> None:
    runs = PLAIN, cost("winback", 13.2, workers=2, records_per_s=70_000.0)
    found = reckoned({"workers": result("workers", *runs)})
    assert found["workers_cpu"] == pytest.approx(1.1)
    assert found["workers_wall"] == 1.4


def test_whatever_is_reckoned_has_a_promise() -> None:
    names = "winback", "few", "many", "uniform", "hot", "zipf", "partition"
    peers = "bytewax", "quix", "quix-prompt", "faust", "quix-singly", "faust-singly"
    floors = "floor-columns", "floor-aiokafka", "floor-confluent"
    runs = [cost(name, 12.0) for name in (*names, *peers, *floors)]
    runs += [cost("winback", 12.0, workers=2)]
    measured = ("touch_p50", "touch_p99", "touch_p99.9", "revoke_p99", "cpu_us_per_event")
    facts = {f"{at}.{name}": 1.0 for at in ("rate", *(f"at{share}" for share in PACES))
             for name in measured}  # fmt: skip
    every = {name: result(name, *runs, many=1e6, **facts) for name in SECTIONS}

    found = reckoned(every)

    assert RECKONINGS.keys() == SECTIONS.keys()
    assert found.keys() <= PROMISES.keys()
    assert {row.cost for row in ROWS} | {row.ratio for row in ROWS} - {""} <= found.keys()


@pytest.mark.parametrize(("language", "name"), list(enumerate(READMES)))
def test_the_table_in_the_readme_has_the_rows_of_today(language: int, name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    block = text.partition(BEGIN)[2].partition(END)[0]
    rows = [line.split("|")[1].strip() for line in block.splitlines() if line.startswith("|")]
    wanted = table({}, language)
    assert rows == [line.split("|")[1].strip() for line in wanted.splitlines()], "make bench-table"


def test_a_table_is_put_between_its_marks_and_nowhere_else() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter"
    assert inserted(page, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter"
    with pytest.raises(ValueError, match="no <!-- bench"):
        inserted("nothing here", "new")


def test_a_section_that_is_done_is_done_for_this_code_only(tmp_path: Path) -> None:
    assert not is_done("floors", tmp_path)
    section = Section("floors", tmp_path)
    section.runs.append(PLAIN)
    done = section.done()

    assert is_done("floors", tmp_path)
    assert read("floors", tmp_path) == done
    older = msgspec.structs.replace(done, code="other")
    (tmp_path / "floors.json").write_bytes(msgspec.json.encode(older))
    assert not is_done("floors", tmp_path)


@given(st.lists(st.integers(0, 9_000), max_size=30), st.floats(0.0, 3.0))
def test_a_floor_writes_what_it_owes(reads: list[int], each: float) -> None:
    debt = Debt("app", {"users-changelog": (each, 700.0)})
    paid = sum(count for read in reads for _, count, _ in debt.of(read))
    assert abs(paid - each * sum(reads)) < 1.01


def test_a_few_have_much_more_in_a_skewed_log() -> None:
    log = make_log(Shape(users=3_000, days=20, seed=1))
    users = {skew: skewed(log, skew, 4).users for skew in SKEWS}
    assert np.mean(users["hot"] == 0) == pytest.approx(0.2, abs=0.01)
    assert np.mean(users["zipf"] == 0) > 0.3
    where = [partition_of(user_id(number), 4) for number in range(3_000)]
    shares = np.bincount(np.array(where)[users["partition"]]) / len(log.users)
    assert shares[0] / shares[1:] == pytest.approx([10.0] * 3, rel=0.25)


def test_a_steady_log_goes_on_from_where_it_is_told() -> None:
    log = steady_log(500, 2, 1, from_s=1_000_000)
    assert (np.diff(log.times_s) >= 0).all()
    assert log.times_s.min() >= 1_000_000
    assert log.times_s.max() < 1_000_000 + 2 * 86_400


def test_the_calibration_takes_time() -> None:
    assert calibration_s() > 0.01
