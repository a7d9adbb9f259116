"""Ids that are one person in a log: the same whatever the slices and the partitions."""

from random import Random

import pytest

from streams.core.inputs import Erased, Input
from streams.core.outbox import TOUCHES
from streams.core.state import Column, decode
from streams.replay import fleet as fleets
from streams.replay.blocks import Block
from streams.replay.fleet import Accepted, Fleet
from streams.replay.report.silences import Activities, Names
from tests.unit.core.kin import link
from tests.unit.core.stories import RULES, ToldScorer, act, by_silence, day

FAR_MS = 4_000_000_000_000
Row = tuple[int, str, str, float, str]


def rows_of(seed: int, users: int = 12) -> list[Row]:
    """Return a log in which every user has a cookie before the log-in, and sometimes after it."""
    chance, rows = Random(seed), list[Row]()
    for number in range(users):
        user_id, cookie = f"u{number}", f"c{number}"
        login = chance.randrange(24, 24 * 20)
        for hour in sorted(chance.randrange(24 * 30) for _ in range(12)):
            is_known = hour > login and chance.random() < 0.8
            name = "purchase" if chance.random() < 0.3 else "view"
            rows.append((day(0, hour), user_id if is_known else cookie, name, 1.5, ""))
        rows += [(day(0, login + later), user_id, "$identify", 0.0, cookie) for later in (0, 50)]
    return sorted(rows)


def run_through(rows: list[Row], partitions: int) -> tuple[dict[str, bytes], list[bytes]]:
    block = Block(
        rows=list(range(len(rows))),
        event_ids=[f"log:{number}" for number in range(len(rows))],
        user_ids=[row[1] for row in rows],
        times_ms=[row[0] for row in rows],
        events=[row[2] for row in rows],
        amounts=[row[3] or None for row in rows],
        extras=[{"properties": {"anonymous_id": row[4]}} if row[4] else {} for row in rows],
    )
    scorer = ToldScorer(by_silence, RULES.churn.horizon_ms)
    fleet = Fleet(RULES, scorer, partitions=partitions, now_ms=FAR_MS)
    accepted = fleet.accept(block)
    fleet.apply(accepted, 0, len(accepted.inputs))
    fleet.advance(day(60))
    touches = [
        record.value
        for stream, _, records in fleet.take()
        for record in records
        if stream == TOUCHES
    ]
    assert not fleet.counts["identity_forwarded"]
    return dict(fleet.values()), sorted(touches)


@pytest.mark.parametrize("seed", range(4))
def test_slices_and_partitions_change_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of(seed)
    states, touches = run_through(rows, 1)
    heads = {user_id: decode(value) for user_id, value in states.items()}
    monkeypatch.setattr(fleets, "SLICE_ROWS", 7)
    assert run_through(rows, 1) == (states, touches)
    for partitions in (2, 4):  # Value tiers are those of a partition; all else is the same.
        again, asked = run_through(rows, partitions)
        assert {user_id: decode(value).head for user_id, value in again.items()} == {
            user_id: state.head for user_id, state in heads.items()
        }
        assert len(asked) == len(touches) > 12, "a log without a touch says little"
    assert {user_id[0] for user_id in heads} == {"u"}
    for number in range(12):
        own = [row for row in rows if row[1] in {f"u{number}", f"c{number}"} and not row[4]]
        state = heads[f"u{number}"]
        assert state[Column.EVENTS] == len(own)
        assert state[Column.VALUE_NET] == sum(150 for row in own if row[2] == "purchase")


def fleet_of(*inputs: Input, partitions: int = 4) -> Fleet:
    scorer = ToldScorer(by_silence, RULES.churn.horizon_ms)
    fleet = Fleet(RULES, scorer, partitions=partitions, now_ms=FAR_MS)
    ids = [getattr(signal, "user_id", "") for signal in inputs]
    accepted = Accepted([*inputs], ids, [signal.event_time_ms for signal in inputs])
    fleet.apply(accepted, 0, len(inputs))
    return fleet


def test_a_state_is_found_by_any_id_of_the_person() -> None:
    fleet = fleet_of(act(day(0), "c"), link(day(1), "u", "c"), link(day(2), "v", "u"))

    assert fleet.given_up == {"c": "u", "u": "v"}
    assert fleet.value("c") == fleet.value("v") is not None


def test_erasure_by_any_id_erases_the_person() -> None:
    fleet = fleet_of(
        act(day(0), "c"), act(day(0), "u"), link(day(1), "u", "c"), Erased("c", day(2)),
        act(day(3), "c"), act(day(3), "u"),
    )  # fmt: skip

    assert dict(fleet.values()) == {}


def test_whoever_comes_back_under_another_id_was_not_lost() -> None:
    """What a back-test holds alerts against are the silences of people, not of ids."""
    acts = [act(day(0), "c"), act(day(20), "u"), act(day(100), "other")]
    seen = Accepted([*acts], [each.user_id for each in acts], [each.event_time_ms for each in acts])
    lost = []
    for given_up in ({}, {"c": "u"}):
        names = Names()
        activities = Activities(names)
        activities.see(seen)
        names.given_up = given_up
        found = activities.silences(
            horizon_ms=RULES.churn.horizon_ms, min_active_days=1, since_ms=0, newest_ms=day(100)
        )
        lost.append(int(found.lost.sum()))

    assert lost == [2, 1]
