"""Operators' orders: carried out in their turn, once, and only if they are an operator's."""

import msgspec
import pytest

from models.catalogue import CHAMPION, FLOOR, MIX
from models.snapshot import Serving, load
from models.standing import REPORT, Report
from streams.core.teaching import ModelOrder
from streams.core.time import DAY_MS, HOUR_MS
from streams.orders import KEY as ORDERS
from streams.orders import Action, Orders, guest, is_signed, ordered
from streams.runtime.learner import LearnerEngine
from streams.runtime.metrics import Metrics
from streams.runtime.orders import GUESTS_MAX
from tests.unit.runtime.teaching import (
    KEYS,
    NOW_MS,
    RULES,
    SETTINGS,
    add_order,
    block,
    feed,
    give,
    order,
    served,
    topic_of,
    trees,
)

GUEST = "guest_boosted"


def learner(metrics: Metrics | None = None, examples: int = 600) -> LearnerEngine:
    engine = LearnerEngine(SETTINGS, RULES, metrics or Metrics())
    feed(engine, [block(examples, 1)])
    return engine


def said(engine: LearnerEngine) -> list[tuple[bool, str]]:
    """Return what came of the orders, as the topic of models tells it."""
    data = topic_of(engine).get(ORDERS.encode())
    if data is None:
        return []
    return [(handled.is_done, handled.said) for handled in load(data, KEYS, Orders).handled]


def test_a_promotion_changes_what_workers_are_given_and_rollback_gives_it_back() -> None:
    engine = learner()
    give(engine, order(Action.PROMOTE, FLOOR))
    assert load(served(engine), KEYS, Serving).champion == FLOOR
    give(engine, order(Action.ROLLBACK, at_ms=NOW_MS + 1))

    serving = load(served(engine), KEYS, Serving)
    assert serving.champion == CHAMPION
    assert serving.version.startswith(f"{CHAMPION}.600.")
    why = [promotion.why for promotion in engine.roster.promotions]
    assert why == [
        "ordered by an operator at 2023-11-14T22:13:20.000Z", "rolled back by an operator",
    ]  # fmt: skip


def test_the_order_is_carried_out_in_its_turn() -> None:
    """A promotion is recorded at the event time that the models had reached."""
    engine = learner()
    give(engine, order(Action.PROMOTE, FLOOR))
    feed(engine, [block(40, 2), block(40, 3)])
    (promotion,) = engine.roster.promotions

    assert promotion.at_ms == NOW_MS + 1
    assert (promotion.name, promotion.over) == (FLOOR, CHAMPION)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (order(Action.PROMOTE, "hazard_logistic_v9"), "no model is called hazard_logistic_v9"),
        (order(Action.PROMOTE, MIX), "has not learned enough"),
        (order(Action.ROLLBACK), "there was no promotion"),
        (add_order(GUEST, "no trees"), "LightGBM cannot read it"),
        (add_order(GUEST, trees(width=7)), "it asks for 7 features"),
        (order(Action.ADD, GUEST, "{"), "cannot be read"),
        (order(Action.ADD, GUEST, msgspec.json.encode(
            guest("guest_other", trees(), RULES.churn.horizon_ms)).decode()),
         "its model is guest_other"),
        (order(Action.ADD, GUEST, msgspec.json.encode(guest(GUEST, trees(), DAY_MS)).decode()),
         "other_horizon"),
        (ordered("erase", "", "", at_ms=NOW_MS, keys=KEYS), "there is no such order"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_with_its_reason(given: ModelOrder, why: str) -> None:
    metrics = Metrics()
    engine = learner(metrics)
    give(engine, given)
    ((is_done, text),) = said(engine)

    assert not is_done
    assert why in text
    assert engine.roster.champion == CHAMPION
    assert GUEST not in engine.roster.models
    assert 'outcome="refused"} 1.0' in metrics.page().decode()


@pytest.mark.parametrize(
    "change",
    [
        {"name": "bgnbd_v1"}, {"action": "rollback"}, {"ordered_at": "2023-11-14T22:13:20.001Z"},
        {"body": "{}"}, {"mac": "0" * 64}, {"mac": "é"},
    ],
)  # fmt: skip
def test_a_tampered_order_is_refused_and_nobody_is_told(change: dict[str, str]) -> None:
    metrics = Metrics()
    engine = learner(metrics)
    tampered = msgspec.structs.replace(order(Action.PROMOTE, FLOOR), **change)
    give(engine, tampered)

    assert not is_signed(tampered, KEYS)
    assert engine.roster.champion == CHAMPION
    assert said(engine) == []
    assert 'winback_model_orders_total{action="' in metrics.page().decode()


def test_an_order_that_is_sent_again_changes_nothing() -> None:
    """Somebody who reads the topic could repeat what an operator took back since."""
    engine = learner()
    promotion = order(Action.PROMOTE, FLOOR)
    give(engine, promotion, order(Action.ROLLBACK, at_ms=NOW_MS + 1), promotion)

    assert engine.roster.champion == CHAMPION
    assert len(said(engine)) == 2


@pytest.mark.parametrize("at_ms", [NOW_MS - HOUR_MS - 1, NOW_MS + HOUR_MS + 1])
def test_an_order_of_another_time_is_refused(at_ms: int) -> None:
    """It lay somewhere, or its giver's clock is wrong: it would block the orders of an hour."""
    engine = learner()
    give(engine, order(Action.PROMOTE, FLOOR, at_ms=at_ms))
    assert engine.roster.champion == CHAMPION
    give(engine, order(Action.PROMOTE, FLOOR))
    assert engine.roster.champion == FLOOR


def test_orders_and_guests_outlive_a_restart() -> None:
    engine = learner()
    promotion = order(Action.PROMOTE, FLOOR, at_ms=NOW_MS + 2)
    give(engine, add_order(GUEST, trees(), at_ms=NOW_MS + 1), promotion)
    again = LearnerEngine(SETTINGS, RULES, Metrics())
    again.restore(topic_of(engine))
    give(again, order(Action.ROLLBACK, at_ms=NOW_MS + 3), promotion)

    assert again.roster.champion == CHAMPION
    assert GUEST in again.roster.models
    assert [is_done for is_done, _ in said(again)] == [True, True, True]


def test_a_guest_plays_is_graded_and_can_be_promoted() -> None:
    engine = learner()
    give(engine, add_order("boosted", trees()))
    report = load(topic_of(engine)[REPORT.encode()], KEYS, Report)
    (standing,) = (found for found in report.models if found.name == GUEST)
    assert standing.examples == 400, "as many as its first tree was fitted to"

    give(engine, order(Action.PROMOTE, GUEST, at_ms=NOW_MS + 1))
    serving = load(served(engine), KEYS, Serving)
    assert (serving.champion, serving.model and serving.model.trees) == (GUEST, trees())


def test_names_are_permanent_and_guests_are_few() -> None:
    engine = learner()
    give(engine, add_order(GUEST, trees()))
    give(engine, add_order(GUEST, trees(rounds=4), at_ms=NOW_MS + 1))
    for number in range(GUESTS_MAX):
        give(engine, add_order(f"guest_{number}", trees(), at_ms=NOW_MS + 2 + number))
    found = said(engine)

    assert [is_done for is_done, _ in found] == [True, False, *[True] * (GUESTS_MAX - 1), False]
    assert "names are permanent" in found[1][1]
    assert f"{GUESTS_MAX} guests play already" in found[-1][1]
