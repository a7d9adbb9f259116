"""What is around the lanes: who is watched, what /health sees, and which topics may be used."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from models.bgnbd import BgNbdScorer
from streams.commands import run
from streams.core.rules_file import parse_rules
from streams.errors import UserError
from streams.runtime import roles, service, side_by_side, topic_check
from streams.runtime.control_feed import ControlFeed
from streams.runtime.metrics import Metrics
from streams.runtime.model_feed import ModelFeed
from streams.runtime.rules_watch import Loaded
from streams.runtime.service import Service
from streams.settings import Settings
from winback_sender import doorstep, logs
from winback_sender.cluster import Cluster

NOWHERE = Cluster.plain("nowhere:1")

RULES = parse_rules("")
LOADED = Loaded(RULES, (), "shipped")
SOURCE = TP("user-activity", 0)


class Reader:
    """A consumer that knows the end, or says nothing at all."""

    def __init__(self, end: int) -> None:
        self.end = end
        self.is_mute = False

    async def highwaters(self, *partitions: TP) -> dict[TP, int]:
        if self.is_mute:
            await asyncio.Event().wait()
        return dict.fromkeys(partitions, self.end)


def serving(end: int) -> tuple[Service, SimpleNamespace]:
    """A service whose one lane has applied and made durable what it got: up to 5."""
    lane = SimpleNamespace(is_clean=True, pending=0, engine=None, newest_ms={}, began_ms=0)
    lanes = SimpleNamespace(lanes={0: lane}, positions=lambda: {SOURCE: 5}, is_settling=False)
    app = SimpleNamespace(
        lanes=lanes, rebalancing=False, consumer=Reader(end),
        monitor=SimpleNamespace(tp_end_offsets={}),
    )  # fmt: skip
    made = Service(Settings(), NOWHERE, 0)
    made.app = app  # type: ignore[assignment]  # what of it is looked at
    return made, app


def test_a_reader_that_reads_no_more_is_seen() -> None:
    """The lane is clean, for it gets nothing; only the broker knows what waits."""
    made, app = serving(end=9)
    asyncio.run(made.end_offsets())
    health = made._examine()
    assert health.is_waiting
    assert health.facts["lag_records"] == 4
    app.lanes.is_settling = True
    assert not made._examine().is_waiting


def test_a_worker_that_has_read_all_waits_for_nothing() -> None:
    made, _app = serving(end=5)
    asyncio.run(made.end_offsets())
    assert not made._examine().is_waiting


def test_a_topic_that_was_made_anew_stops_the_worker_and_one_wrong_answer_does_not() -> None:
    """What stands on the new topic below the old place would be taken for applied."""
    made, app = serving(end=0)
    asyncio.run(made.end_offsets())
    app.consumer.end = 5
    asyncio.run(made.end_offsets())
    app.consumer.end = 3
    asyncio.run(made.end_offsets())
    with pytest.raises(
        UserError, match=r"user-activity\[0\] ends at 3.*was deleted and made again"
    ):
        asyncio.run(made.end_offsets())


def test_a_mute_reader_does_not_hold_the_gauges_and_what_was_known_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, app = serving(end=9)
    asyncio.run(made.end_offsets())
    app.consumer.is_mute = True
    monkeypatch.setattr(service, "ANSWER_PATIENCE_S", 0.01)
    assert asyncio.run(made.end_offsets()) == {}
    assert made._examine().is_waiting


def test_the_ends_are_asked_for_without_a_clock_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _app = serving(end=9)
    monkeypatch.setattr(service, "GAUGES_EVERY_S", 0.0)

    async def story() -> None:
        showing = asyncio.create_task(made._show())
        for _ in range(5):
            await asyncio.sleep(0)
        showing.cancel()

    asyncio.run(story())
    assert made._examine().facts["lag_records"] == 4


class Watch:
    """A service that only notes what it is to watch."""

    seen: list[str]

    def __init__(self, settings: Settings, cluster: Cluster, _port: int) -> None:
        self.settings, self.cluster = settings, cluster
        self.meter = self.end_offsets = None
        self.metrics = Metrics()
        Watch.seen = []

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        Watch.seen.append(work.__qualname__)
        work.close()

    async def run(self, _app: object, begin: Callable[[], Awaitable[None]]) -> None:
        await begin()


@pytest.mark.parametrize(
    ("scorer", "clock", "watched"),
    [
        (
            None, "wall",
            [
                "ControlFeed.follow", "ModelFeed.follow", "RulesWatch.follow", "watch_topics",
                "WallClock.run", "StateFiles.keep",
            ],
        ),
        (
            BgNbdScorer(1.0), "event",
            ["ControlFeed.follow", "RulesWatch.follow", "watch_topics", "StateFiles.keep"],
        ),
    ],
)  # fmt: skip
def test_what_runs_beside_the_lanes_is_watched(
    monkeypatch: pytest.MonkeyPatch, scorer: BgNbdScorer | None, clock: Any, watched: list[str]
) -> None:
    """Its crash is the worker's: a model that is followed no more must not go unseen."""

    async def counts(*_: object, **__: object) -> dict[str, int]:
        return {}

    async def ready(_feed: object) -> None:
        pass

    monkeypatch.setattr(roles, "Service", Watch)
    monkeypatch.setattr(roles, "check_topics", counts)
    monkeypatch.setattr(ModelFeed, "wait_ready", ready)
    monkeypatch.setattr(ControlFeed, "wait_ready", ready)
    settings = Settings(clock=clock)
    asyncio.run(roles.run_pipeline(settings, NOWHERE, LOADED, scorer, load=lambda: LOADED))
    assert Watch.seen == watched


def test_examples_and_models_have_one_partition_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of both would be equal, and half of the examples would never be learned."""

    async def described(_cluster: Cluster, topics: list[str]) -> list[dict[str, Any]]:
        return [{"topic": topic, "partitions": [0, 1]} for topic in topics]

    monkeypatch.setattr(topic_check, "_described", described)
    with pytest.raises(UserError, match="churn-examples has 2 partitions, but it must have 1"):
        asyncio.run(roles.run_learner(Settings(), NOWHERE, RULES, port=0))
    with pytest.raises(UserError, match="must have 1"):
        asyncio.run(roles.run_pipeline(Settings(), NOWHERE, LOADED, None, load=lambda: LOADED))


def test_all_roles_may_skip_what_is_lost_and_have_ports_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[list[str]] = []

    def popen(words: list[str], **_: object) -> None:
        started.append(words)

    monkeypatch.setattr(side_by_side.subprocess, "Popen", popen)
    monkeypatch.setattr(side_by_side, "_watch", lambda _children: 0)
    for may_skip_lost in (True, False):
        started.clear()
        side_by_side.run_side_by_side(
            Settings(web_port=6066), NOWHERE,
            [["pipeline"], ["learner"], ["router", "--topic=app.events"]],
            may_skip_lost=may_skip_lost,
        )  # fmt: skip
        assert ["--skip-lost" in words for words in started] == [may_skip_lost] * 3
        ports = [word for words in started for word in words if "web-port" in word]
        assert ports == ["--web-port=6066", "--web-port=6067", "--web-port=6068"]


def test_the_learner_hears_that_it_may_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[object] = []

    async def learn(*_: object, may_skip_lost: bool, **__: object) -> None:
        heard.append(may_skip_lost)

    monkeypatch.setattr(logs, "configure", lambda *_: None)
    monkeypatch.setattr(roles, "run_learner", learn)
    run._work("learner", Settings(), NOWHERE, may_skip_lost=True)
    assert heard == [True]


def test_nothing_is_started_over_what_all_would_complain_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def missing(*_: object) -> dict[str, int]:
        raise UserError("no topic churn-models")

    monkeypatch.setenv("WINBACK_KAFKA_BOOTSTRAP", "nowhere:1")
    monkeypatch.setenv("WINBACK_WEB_PORT", "0")
    monkeypatch.setattr(doorstep, "require_reachable", lambda _servers: None)
    monkeypatch.setattr(topic_check, "check_topics", missing)
    monkeypatch.setattr(
        side_by_side, "run_side_by_side", lambda *_, **__: pytest.fail("children were started")
    )
    for words, what in (([], "no topic"), (["--rules", "nowhere.yaml"], "cannot be read")):
        with pytest.raises(UserError, match=what):
            run.run.main(words, standalone_mode=False)
