"""Messages become counts: each once, in any order, and what is broken is counted with its place."""

import random
from zoneinfo import ZoneInfo

import msgspec
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.messages import BudgetStatus, RiskChanged
from streams.core.time import DAY_MS, HOUR_MS, iso
from streams.reporting.calendar import Span, last_full_week
from streams.reporting.facts import Facts
from streams.reporting.figures import Asked, Figures, figures
from streams.reporting.tally import ALL
from winback_sender.contract.messages import to_json

UTC = ZoneInfo("UTC")
SHANGHAI = ZoneInfo("Asia/Shanghai")
COSTS = {"sms": 5.0, "call": 300.0, "wechat": 0.0}
EVERYTHING = Span(1, 3_000_000)


def read(streams: worlds.Streams, zone: ZoneInfo = SHANGHAI, until: int | None = None) -> Facts:
    facts = Facts(zone, until)
    for stream, lines in streams.items():
        for number, line in enumerate(lines, 1):
            facts.see(stream, line, f"{stream}.jsonl:{number}")
    facts.close()
    return facts


def told(facts: Facts, *, is_week: bool = False) -> Figures:
    span = last_full_week(facts.newest) if is_week else Span(facts.first_day(), facts.newest)
    return figures(facts, Asked(span, is_week, COSTS))


def test_whatever_was_done_is_counted_once() -> None:
    found = told(read(worlds.world(days=20)))
    doubled = {name: lines + lines for name, lines in worlds.world(days=20).items()}
    twice = told(read(doubled))
    assert found.risk.cases == 1_040  # 40 a day, three times as many on the three days of the fuse
    assert twice.risk.cases == found.risk.cases
    assert twice.done.touches == found.done.touches
    assert twice.done.answers == found.done.answers
    assert twice.whole == found.whole
    assert found.done.contacted + found.whole.earned.held_out + sum(
        one.decisions for one in found.passed if one.reason != "holdout"
    ) == found.risk.cases  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1_000_000))
def test_the_order_of_messages_changes_nothing(seed: int) -> None:
    streams = worlds.world(days=8, a_day=12)
    shuffled = {name: list(lines) for name, lines in streams.items()}
    for lines in shuffled.values():
        random.Random(seed).shuffle(lines)
    backwards = dict(reversed(list(shuffled.items())))
    ours, theirs = told(read(streams)), told(read(backwards))
    assert msgspec.to_builtins(ours) == msgspec.to_builtins(theirs)


def test_what_is_broken_is_counted_with_its_place() -> None:
    streams = worlds.world(days=3)
    good = sum(map(len, streams.values()))
    streams["decisions"].insert(1, b'{"type": "decision", "user_id": ')
    streams["touches"].append(b'{"type": "touch.unheard_of"}')
    streams["feedback"].append(b'{"touch_id":"t","user_id":"u","status":"shrugged","at":1}')
    streams["feedback"].append(b"\xff\xfe")
    facts = read(streams)
    assert facts.read.total() == good
    assert facts.broken == {"decisions": 1, "touches": 1, "feedback": 2}
    assert facts.first_broken[0].startswith("decisions.jsonl:2: ")
    assert "shrugged" in facts.first_broken[2]


def test_days_are_those_of_the_zone() -> None:
    late = worlds.START_MS + 20 * HOUR_MS  # 20:00 in UTC is 04:00 of the next day in Shanghai
    line = to_json(RiskChanged("u", "high", "calm", 0.9, "at_risk", "top", 1, "", "m", iso(late)))
    days = [list(read({"decisions": [line]}, zone).days) for zone in (UTC, SHANGHAI)]
    assert days[1][0] == days[0][0] + 1


def test_nothing_after_the_last_day_is_known() -> None:
    streams = worlds.world(days=40)
    whole = read(streams)
    cut = read(streams, until=whole.first_day() + 19)
    assert cut.newest <= whole.first_day() + 19
    assert 0 < len(cut.episodes) < len(whole.episodes)
    assert cut.within(EVERYTHING).opened[ALL] < whole.within(EVERYTHING).opened[ALL]


def test_the_newest_word_on_a_user_counts() -> None:
    def moved(band: str, hours: int) -> bytes:
        at = iso(worlds.START_MS + hours * HOUR_MS)
        return to_json(RiskChanged("u", band, "", 0.9, "at_risk", "top", 100, "", "m", at))

    facts = read({"decisions": [moved("calm", 9), moved("high", 2), moved("elevated", 5)]})
    assert facts.standing.bands() == {"calm": 1}


def test_partitions_of_a_day_add_up_and_its_last_word_counts() -> None:
    def said(partition: int, used: int, hours: int, *, is_fused: bool = False) -> bytes:
        at = iso(worlds.START_MS + hours * HOUR_MS)
        status = BudgetStatus(partition, "2025-06-01", {"message": used}, {"message": 10}, hours,
                              5.0, is_fused, at)  # fmt: skip
        return to_json(status)

    lines = [said(0, 4, 9, is_fused=True), said(0, 9, 23), said(1, 7, 22), said(1, 3, 8)]
    (day,) = read({"decisions": lines}).budgets.days()
    assert (day.used, day.budget, day.waiting, day.is_fused) == (16, 20, 45, True)


def test_an_unlimited_budget_stays_unlimited() -> None:
    status = BudgetStatus(0, "2025-06-01", {"message": 3}, {"message": -1}, 0, 0.0,
                          is_fused=False, at=iso(worlds.START_MS))  # fmt: skip
    (day,) = read({"decisions": [to_json(status)]}).budgets.days()
    assert day.budget == -1


def test_feedback_that_contradicts_itself_or_knows_more_than_we_is_counted() -> None:
    streams = worlds.world(days=1)
    touch_id = msgspec.json.decode(next(
        line for line in streams["touches"] if b"touch.requested" in line
    ))["touch_id"]  # fmt: skip
    at = worlds.START_MS + DAY_MS
    for status, which in (("failed", touch_id), ("delivered", touch_id), ("clicked", "nobody's")):
        streams["feedback"].append(msgspec.json.encode(
            {"touch_id": which, "user_id": "u", "status": status, "at": at}
        ))  # fmt: skip
    done = told(read(streams)).done
    assert done.contradictory == 1
    assert done.unknown == 1
