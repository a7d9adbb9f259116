"""The gate: a budget a day, the largest expected loss first, and never one place too many."""

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.budget import Ledger
from streams.core.harvest import Harvest
from streams.core.inputs import Acted, ConsentChanged, FeedbackReceived, Input, WatermarkPassed
from streams.core.messages import BudgetStatus, Decision, Episode
from streams.core.partition import Partition
from streams.core.rules import Rules
from streams.core.time import MINUTE_MS
from tests.unit.core.stories import ToldScorer, act, by_silence, day, rules_of, run
from winback_sender.contract.messages import TouchRequested, TouchRevoked

CROWD = 120
BUDGETED = """
mode: live
churn: {horizon: 8d, min_active_days: 2}
lateness: 0s
contact: {consent_default: granted, zone: UTC, quiet_hours: {start: "21:00", end: "09:00"}}
channels: {wechat: {reach: any}}
holdout: {share: 0.0}
alert: {probability: 0.3, examples_min: 0}
playbooks: [{name: care, steps: [WECHAT, SMS]}]
""".replace("WECHAT", "{channel: wechat, template_key: c}").replace(
    "SMS", "{channel: sms, template_key: d, wait: 1d}"
)


def budgeted(touches: int, every: str = "1h", **sections: str) -> Rules:
    return rules_of(BUDGETED, budget=f"{{touches_per_day: {touches}, every: {every}}}", **sections)


def fresh(rules: Rules, number: int = 0, of: int = 1) -> Partition:
    scorer = ToldScorer(by_silence, rules.churn.horizon_ms)
    return Partition(number, rules, scorer, of=of)


def crowd(size: int = CROWD) -> list[Input]:
    """Return visits of users who come on two days and then fall silent, a few a day."""
    visits = [
        act(day(number % 20 + again, 10 + number % 7), f"user {number}", money_minor=100 * number)
        for number in range(size)
        for again in (0, 1)
    ]
    return sorted(visits, key=lambda signal: signal.event_time_ms)


def told(harvests: list[Harvest]) -> list[object]:
    """Return what was said on both topics, decoded, in order."""
    kinds = {
        "touch.requested": TouchRequested, "touch.revoked": TouchRevoked, "decision": Decision,
        "episode": Episode, "budget.status": BudgetStatus,
    }  # fmt: skip
    found: list[object] = []
    for harvest in harvests:
        for stream in ("touches", "decisions"):
            for record in harvest.outputs.get(stream, []):
                kind = kinds.get(msgspec.json.decode(record.value)["type"])
                if kind is not None:
                    found.append(msgspec.json.decode(record.value, type=kind))
    return found


def touches(harvests: list[Harvest]) -> list[TouchRequested]:
    return [message for message in told(harvests) if isinstance(message, TouchRequested)]


def days_of(made: list[TouchRequested], zone: str = "UTC") -> Counter[str]:
    tz = ZoneInfo(zone)
    return Counter(
        datetime.fromisoformat(touch.not_before).astimezone(tz).date().isoformat() for touch in made
    )


def test_a_day_has_as_many_touches_as_the_budget_says_and_no_more() -> None:
    rules = budgeted(5)
    made = touches(run(fresh(rules), [*crowd(), WatermarkPassed(day(40))]))

    a_day = days_of(made)
    assert max(a_day.values()) == 5
    assert sum(count == 5 for count in a_day.values()) >= 15


def test_the_places_go_to_those_with_the_most_to_lose() -> None:
    rules = budgeted(2)
    visits = [
        act(day(n), f"user {who}", money_minor=1_000 * who) for n in (0, 1) for who in range(20)
    ]
    made = touches(run(fresh(rules), [*visits, WatermarkPassed(day(9))]))

    first = [int(touch.user_id.removeprefix("user ")) for touch in made if touch.step == 1][:6]
    assert sum(first) > 15 * len(first)


def test_unfinished_journeys_come_before_new_ones() -> None:
    rules = budgeted(2)
    made = touches(run(fresh(rules), [*crowd(), WatermarkPassed(day(30))]))

    steps = Counter(touch.step for touch in made)
    assert steps[2] >= 0.8 * steps[1] - 2 > 0


def test_nobody_is_touched_at_night_even_when_places_are_left() -> None:
    rules = budgeted(50)
    made = touches(run(fresh(rules), [*crowd(), WatermarkPassed(day(40))]))

    hours = {datetime.fromisoformat(touch.not_before).hour for touch in made}
    assert hours <= set(range(9, 21))


def test_who_came_back_before_a_place_was_free_is_left_in_peace() -> None:
    rules = budgeted(1)
    visits = [act(day(n), f"user {who}") for n in (0, 1) for who in range(30)]
    back = [act(day(7, 3), f"user {who}") for who in range(30)]
    made = touches(run(fresh(rules), [*visits, *back, WatermarkPassed(day(8))]))

    assert 0 < len(made) < 6
    assert all(touch.not_before < "2017-01-08T03" for touch in made)


@pytest.mark.parametrize(("of", "budget"), [(4, 10), (3, 20), (7, 3), (5, 5)])
def test_the_shares_of_the_partitions_are_the_budget_on_every_day(of: int, budget: int) -> None:
    rules = budgeted(budget)
    ledgers = [Ledger(rules.budget, number, of) for number in range(of)]
    for number in range(30):
        shares = [ledger.share("message", day(number)) for ledger in ledgers]
        assert sum(shares) == budget
        assert max(shares) - min(shares) <= 1


def test_the_day_is_the_one_of_the_operator() -> None:
    hours = "{start: '00:00', end: '00:00'}"
    rules = rules_of(
        BUDGETED, budget="{touches_per_day: 4, every: 1h, zone: America/New_York}",
        contact=f"{{consent_default: granted, zone: UTC, quiet_hours: {hours}}}",
    )  # fmt: skip
    made = touches(run(fresh(rules), [*crowd(), WatermarkPassed(day(40))]))

    assert max(days_of(made, "America/New_York").values()) == 4


def test_calls_and_messages_have_budgets_of_their_own() -> None:
    book = "[{name: vip, steps: [{channel: call, template_key: t, on_full: skip}, \
             {channel: sms, template_key: t, wait: 1d}]}]"
    rules = rules_of(
        BUDGETED, budget="{touches_per_day: 5, calls_per_day: 1, every: 1h}", playbooks=book
    )
    made = touches(run(fresh(rules), [*crowd(), WatermarkPassed(day(40))]))

    assert max(days_of([touch for touch in made if touch.channel == "call"]).values()) == 1
    assert max(days_of([touch for touch in made if touch.channel == "sms"]).values()) == 5


def test_a_flood_blows_the_fuse_and_the_budget_holds() -> None:
    rules = budgeted(5)
    steady = [act(day(n + again, 11), f"early {n}-{k}") for n in range(12) for k in range(3)
              for again in (0, 1)]  # fmt: skip
    storm = [act(day(12 + again, 12), f"late {k}") for k in range(200) for again in (0, 1)]
    history = sorted([*steady, *storm], key=lambda signal: signal.event_time_ms)
    said = told(run(fresh(rules), [*history, WatermarkPassed(day(30))]))

    made = [message for message in said if isinstance(message, TouchRequested)]
    assert max(days_of(made).values()) <= 5
    blown = [message for message in said if isinstance(message, BudgetStatus) and message.is_fused]
    assert blown
    assert any(isinstance(message, Decision) and message.is_fused for message in said)


def test_a_complaint_is_answered_at_once_and_within_the_budget() -> None:
    book = """[{name: sorry, match: {triggers: [complaint]},
               steps: [{channel: sms, template_key: s}]},
               {name: care, steps: [{channel: wechat, template_key: c}]}]"""
    rules = budgeted(3, playbooks=" ".join(book.split()))
    visits: list[Input] = [act(day(n), f"user {who}") for n in (0, 1) for who in range(9)]
    waves = [
        Acted(f"user {who}", f"c{who}", day(2) + who * 1_000, is_risky=True, trigger="complaint")
        for who in range(9)
    ]
    made = touches(run(fresh(rules), [*visits, *waves]))

    assert [touch.user_id for touch in made] == ["user 0", "user 1", "user 2"]
    assert made[0].not_before == "2017-01-03T12:00:00.000Z"


# -- laws

TRIPLE = """[{name: sorry, match: {triggers: [complaint]},
 steps: [{channel: sms, template_key: s}]},
 {name: vip, match: {tiers: [high]},
 steps: [{channel: call, template_key: v, on_full: ON_FULL},
 {channel: sms, template_key: w, wait: 1d}]},
 {name: care, steps: [{channel: wechat, template_key: c},
 {channel: sms, template_key: d, wait: 1d}]}]""".replace("\n", "")
FEW = tuple(
    rules_of(
        BUDGETED, budget=f"{{touches_per_day: 3, calls_per_day: 1, every: {every}}}",
        playbooks=TRIPLE.replace("ON_FULL", on_full),
    )
    for every in ("10m", "6h") for on_full in ("skip", "wait")
)  # fmt: skip


def at(minute: int) -> int:
    return day(0, 0) + minute * MINUTE_MS


def complaint(user_id: str, minute: int) -> Acted:
    name = f"complaint {user_id} {minute}"
    return Acted(user_id, name, at(minute), is_risky=True, trigger="complaint")


def heard(user_id: str, minute: int) -> FeedbackReceived:
    return FeedbackReceived(user_id, at(minute), "nothing we sent", "opted_out")


def said(user_id: str, minute: int) -> ConsentChanged:
    return ConsentChanged(user_id, at(minute), "sms", is_granted=bool(minute % 3))


people = st.sampled_from(["ada", "bo", "cy", "李雷", "dee", "eve"])
minutes = st.integers(0, 60 * 24 * 30)
inputs = st.one_of(
    st.builds(
        lambda u, m, n: act(at(m), u, event_id=f"{u}{m}{n}", money_minor=n * 100),
        people, minutes, st.integers(0, 3),
    ),
    st.builds(lambda u, m: act(at(m), u), people, minutes),
    st.builds(complaint, people, minutes),
    st.builds(said, people, minutes),
    st.builds(heard, people, minutes),
    st.builds(lambda m: WatermarkPassed(at(m)), minutes),
)  # fmt: skip
histories = st.lists(inputs, max_size=60).map(
    lambda made: sorted(made, key=lambda signal: signal.event_time_ms)
)
few = st.sampled_from(FEW)


@pytest.mark.parametrize("every", ["10m", "1h"])
def test_a_bid_waits_for_the_border_behind_it_however_often_somebody_looks(every: str) -> None:
    rules = budgeted(5, every, contact="{consent_default: granted, zone: UTC}")
    visits = [act(day(n, 10 + who), f"user {who}") for n in (0, 1) for who in range(4)]
    end = WatermarkPassed(day(12))
    looks = [WatermarkPassed(at_ms) for at_ms in range(day(1, 14), day(12), 7 * MINUTE_MS)]
    made = touches(run(fresh(rules), [*visits, *looks, end], (1,) * (len(visits) + len(looks))))

    assert len(made) > 4
    assert made == touches(run(fresh(rules), [*visits, end]))


@settings(max_examples=120)
@given(few, histories, st.lists(st.integers(1, 7), max_size=40))
def test_what_is_handed_out_does_not_depend_on_the_borders_of_chunks(
    rules: Rules, history: list[Input], chunks: list[int]
) -> None:
    at_once, in_pieces = fresh(rules), fresh(rules)
    end = WatermarkPassed(day(60))
    one = told(run(at_once, [*history, end]))
    other = told(run(in_pieces, [*history, end], tuple(chunks)))

    assert sorted(map(repr, one)) == sorted(map(repr, other))
    assert dict(at_once.values()) == dict(in_pieces.values())
    assert max(days_of([m for m in one if isinstance(m, TouchRequested)]).values(), default=0) <= 3


@settings(max_examples=60)
@given(few, histories, st.integers(0, 60))
def test_a_restart_hands_out_the_same_places(
    rules: Rules, history: list[Input], after: int
) -> None:
    whole = fresh(rules)
    end = WatermarkPassed(day(60))
    expected = told(run(whole, [*history, end]))
    first, changelog, said = fresh(rules), {}, []
    for offset, signal in enumerate(history[:after], 1):
        first.apply([signal])
        first.applied = {"user-activity": offset}
        harvest = first.take()
        said.append(harvest)
        for key, value in harvest.changelog:
            changelog.pop(key, None) if value is None else changelog.update({key: value})
    second = fresh(rules)
    second.restore(changelog)
    said += run(second, [*history[after:], end])

    assert sorted(map(repr, told(said))) == sorted(map(repr, expected))
    assert dict(second.values()) == dict(whole.values())


def caught_up(*, restarts: bool) -> list[TouchRequested]:
    """Return what leaves after a week away, when the last minutes are passed in two ticks.

    The last place comes up fourteen minutes before the present: that is not put off.
    """
    open_hours = "{start: '00:00', end: '00:00'}"
    contact = f"{{consent_default: granted, zone: UTC, quiet_hours: {open_hours}}}"
    rules, now_ms = budgeted(50, "6h", contact=contact), day(8, 6) + 14 * MINUTE_MS
    partition = fresh(rules)
    harvests = run(partition, [act(day(n), f"user {who}") for n in (0, 1) for who in range(9)])
    partition.clocks.tell(now_ms)
    partition.tick(now_ms - 3 * MINUTE_MS)
    harvests.append(partition.take())
    if restarts:
        changes = dict(change for harvest in harvests for change in harvest.changelog)
        partition = fresh(rules)
        partition.restore({key: value for key, value in changes.items() if value is not None})
    partition.tick(now_ms)
    return touches([*harvests, partition.take()])


def test_a_restart_while_places_are_put_off_hands_out_the_same_ones() -> None:
    made = caught_up(restarts=False)
    assert len(made) == 9
    assert made == caught_up(restarts=True)


def test_a_touch_says_how_much_is_at_risk_beside_others() -> None:
    rules = budgeted(5)
    made = touches(run(fresh(rules), [*crowd(), WatermarkPassed(day(40))]))

    ranks = [touch.priority.rank for touch in made if touch.priority.rank is not None]
    assert len(ranks) > 20
    assert min(ranks) < max(ranks) <= 1.0
