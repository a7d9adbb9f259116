"""The doctor: what is wrong, where, and what to do."""

from typing import Any

import msgspec
import pytest

from streams.core.clock_names import ClockRecord
from streams.core.input_fuse import FuseRecord
from streams.core.messages import PartitionRecord
from streams.core.time import DAY_MS, HOUR_MS, MINUTE_MS
from streams.runtime.doctor_clocks import span
from streams.runtime.doctor_findings import Finding, Level, report_of
from streams.runtime.doctor_seen import Group, Seen, Stray, Stretch

NOW = 1_700_000_000_000


def clock(name: str, behind_ms: int, late_ms: int = 0, *, is_idle: bool = False) -> ClockRecord:
    return ClockRecord(name, NOW - behind_ms, NOW - behind_ms, is_idle, late_ms)


def record(*clocks: ClockRecord, applied: int = 10) -> PartitionRecord:
    mark_ms = min(each.mark_ms for each in clocks if not each.is_idle)
    return PartitionRecord({"orders": applied}, mark_ms, mark_ms, "r", "l", clocks=clocks)


OURS, ORDERS = clock("", MINUTE_MS, MINUTE_MS), clock("orders", 6 * HOUR_MS, 6 * HOUR_MS)
WELL = Seen(
    now_ms=NOW, is_live=True, rules_hash="r", topics=(("user-activity", "ok", ""),),
    groups=(Group("pipeline", 2),), records={2: record(OURS, ORDERS)},
    stretches=(Stretch("orders", 2, 0, 10),), clocks=("", "orders"),
    idle_after_ms={"orders": 300_000}, strays=(Stray("user-activity", 200, 0),), dead_letters={},
    activity="user-activity",
)  # fmt: skip


def found(**changes: Any) -> list[Finding]:
    return list(report_of(msgspec.structs.replace(WELL, **changes)).findings)


def test_a_deployment_that_is_well_says_who_holds_the_timers_and_that_it_may() -> None:
    report = report_of(WELL)
    assert report.healthy
    (note,) = report.findings
    assert (note.level, note.where) == (Level.NOTE, "partition 2")
    assert note.what == (
        "orders is 6 h behind: it holds the timers of partition 2; its lateness is 6 h"
    )
    (view,) = report.partitions
    assert (view.held_by, view.behind_s, view.is_sick) == ("orders", 6 * 3600, False)


@pytest.mark.parametrize(
    ("behind_ms", "applied", "said"),
    [
        (7 * HOUR_MS, 3, "; 7 of its records are unread"),
        (7 * HOUR_MS, 10, ", though all of it is read: no worker lets time pass there"),
    ],
)
def test_a_topic_that_is_later_than_it_may_be_is_wrong(
    behind_ms: int, applied: int, said: str
) -> None:
    late = record(OURS, clock("orders", behind_ms, 6 * HOUR_MS), applied=applied)
    (finding,) = found(records={2: late})
    what = f"orders is 7 h behind: it holds the timers of partition 2{said}"
    assert (finding.level, finding.what) == (Level.WRONG, what)


def test_an_idle_topic_holds_nothing() -> None:
    resting = record(OURS, clock("orders", 9 * DAY_MS, is_idle=True))
    (finding,) = found(records={2: resting})
    assert finding.what.startswith("user-activity is 1 min behind")
    assert finding.level is Level.NOTE


def test_a_topic_that_never_spoke_and_a_router_that_is_away_are_named() -> None:
    (finding,) = found(records={2: record(OURS)})
    assert finding.what == (
        "orders has said nothing yet: it holds the timers of partition 2 until it does, or until "
        "it has been silent for 5 min"
    )
    behind = clock("router/app/3", 2 * HOUR_MS, MINUTE_MS)
    away = found(
        clocks=("", "router/app/3"), records={2: record(OURS, behind)},
        groups=(Group("pipeline", 1), Group("router app", 0)),
    )  # fmt: skip
    assert [(finding.level, finding.where) for finding in away] == [
        (Level.WRONG, "role router app"), (Level.WRONG, "partition 2"),
    ]  # fmt: skip
    assert away[1].what.startswith("app/3 is 2 h behind: it holds the timers of partition 2; only")


@pytest.mark.parametrize(
    ("changes", "where", "cure"),
    [
        ({"groups": (Group("pipeline", 0),)}, "role pipeline", "winback run --role pipeline"),
        ({"topics": (("win-back", "create", ""),)}, "topic win-back", "winback topics apply"),
        ({"topics": (("win-back", "change", "cleanup"),)}, "topic win-back", "topics apply"),
        ({"topics": (("orders", "refused", "has 3"),)}, "topic orders", "topics plan"),
        ({"topics": (("orders", "missing", "is not there"),)}, "topic orders", "inputs:"),
        ({"strays": (Stray("orders", 100, 73),)}, "topic orders", "keyed_by: anything"),
        ({"strays": (Stray("user-activity", 100, 1),)}, "topic user-activity", "murmur2"),
        ({"rules_hash": "other"}, "partition 2", "WINBACK_RULES"),
        ({"stretches": (Stretch("orders", 2, 0, 9),)}, "orders[2]", "WINBACK_APP_ID"),
        ({"stretches": (Stretch("orders", 2, 11, 20),)}, "orders[2]", "--skip-lost"),
        ({"read": ((Stretch("crm", 1, 0, 9), 10),)}, "crm[1]", "WINBACK_APP_ID"),
        ({"read": ((Stretch("crm", 1, 11, 20), 10),)}, "crm[1]", "--skip-lost"),
        ({"registry": "http://r: no answer"}, "schema registry", "WINBACK_SCHEMA_REGISTRY_URL"),
    ],
)
def test_what_is_wrong_says_where_and_what_to_do(
    changes: dict[str, Any], where: str, cure: str
) -> None:
    wrong = [finding for finding in found(**changes) if finding.level is Level.WRONG]
    assert wrong
    assert wrong[0].where == where
    assert cure in wrong[0].next
    assert not report_of(msgspec.structs.replace(WELL, **changes)).healthy


def test_a_topic_whose_events_are_all_of_another_age_is_told() -> None:
    """Its clock is ticked, and what comes is years old."""
    strange = ClockRecord("orders", NOW, NOW - 9_000 * DAY_MS, False, 0)  # noqa: FBT003 (columns)
    (_, finding) = found(records={2: record(OURS, strange)})
    assert finding.what == "the newest event of orders is 9000 d old"
    assert "its clock behind" in finding.next


def test_dead_letters_are_told_by_reason() -> None:
    letters = found(dead_letters={"too_old web": 3, "not_decodable web": 9})[1:]
    assert [finding.what for finding in letters] == [
        "9 of the newest dead letters are not_decodable", "3 of the newest dead letters are too_old"
    ]  # fmt: skip
    assert {finding.level for finding in letters} == {Level.NOTE}


def test_a_partition_that_was_never_read_is_told() -> None:
    (finding,) = found(records={2: None})
    assert finding.what == "records wait, and nothing was ever applied"


def test_in_event_time_nobody_is_behind_the_present() -> None:
    report = report_of(msgspec.structs.replace(WELL, is_live=False, records={2: record(ORDERS)}))
    assert report.healthy
    assert report.partitions[0].behind_s is None


@pytest.mark.parametrize(
    ("ms", "said"),
    [(999, "1 s"), (61_000, "1 min 01 s"), (6 * HOUR_MS + 2 * MINUTE_MS, "6 h 02 min"),
     (0, "0 s"), (3 * DAY_MS, "3 d"), (49 * HOUR_MS, "2 d 01 h")],
)  # fmt: skip
def test_spans_are_for_people(ms: int, said: str) -> None:
    assert span(ms) == said


def test_an_input_that_is_held_is_wrong_and_says_what_to_do() -> None:
    fuse = FuseRecord("shop", 0, 500, 1_234, "bad_time")
    of_record = msgspec.structs.replace(record(OURS, ORDERS), fuses=(fuse, FuseRecord("calm", 9)))
    for seen in ({"records": {2: of_record}}, {"held": ((2, fuse),)}):
        (finding, *_) = found(**seen)
        assert (finding.level, finding.where) == (Level.WRONG, "shop[2]")
        assert "1234" in finding.what
        assert "winback control resume-input shop" in finding.next


@pytest.mark.parametrize(("users", "level"), [(79, None), (80, Level.NOTE), (100, Level.WRONG)])
def test_a_partition_that_is_almost_full_is_told_of(users: int, level: Level | None) -> None:
    crowded = msgspec.structs.replace(record(OURS, ORDERS), users=users)
    levels = [
        one.level for one in found(records={2: crowded}, users_max=100) if "users" in one.what
    ]
    assert levels == ([] if level is None else [level])
