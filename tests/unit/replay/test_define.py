"""``winback define``: the numbers are those of a slow twin, and the proposals are sane."""

import random
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.rules_file import parse_rules
from streams.replay import define_census
from streams.replay.blocks import Block
from streams.replay.define import CANDIDATES, Definition, Verdict, define
from streams.replay.define_calendar import night, resolution
from streams.replay.define_cautions import cautions
from streams.replay.define_census import Census, Facts
from streams.replay.define_rules import rules_text
from streams.replay.define_silences import horizon, silences_of, usual_pause_days
from streams.replay.define_words import reasons, verdict
from tests import oracles_define as twin

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
START_MS = 17_200 * DAY_MS  # 2017-02-03, a Friday
NOW_MS = START_MS + 10_000 * DAY_MS

Row = tuple[int, str, str, float | None]
"""Instant, user, event, amount."""


def block(rows: list[Row]) -> Block:
    return Block(
        rows=list(range(1, len(rows) + 1)),
        event_ids=[str(place) for place in range(len(rows))],
        user_ids=[row[1] for row in rows],
        times_ms=[row[0] for row in rows],
        events=[row[2] for row in rows],
        amounts=[row[3] for row in rows],
        extras=None,
    )


def counted(rows: list[Row], *, every: int = 1_000) -> Facts:
    census = Census(NOW_MS)
    rows = sorted(rows, key=lambda row: row[0])
    for begin in range(0, len(rows), every):
        census.see(block(rows[begin : begin + every]))
    facts = census.facts()
    assert facts is not None
    return facts


def visits(times: dict[str, list[float]]) -> list[Row]:
    """Return events of users at days after the start."""
    return [
        (START_MS + int(day * DAY_MS), user, "visit", None)
        for user, days in times.items()
        for day in days
    ]


def walk(chance: random.Random, gap: float, until: float) -> list[float]:
    days = [chance.uniform(0, gap)]
    while days[-1] < until:
        days.append(days[-1] + chance.expovariate(1 / gap))
    return days[:-1]


def leavers(users: int = 300, span: float = 200.0) -> list[Row]:
    """People who come every two days or so, until they leave for good, evenly over the span."""
    chance = random.Random(3)
    return visits({
        f"u{number}": walk(chance, 2.0, min(chance.uniform(0, 1.5), 1.0) * span)
        for number in range(users)
    }) + visits({"the end": [span]})  # fmt: skip


logs = st.lists(
    st.tuples(st.sampled_from("abcde"), st.integers(0, 60 * 24)), min_size=1, max_size=80
).map(lambda events: sorted((START_MS + hours * HOUR_MS, user) for user, hours in events))


@settings(max_examples=200, deadline=None)
@given(logs, st.sampled_from([4, 7, 10, 20]), st.integers(1, 4))
def test_a_horizon_means_what_the_slow_twin_says(
    log: list[tuple[int, str]], days: int, least: int
) -> None:
    facts = counted([(at_ms, user, "visit", None) for at_ms, user in log])
    silences = silences_of(facts.days.joined(), facts.begin_ms, facts.end_ms)
    events = [(user, at_ms) for at_ms, user in log]
    found = msgspec.to_builtins(horizon(silences, days, least))
    expected = twin.horizon(events, days, least)
    assert found == {"days": days} | {
        name: pytest.approx(value) if isinstance(value, float) else value
        for name, value in expected.items()
    }
    for share in (Fraction(1, 2), Fraction(4, 5)):
        assert usual_pause_days(silences, least, float(share)) == twin.usual_pause_days(
            events, max(least, 2), share
        )


@given(st.integers(1, 40), st.integers(1, 40))
def test_blocks_and_merges_change_nothing(every: int, pending: int) -> None:
    chance = random.Random(1)
    rows: list[Row] = [
        (START_MS + chance.randrange(20) * 7 * HOUR_MS, chance.choice("ab"), chance.choice("xyz"),
         chance.choice([None, 1.0, 2.5]))
        for _ in range(120)
    ]  # fmt: skip
    whole = counted(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(define_census, "PENDING_ROWS", pending)
        parts = counted(rows, every=every)
    assert [column.tolist() for column in parts.days] == [column.tolist() for column in whole.days]
    assert (parts.names, parts.users, parts.tick_ms) == (whole.names, whole.users, whole.tick_ms)
    assert parts.hours.tolist() == whole.hours.tolist()


def test_where_people_leave_for_good_the_shortest_unusual_silence_is_proposed() -> None:
    found = define(counted(leavers()))
    assert found.proposal is not None
    assert found.proposal.verdict is Verdict.FINAL
    assert found.proposal.horizon_days == 14  # of those of 10 days, chance alone makes too many
    assert (found.usual_pause_days or 99) <= found.proposal.horizon_days
    assert found.row is not None
    assert (found.row.not_back or 0) > 0.7
    assert found.proposal.period_days * 4 == found.proposal.horizon_days
    assert "mostly final" in reasons(found)[0]


def test_where_nobody_leaves_it_says_that_there_is_no_natural_horizon() -> None:
    chance = random.Random(5)
    rows = visits({f"u{number}": walk(chance, 7.0, 400) for number in range(200)})
    found = define(counted(rows))
    assert found.proposal is not None
    assert found.proposal.verdict is Verdict.RARE
    assert found.proposal.horizon_days == 21  # nine of ten pauses: 7 ln 10
    assert "no natural horizon" in reasons(found)[0]


def test_where_the_pauses_outlast_the_log_the_longest_that_it_can_teach_is_proposed() -> None:
    chance = random.Random(5)
    rows = visits({f"u{number}": walk(chance, 60.0, 400) for number in range(600)})
    found = define(counted(rows), min_active_days=2)
    assert found.proposal is not None
    assert (found.proposal.verdict, found.proposal.horizon_days) == (Verdict.LONGEST, 90)
    assert "400 days of log" in reasons(found)[0]


@pytest.mark.parametrize(
    ("times", "says"),
    [
        ({"ada": [0.0]}, "the log covers 0 days"),
        ({f"u{number}": [0.2, 0.4] for number in range(50)}, "the log covers 0.2 days"),
        ({f"u{number}": [0.5, 9.5, 19.0] for number in range(50)}, "the log covers 18.5 days"),
        ({"ada": [float(day) for day in range(100)]}, "only 0 silences of users with 5 active"),
        ({f"u{number}": [0.0, 90.0] for number in range(50)}, "no user has 2 active days"),
    ],
    ids=["one event", "one day", "too short", "one user", "nobody returns"],
)
def test_a_log_that_cannot_say_says_why(times: dict[str, list[float]], says: str) -> None:
    if says.startswith("no user"):
        times = {f"{user}-{day}": [day] for user, days in times.items() for day in days}
    found = define(counted(visits(times)))
    assert found.proposal is None
    assert (found.cannot_say or "").startswith(says)
    assert verdict(found).startswith("cannot say, because")
    assert msgspec.json.encode(found)


@pytest.mark.parametrize("days", [4.0, 33.0, 3_650.0])
@pytest.mark.parametrize("least", [1, 5, 10_000])
def test_people_may_decide_themselves(days: float, least: int) -> None:
    for rows in (leavers(20), visits({"ada": [0.0]})):
        found = define(counted(rows), horizon_days=days, min_active_days=least)
        assert found.proposal is not None
        assert found.proposal.verdict is Verdict.GIVEN
        assert (found.proposal.horizon_days, found.proposal.min_active_days) == (days, least)
        assert reasons(found)
        assert [least in {cover.min_active_days for cover in found.covers}] == [True]


def test_only_horizons_that_the_log_holds_three_times_are_shown() -> None:
    found = define(counted(leavers(40, span=100.0)))
    assert [row.days for row in found.horizons] == [days for days in CANDIDATES if days * 3 <= 100]


def test_fewer_active_days_are_asked_for_where_few_users_come_often() -> None:
    chance = random.Random(2)
    rows = visits({f"u{n}": [chance.uniform(0, 90) for _ in range(3)] for n in range(300)})
    found = define(counted(rows))
    assert found.proposal is not None
    assert found.proposal.min_active_days == 3


def test_days_without_anybody_are_no_silence() -> None:
    """Thirty people come daily; for five days the logger is down."""
    rows = visits({
        f"u{n}": [day + n / 50 for day in range(120) if not 60 <= day < 65] for n in range(30)
    })  # fmt: skip
    found = define(counted(rows))
    assert [(outage.begin_ms, outage.end_ms) for outage in found.outages] == [
        (START_MS + 60 * DAY_MS, START_MS + 65 * DAY_MS)
    ]
    assert found.outages[0].users_expected == 30
    assert found.span_days == pytest.approx(119.58 - 5)
    assert (found.usual_pause_days, found.rare_pause_days) == (1.0, 1.0)
    assert any("the logger was down?" in said for said in cautions(found))
    rules = parse_rules(rules_text(define(counted(rows), horizon_days=7), "log.csv"))
    assert rules.outages == ((START_MS + 60 * DAY_MS, START_MS + 65 * DAY_MS),)


def test_a_shop_that_is_closed_on_sundays_has_no_outage() -> None:
    rows = visits({f"u{n}": [d + n / 50 for d in range(120) if d % 7 != 2] for n in range(30)})
    assert define(counted(rows)).outages == []


def test_a_quiet_day_of_a_small_log_is_no_outage() -> None:
    rows = visits({f"u{n}": [float(d) for d in range(n, 120, 9)] for n in range(8)})
    assert define(counted(rows)).outages == []


@pytest.mark.parametrize(
    ("step_ms", "name"),
    [(DAY_MS, "day"), (HOUR_MS, "hour"), (60_000, "minute"), (7_000, "second"), (1, "millisecond")],
)
def test_the_resolution_is_what_all_times_are_multiples_of(step_ms: int, name: str) -> None:
    rows: list[Row] = [(START_MS + 5 + n * step_ms, "ada", "visit", None) for n in (0, 2, 3, 9)]
    assert resolution(counted(rows).tick_ms) == name


def test_the_night_tells_where_users_live() -> None:
    """Awake from 8 to 24 o'clock in Shanghai, UTC+8."""
    rows: list[Row] = [
        (START_MS + day * DAY_MS + (hour - 8) % 24 * HOUR_MS, "ada", "visit", None)
        for day in range(20)
        for hour in range(8, 24)
    ]
    found = night(counted(rows).hours[0])
    assert found is not None
    assert found.utc_offset in {7, 8, 9}
    assert night(counted(visits({"ada": [day / 24 for day in range(480)]})).hours[0]) is None


def test_events_in_the_future_are_left_out() -> None:
    rows = [*visits({"ada": [0.0, 1.0]}), (NOW_MS + DAY_MS, "ada", "visit", None)]
    found = define(counted(rows))
    assert (found.events, found.in_future) == (2, 1)
    assert found.last_event_at.startswith("2017-02-04")


def test_a_definition_of_a_day_stamped_log_says_so() -> None:
    rows = visits({f"u{n}": [float(d) for d in range(n % 3, 150, 3)] for n in range(9)})
    found: Definition = define(counted(rows))
    assert found.resolution == "day"
    assert found.night is None
    assert any("days, not hours" in said for said in cautions(found))
