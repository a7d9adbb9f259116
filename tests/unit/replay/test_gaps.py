"""Known gaps of a log: the file that names them, and what a back-test makes of a logger outage."""

import csv
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synthetic

from streams.core.inputs import ObservationPaused, OutageAnnounced
from streams.core.native import make_decode
from streams.core.rules import Rules
from streams.errors import UserError
from streams.replay.backtest import Asked, Backtest
from streams.replay.events import coverage
from streams.replay.files import EventLog
from streams.replay.gaps import NO_GAPS, Gaps, read_gaps
from streams.replay.instants import short_iso
from streams.replay.points import read_points
from streams.replay.rulebook import redefined, rules_at

DAY_MS, START_MS, NOW_MS = synthetic.DAY_MS, synthetic.START_MS, 1_600_000_000_000
MAY_MS, FOREVER = 1_493_596_800_000, float("inf")
Row = tuple[int, str, str, str]

# -- the file


def read(path: Path, text: str, name: str = "gaps.csv") -> Gaps:
    (path / name).write_text(text, encoding="utf-8")
    return read_gaps(str(path / name))


def test_a_csv_names_outages_of_all_and_ends_of_users(tmp_path: Path) -> None:
    gaps = read(tmp_path, (
        "user_id,from,to\n"
        ",2017-05-01,2017-05-03T12:00:00Z\n"
        "bo,2017-05-09,\n"
        f"ada,2017-05-01,{MAY_MS + DAY_MS}\n"
    ))  # fmt: skip
    assert gaps.outages == ((MAY_MS, MAY_MS + 2.5 * DAY_MS),)
    assert gaps.pauses == (
        ObservationPaused("ada", MAY_MS, MAY_MS, MAY_MS + DAY_MS),
        ObservationPaused("bo", MAY_MS + 8 * DAY_MS, MAY_MS + 8 * DAY_MS, FOREVER),
    )
    assert gaps.summary() == {"outages": 1, "outage_days": 2.5, "users_away": 2}


def test_missing_days_of_a_census_are_both_included(tmp_path: Path) -> None:
    census = '{"first": 1, "missing_ranges": [["2017-05-01", "2017-05-02", 2]]}'
    assert read(tmp_path, census, "c.json").outages == ((MAY_MS, MAY_MS + 2 * DAY_MS),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("begin,end\n1,2\n", "line 1: no columns from and to"),
        ("from,to\n2017-05-01,2017-05-02\nsoon,2017-05-02\n", "line 3: soon is no instant"),
        ("from,to\n2017-05-01T10:00:00,\n", "line 2: 2017-05-01T10:00:00 is no instant"),
        ("from,to\n2017-05-02,2017-05-01\n", "line 2: it ends before it begins"),
        ("from,to\n,\n", "line 2: it ends before it begins"),
        ("user_id,from,to\na,2017-05-02,\na,2017-05-09,\n", "line 3: user a is away twice"),
        ('{"missing": []}', "line 1: no list missing_ranges"),
        ('{"missing_ranges": [\n["2017-05-01"]]}', "line 2: "),
        ('{"missing_ranges": [["2017-05-01", "2017-05-02"],\n["May", "June"]]}', "line 2: May is"),
        ('{"missing_ranges": [}', "line 1: this is not JSON"),
    ],
)
def test_what_is_no_gap_is_said_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UserError) as refused:
        read(tmp_path, text)
    assert says in refused.value.message
    assert refused.value.hint


def test_who_is_seen_depends_on_outages_and_on_the_user() -> None:
    gaps = Gaps(((10.0, 20.0),), (ObservationPaused("bo", 30, 30.0, FOREVER),))
    since = np.array([0.0, 0.0, 20.0, 20.0, 20.0])
    until = np.array([10.0, 11.0, 30.0, 31.0, 31.0])

    seen = gaps.is_seen(["ada", "ada", "bo", "bo", "ada"], since, until)
    assert seen.tolist() == [True, False, True, False, True]
    assert NO_GAPS.is_seen(["ada"], np.array([0.0]), np.array([99.0])).all()


@pytest.mark.parametrize("span", [(MAY_MS, MAY_MS + 1.0), (MAY_MS, FOREVER), (MAY_MS, MAY_MS)])
def test_what_is_announced_is_what_the_service_reads(span: tuple[float, float]) -> None:
    decode = make_decode(rules())
    assert decode(*coverage(span, 7), NOW_MS) == OutageAnnounced(7, *span)
    assert decode(*coverage(span, 7, "李雷"), NOW_MS) == ObservationPaused("李雷", 7, *span)


# -- a logger that was down for ten days

GAP = (START_MS + 45 * DAY_MS, START_MS + 55 * DAY_MS)
DAYS, USERS = 95, 24


def regulars() -> list[Row]:
    """Users who come every two or three days; every other one leaves some day."""
    chance = random.Random(5)
    made = []
    for number in range(USERS):
        at, gap = START_MS + chance.uniform(0, 10) * DAY_MS, chance.uniform(1.5, 3.0)
        leaves = chance.uniform(20, 1.2 * DAYS) if number % 2 else DAYS
        while at < START_MS + min(leaves, DAYS) * DAY_MS:
            made.append((int(at) // 1_000 * 1_000, f"用户{number}", "purchase", ""))
            at += gap * chance.uniform(0.6, 1.4) * DAY_MS
    return sorted(made)


def back_tested(
    path: Path,
    rows: list[Row],
    gaps: Gaps = NO_GAPS,
    partitions: int = 1,
    alerts: str | None = None,
) -> dict[str, Any]:
    """Return the summary of a back-test that scores everybody every five days behind the gap."""
    log = synthetic.log(path / "log.csv", rows)
    lines = [
        f"用户{number},{short_iso(START_MS + day * DAY_MS)}"
        for day in range(60, DAYS - 12, 5)
        for number in range(USERS)
    ]
    (path / "points.csv").write_text("\n".join(["user_id,at", *lines]), encoding="utf-8")
    asked = Asked(
        points=read_points(str(path / "points.csv")), scores=str(path / "scores.csv"), risk=None,
        alerts=alerts or None, since_ms=0, partitions=partitions, gaps=gaps,
    )  # fmt: skip
    return Backtest(rules(), asked, NOW_MS).run(EventLog(log, block_rows=97).blocks())


def rules() -> Rules:
    kinds = ("purchase", "visit")
    return redefined(rules_at(""), horizon_days=12, min_active_days=3, kinds=kinds)


def test_a_known_outage_of_the_logger_is_as_if_it_had_not_been(tmp_path: Path) -> None:
    """The users act on while nothing is logged; whoever does not know of it takes all for lost."""
    broken = [row for row in regulars() if not GAP[0] <= row[0] < GAP[1]]
    runs = {}
    for name, rows, gaps in (
        ("whole", regulars(), NO_GAPS),
        ("blind", broken, NO_GAPS),
        ("knowing", broken, Gaps((GAP,))),
    ):
        summary = back_tested(tmp_path, rows, gaps, alerts=str(tmp_path / "alerts.csv"))
        with (tmp_path / "alerts.csv").open(encoding="utf-8", newline="") as file:
            times = [row["at"] for row in csv.DictReader(file)]
        inside = [at for at in times if short_iso(GAP[0]) < at <= short_iso(GAP[1])]
        runs[name] = summary, len(times), len(inside)
    (whole, usual, _), (blind, panic, _), (knowing, calm, inside) = runs.values()

    assert panic > usual + USERS / 2
    assert abs(calm - usual) <= 2
    assert inside == 0
    assert knowing["points"]["auc"] == pytest.approx(whole["points"]["auc"], abs=0.01)
    share = 1 - 13 / DAYS  # The ten days, and the periods that reach into them.
    assert knowing["examples_learned"] == pytest.approx(share * whole["examples_learned"], rel=0.03)
    assert blind["examples_learned"] > knowing["examples_learned"]
    assert knowing["missing"]["outage_days"] == 10


def test_a_point_whose_answer_falls_into_a_gap_has_none(tmp_path: Path) -> None:
    whole = back_tested(tmp_path, regulars())["points"]
    gap = (float(START_MS + 80 * DAY_MS), float(START_MS + 81 * DAY_MS))
    known = back_tested(tmp_path, regulars(), Gaps((gap,)))["points"]
    ends = tuple(
        ObservationPaused(f"用户{number}", 0, float(START_MS + 60 * DAY_MS), FOREVER)
        for number in range(USERS)
    )
    ended = back_tested(tmp_path, regulars(), Gaps((), ends))

    assert known["scored"] == ended["points"]["scored"] == whole["scored"]
    assert whole["outcome_known"] > known["outcome_known"] > 0
    assert ended["points"]["outcome_known"] == 0
    assert ended["events"] == len(regulars())


def test_gaps_say_the_same_for_any_number_of_partitions(tmp_path: Path) -> None:
    gaps = Gaps(
        (GAP,),
        tuple(
            ObservationPaused(f"用户{number}", 0, float(at), float(at + 20 * DAY_MS))
            for number in range(0, USERS, 3)
            for at in (START_MS + 30 * DAY_MS, START_MS + 60 * DAY_MS)
        ),
    )
    gaps = gaps._replace(pauses=tuple(sorted(gaps.pauses, key=lambda pause: pause.from_ms)))
    found = []
    for partitions in (1, 3):
        back_tested(tmp_path, regulars(), gaps, partitions)
        found.append((tmp_path / "scores.csv").read_text(encoding="utf-8"))
    assert found[0] == found[1]
