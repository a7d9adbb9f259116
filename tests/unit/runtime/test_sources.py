"""Topics of other people, read by the pipeline as they are: what it takes, and what is refused."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import fastavro
import pytest

from models.bgnbd import BgNbdScorer
from streams.core.partition import Partition
from streams.core.rules_file import parse_rules
from streams.errors import UserError
from streams.intake.wire.schemas import Schema, Schemas
from streams.replay.rulebook import rules_at
from streams.runtime import rules_watch, topic_check
from streams.runtime.columns import Chunk, Columns
from streams.runtime.dead_letters import Notices
from streams.runtime.engine_topics import streams_of
from streams.runtime.in_force import Board, InForce, decoders_of
from streams.runtime.lane import Pace
from streams.runtime.lanes import LaneOptions
from streams.runtime.metrics import LaneMeter, Metrics
from streams.runtime.pipeline import PipelineEngine
from streams.runtime.rules_watch import Loaded, RulesWatch, version_of
from streams.runtime.schemas import headers_of
from streams.runtime.topic_check import check_topics
from streams.settings import Settings
from tests.unit.runtime.test_lane import FakeProducer, Recorder, chunk, settle
from tests.unit.runtime.test_lanes import lanes_of, open_lane
from winback_sender.cluster import Cluster

NOW_MS = 1_700_000_000_000
SETTINGS = Settings(schema_registry_url="http://nowhere:1")
INPUTS = """
inputs:
  app.events: {format: cloudevents, keyed_by: user, others: activity}
  shop.orders:
    format: json
    encoding: avro
    keyed_by: user
    event: order
    id: $.number
    user: $.customer
    time: {path: $.at, unit: ms}
    map: [{event: order, as: purchase, amount: $.total}]
  web.clicks: {format: segment}
"""
RULES = parse_rules(INPUTS)
ORDER = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": name, "type": kind}
        for name, kind in (
            ("number", "string"), ("customer", "string"), ("at", "long"), ("total", "double"),
        )
    ],
}  # fmt: skip


def order(number: int, schema_id: int = 7) -> bytes:
    out = io.BytesIO()
    value = {"number": f"o{number}", "customer": "ada", "at": NOW_MS, "total": 1.5}
    fastavro.schemaless_writer(out, fastavro.parse_schema(ORDER), value)
    return b"\0" + schema_id.to_bytes(4) + out.getvalue()


def piece(topic: str, values: list[bytes], headers: Any = None) -> Chunk:
    count = len(values)
    keys: list[bytes | None] = [b"ada"] * count
    times = [NOW_MS] * count
    columns = Columns(0, count, keys, list(values), list(range(count)), times, headers)
    return Chunk(topic, 0, columns, 1)


def pipeline(schemas: Schemas) -> PipelineEngine:
    scorer = BgNbdScorer(RULES.churn.horizon_ms)
    board = Board(InForce(RULES, "v1", decoders_of(SETTINGS, RULES, schemas), scorer), lambda: None)
    core = Partition(0, RULES, scorer)
    notices = Notices("winback-dead-letters")
    return PipelineEngine(core, lambda: board.now, streams_of(SETTINGS), Metrics(), notices)


def test_orders_in_avro_become_value_and_those_of_an_unknown_schema_dead_letters() -> None:
    schemas = Schemas()
    schemas.learn(7, Schema("AVRO", json.dumps(ORDER)))
    schemas.learn(9, None)
    engine = pipeline(schemas)

    engine.apply(piece("shop.orders", [order(1), order(2, 9), order(3)]))

    (letter,) = engine.take().outputs["winback-dead-letters"]
    assert engine.core.users == 1
    assert letter.value == order(2, 9)
    assert ("__connect.errors.topic", b"shop.orders") in letter.headers


def test_headers_say_what_a_binary_cloud_event_is() -> None:
    """They are taken where a topic may need them, and nowhere else."""
    engine = pipeline(Schemas())
    headers = [
        ("ce_specversion", b"1.0"), ("ce_id", b"e1"), ("ce_source", b"/app"),
        ("ce_type", b"app.viewed"), ("ce_subject", b"ada"), ("ce_time", b"2023-11-14T22:13:20Z"),
        ("content-type", b"application/json"),
    ]  # fmt: skip

    engine.apply(piece("app.events", [b'{"kind": "view"}'], [headers]))

    assert headers_of(RULES.sources) == {"app.events"}
    assert "winback-dead-letters" not in engine.take().outputs
    assert engine.core.users == 1


def test_a_dead_letter_keeps_the_headers_that_its_record_is_nothing_without() -> None:
    engine = pipeline(Schemas())
    small, large = [("ce_specversion", b"9")], [("ce_specversion", b"9"), ("x", b"x" * 60_000)]

    engine.apply(piece("app.events", [b"{}", b"{}"], [small, large]))

    first, second = engine.take().outputs["winback-dead-letters"]
    assert first.headers[0] == ("ce_specversion", b"9")
    assert second.headers[0] == ("__connect.errors.topic", b"app.events")


def test_pieces_and_what_is_unseen_keep_the_headers_of_their_records() -> None:
    whole = piece("app.events", [b"a", b"b", b"c"], [[("n", b"0")], [], [("n", b"2")]]).columns

    (first, second) = whole.pieces(2)

    assert first.headers == [[("n", b"0")], []]
    assert second.headers == [[("n", b"2")]]
    assert piece("x", [b"a"]).columns.headers is None


@pytest.mark.parametrize("is_ready", [True, False])
def test_a_chunk_is_applied_when_what_it_needs_is_there(*, is_ready: bool) -> None:
    """What follows one that is dropped is dropped too: it would leave a hole."""

    async def ready(piece: Chunk, is_wanted: Any) -> bool:
        assert is_wanted()
        return is_ready or piece.columns.start > 0

    async def story() -> tuple[list[int], list[str]]:
        options = LaneOptions(
            cluster=Cluster.plain("nowhere:1"), sources=("in",), changelog="users-changelog",
            make_engine=lambda _partition: Recorder(), observer=LaneMeter(Metrics()),
            pace=Pace(0.0), ready=ready,
        )  # fmt: skip
        lanes, said = lanes_of(options), list[str]()
        lane = open_lane(lanes, 0, FakeProducer())
        for first in (0, 2):
            await lanes.accept(
                chunk(first, 2), lambda: said.append("acked"), lambda: said.append("dropped")
            )
        await settle()
        await lane.close()
        engine = lane.engine
        assert isinstance(engine, Recorder)
        return engine.seen, said

    expected = ([0, 1], ["acked"] * 2) if is_ready else ([], ["dropped"] * 2)
    assert asyncio.run(story()) == expected


def check(monkeypatch: pytest.MonkeyPatch, **counts: int) -> dict[str, int]:
    async def described(_cluster: Cluster, topics: list[str]) -> list[dict[str, Any]]:
        alone = ("examples", "models", "control")
        usual = {topic: 1 if topic.endswith(alone) else 4 for topic in topics}
        found = usual | {name.replace("_", "."): count for name, count in counts.items()}
        return [{"topic": topic, "partitions": [0] * found[topic]} for topic in topics]

    async def there(*_: object) -> None:
        pass

    monkeypatch.setattr(topic_check, "_described", described)
    monkeypatch.setattr(topic_check, "demand_sources", there)
    return asyncio.run(check_topics(SETTINGS, Cluster.plain("nowhere:1"), RULES.sources))


def test_a_topic_with_other_partitions_is_told_how_it_can_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = check(monkeypatch, web_clicks=7)
    assert (counts["shop.orders"], counts["web.clicks"]) == (4, 7)

    with pytest.raises(
        UserError, match=r"app\.events has 12 partitions, user-activity 4"
    ) as refused:
        check(monkeypatch, app_events=12)
    assert "keyed_by: anything" in refused.value.hint


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("amount: $.total", "amount: {path: $.total, unit: minor}", ""),
        ("web.clicks", "web.taps", "takes a restart"),
        ("{format: segment}", "{format: segment, keyed_by: user}", "takes a restart"),
        ("encoding: avro", "encoding: protobuf", "takes a restart"),
        ("{format: segment}", "{format: sensors}", "takes a restart"),
    ],
)
def test_a_changed_mapping_comes_into_force_and_changed_topics_take_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, says: str
) -> None:
    monkeypatch.setattr(rules_watch, "STILL_S", 0.01)
    monkeypatch.setattr(rules_watch, "TRY_AGAIN_S", 0.01)
    path, used = tmp_path / "rules.yaml", list[Loaded]()
    path.write_text(INPUTS)

    def load() -> Loaded:
        return Loaded(rules_at(str(path)), (path,), version_of([path]))

    watch = RulesWatch(load(), load, Metrics(), used.append)
    path.write_text(INPUTS.replace(old, new))
    asyncio.run(watch.look())

    assert says in watch.refused
    assert len(used) == (not says)
