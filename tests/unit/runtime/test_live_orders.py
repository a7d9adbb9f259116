"""An order to go live, heard by a worker whose keys everybody has."""

from types import SimpleNamespace
from typing import Any

import pytest

from models.bgnbd import BgNbdScorer
from streams.core.controls import MODE, STOP, Controls, Mode
from streams.core.inputs import Directive
from streams.core.messages import Control
from streams.intake.wire.schemas import Schemas
from streams.runtime.journal import CONTROL
from streams.runtime.live_orders import LiveOrders
from streams.runtime.metrics import Metrics
from streams.runtime.news import News
from streams.runtime.rules_watch import Loaded
from streams.settings import Settings
from tests.unit.runtime.teaching import NOW_MS, RULES, SETTINGS, chunk
from tests.unit.runtime.test_engines import drive, event, journal, pipeline
from winback_sender.cluster import Cluster
from winback_sender.contract.messages import to_json

REMOTE = Cluster.plain("kafka:9092")
LIVE = Directive(MODE, Mode.LIVE, NOW_MS, 7)
OBSERVE = Directive(MODE, Mode.OBSERVE, NOW_MS, 6)
STOPPED = Directive(STOP, "on", NOW_MS, 8)
OWN = Settings(id_key="a secret of our own", model_key="another of our own")
AT = "2026-03-01T12:00:00.000Z"


def news_of(settings: Settings, cluster: Cluster, metrics: Metrics) -> News:
    loaded = Loaded(RULES, (), "v1")
    scorer = BgNbdScorer(float(RULES.churn.horizon_ms))
    return News(cluster, settings, metrics, loaded, lambda: loaded, scorer, Schemas(), lambda: None)


def hear(news: News, *orders: Control) -> None:
    """Do what the feed does with records of the topic, from its beginning on."""
    records: list[Any] = [
        SimpleNamespace(key=order.key.encode(), value=to_json(order), offset=place)
        for place, order in enumerate(orders)
    ]
    news._controls._fold(found := {}, records)
    news._controls._tell(found)
    news._controls._is_ready.set()


def test_a_worker_with_the_key_that_everybody_has_does_not_go_live(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The core never hears of it: neither its controls nor the journal, so a replay is the same."""
    metrics = Metrics()
    news = news_of(SETTINGS, REMOTE, metrics)
    engine = pipeline(board=news.board)
    live = Control(MODE, "live", AT, AT, "ada@desk")
    for orders in ((live,), (live, Control("pause/channel/sms", "on", AT, AT, "ada@desk"))):
        hear(news, *orders)
        drive(engine, chunk("user-activity", len(orders), [event("ada", len(orders))]))

    assert engine.core.controls.mode_at(NOW_MS * 2, RULES.mode) == Mode.OBSERVE
    taken = [step for step in journal(engine.take()) if str(step[0]).startswith(CONTROL)]
    assert [step[0] for step in taken] == ["$control pause/channel/sms=on"]
    said = [vars(record)["facts"] for record in caplog.records if record.msg == "control_refused"]
    assert len(said) == 1, "once, however often it is read"
    assert "development key" in said[0]["reason"]
    assert "winback_controls_refused_total 1.0" in metrics.page().decode()
    assert "kafka:9092" in str(news.facts()["controls"])

    hear(news, Control(MODE, "observe", AT, AT, "ada@desk"))
    assert news.facts()["controls"] == {"refused": None}


@pytest.mark.parametrize(
    ("settings", "cluster"), [(OWN, REMOTE), (SETTINGS, Cluster.plain("127.0.0.1:9092"))]
)
def test_with_keys_of_our_own_or_on_this_machine_it_does(
    settings: Settings, cluster: Cluster
) -> None:
    news = news_of(settings, cluster, Metrics())
    hear(news, Control(MODE, "live", AT, AT, "ada@desk"))
    assert [order.value for order in news.board.now.orders or ()] == ["live"]


def test_what_another_worker_took_is_lifted_where_the_keys_are_weak() -> None:
    """The partition comes from a worker with keys of its own: here the rules say the mode."""
    controls = Controls()
    controls.take([LIVE, STOPPED], NOW_MS)
    allowed = LiveOrders(SETTINGS, REMOTE, Metrics()).allowed((LIVE, STOPPED))
    controls.take(allowed, NOW_MS + 1)
    assert controls.mode_at(NOW_MS + 1, Mode.HOLDOUT_ONLY) == Mode.HOLDOUT_ONLY
    assert controls.is_stopped(NOW_MS + 1)


def test_only_going_live_is_refused() -> None:
    orders = LiveOrders(SETTINGS, REMOTE, Metrics())
    assert orders.allowed((OBSERVE, STOPPED)) == (OBSERVE, STOPPED)
    assert not orders.refused
