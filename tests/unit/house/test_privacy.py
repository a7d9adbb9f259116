"""No log line, metric, page of health or error says whom a record is about, or a secret."""

import asyncio
import contextlib
import io
import itertools
import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest

from models.bgnbd import BgNbdScorer
from streams.core.partition import Partition
from streams.core.sources import Source
from streams.errors import UserError
from streams.intake.bulk import bulk_tell
from streams.intake.wire.schemas import Schemas
from streams.runtime.columns import Chunk, Columns
from streams.runtime.control_feed import ControlFeed
from streams.runtime.dead_letters import DeadLetters, Notices
from streams.runtime.engine_topics import streams_of
from streams.runtime.in_force import Board, InForce, decoders_of
from streams.runtime.learner import LearnerEngine
from streams.runtime.metrics import METRICS, Metrics
from streams.runtime.pipeline import PipelineEngine
from streams.runtime.routed_record import Envelope
from streams.runtime.router import RouterEngine, Targets
from streams.settings import load_settings
from tests.unit.house.hostile_records import (
    AT,
    NOW_MS,
    PRIVATE,
    RECORDS,
    RULES,
    hostile,
    spoilt,
)
from tests.unit.sender.letters import START_MS, touch
from tests.unit.sender.stand import Stand
from winback_sender.contract.messages import to_json
from winback_sender.engine.inbox import letter
from winback_sender.engine.metrics import METRICS as OF_SENDERS
from winback_sender.log_errors import told
from winback_sender.logs import configure, get_logger
from winback_sender.receipt import Receipt

SECRETS: Final = {
    "WINBACK_ID_KEY": "id-secret-zq-0123456789",
    "WINBACK_ID_KEYS_BEFORE": "2023-01-01T00:00Z=before-secret-zq-012345",
    "WINBACK_MODEL_KEY": "model-secret-zq-0123456789",
    "WINBACK_MODEL_KEYS_ACCEPTED": "accepted-secret-zq-0123456789",
    "WINBACK_WEB_TOKEN": "web-secret-zq-0123456789",
    "WINBACK_KAFKA_PASSWORD": "kafka-secret-zq-0123456789",
    "WINBACK_SCHEMA_REGISTRY_AUTH": "registry:secret-zq-0123456789",
}
HIDDEN: Final = (*PRIVATE, *(value.rpartition("=")[2] for value in SECRETS.values()))


def chunk(topic: str, records: list[tuple[bytes, bytes]], start: int = 0) -> Chunk:
    count = len(records)
    keys: list[bytes | None] = [key for key, _ in records]
    values: list[bytes | None] = [value for _, value in records]
    numbers = list(range(start, start + count))
    headers = [[("ce_id", key or b"")] for key in keys]
    columns = Columns(start, start + count, keys, values, numbers, [NOW_MS] * count, headers)
    return Chunk(topic, 0, columns, 1)


SETTINGS = load_settings(
    {**SECRETS, "WINBACK_KAFKA_SECURITY": "sasl_ssl", "WINBACK_KAFKA_USERNAME": "u"}
)


@pytest.fixture
def heard() -> Iterator[io.StringIO]:
    """All that is logged, as it would be on standard error, in debug."""
    root, out = logging.getLogger(), io.StringIO()
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook)
    levels = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    configure("debug", SETTINGS.id_key)
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(out)
    yield out
    root.handlers, root.level, sys.excepthook, threading.excepthook = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    configure_pseudonyms_off()


def configure_pseudonyms_off() -> None:
    from winback_sender import logs  # noqa: PLC0415 (its one global)

    logs._PSEUDONYMS.key = b""


def assert_mute(*texts: str) -> None:
    for text in texts:
        for word in HIDDEN:
            for spelt in {word, json.dumps(word)[1:-1], repr(word)[1:-1]}:
                assert spelt not in text, text[max(0, text.find(spelt) - 200) :][:300]
        assert "\n2026 INFO forged" not in text


def test_a_pipeline_over_hostile_records_says_nobodys_name(heard: io.StringIO) -> None:
    metrics, notices = Metrics(), Notices("winback-dead-letters")
    scorer = BgNbdScorer(RULES.churn.horizon_ms)
    board = Board(
        InForce(RULES, "v1", decoders_of(SETTINGS, RULES, Schemas()), scorer), lambda: None
    )
    engine = PipelineEngine(
        Partition(0, RULES, scorer), lambda: board.now, streams_of(SETTINGS), metrics, notices
    )
    rejected = 0
    for topic, records in RECORDS.items():
        engine.apply(chunk(topic, hostile(records)))
        rejected += len(engine.take().outputs.get("winback-dead-letters", ()))
    said = heard.getvalue()
    assert rejected > 1_000
    assert said.count(" dead_letter ") >= 8, "they are told of, by reason"
    assert_mute(said, metrics.page().decode(), repr(SETTINGS))


def test_a_router_over_hostile_records_says_nobodys_name(heard: io.StringIO) -> None:
    metrics = Metrics()
    for source in RULES.sources:
        letters = DeadLetters(Notices("winback-dead-letters"), metrics)
        engine = router(source, letters, metrics)
        engine.apply(chunk(source.topic, hostile(RECORDS[source.topic])))
        engine.take()
    assert " dead_letter " in heard.getvalue()
    assert_mute(heard.getvalue(), metrics.page().decode())


def router(source: Source, letters: DeadLetters, metrics: Metrics) -> RouterEngine:
    tell = bulk_tell(source, RULES, Schemas())
    return RouterEngine(
        source, Envelope(source.topic, 0, "shop"), lambda: tell,
        Targets("user-activity", "winback-dead-letters"), letters, metrics, lambda: NOW_MS,
        is_ticked=True,
    )  # fmt: skip


def test_a_learner_over_hostile_records_says_nobodys_name(heard: io.StringIO) -> None:
    metrics = Metrics()
    engine = LearnerEngine(SETTINGS, RULES, metrics)
    values = [
        *(word.encode() for word in PRIVATE),
        *(msgspec.msgpack.encode([tag, word, word]) for tag in ("order", "examples", "x")
          for word in PRIVATE),
        *(msgspec.msgpack.encode(["order", word, word, word, AT, word]) for word in PRIVATE),
    ]  # fmt: skip
    engine.apply(chunk("churn-examples", [(b"0", value) for value in values]))
    for key in ("serving", "orders", "report"):
        with contextlib.suppress(UserError) as _:
            engine.restore({key.encode(): PRIVATE[0].encode()})
    with pytest.raises(UserError) as refused:
        engine.restore({b"serving": b'{"hmac_sha256":"' + PRIVATE[1].encode()})
    assert "examples_refused" in heard.getvalue()
    assert_mute(heard.getvalue(), metrics.page().decode(), str(refused.value))


def test_orders_that_are_none_say_nobodys_name(heard: io.StringIO) -> None:
    metrics = Metrics()
    feed = ControlFeed(None, SETTINGS, metrics, lambda _: None)  # type: ignore[arg-type]

    class Record(msgspec.Struct):
        key: bytes
        value: bytes
        offset: int = 0

    sound = {"key": "stop", "value": "on", "effective_at": AT, "ordered_at": AT, "by": "me"}
    records = [
        Record(key, json.dumps(each, ensure_ascii=False).encode())
        for word in PRIVATE
        for each in spoilt(sound, word)
        for key in (b"stop", word.encode())
    ]
    feed._fold({}, records)
    assert "control_refused" in heard.getvalue()
    assert_mute(heard.getvalue(), metrics.page().decode())


@pytest.fixture
def stand(tmp_path: Any) -> Iterator[Stand]:
    def deliver(touch: Any) -> Receipt:
        raise RuntimeError(f"cannot send to {touch.user_id} {PRIVATE[1]} {PRIVATE[3]}")

    made = Stand(tmp_path, deliver)
    yield made
    made.journal.close()


def test_a_sender_over_hostile_records_says_nobodys_name(heard: io.StringIO, stand: Stand) -> None:
    """Its code, its provider and its records do their worst; ids of touches are ours."""
    sound = json.loads(to_json(touch("t")))
    mine = {name: sound.pop(name) for name in ("type", "touch_id", "case_id")}
    letters = []
    for word in PRIVATE:
        for number, each in enumerate(
            itertools.islice(spoilt(sound, word), len(word) % 4, None, 4)
        ):
            facts = {**mine, "touch_id": f"t{len(letters)}"}
            record = {**facts, **each} if isinstance(each, dict) else each
            value = json.dumps(record, ensure_ascii=False).encode()
            headers = [("ce_time", word.encode()), ("ce_dataschema", word.encode())][number % 3 :]
            letters.append(letter(0, len(letters), value, headers, START_MS, word.encode()))
    stand.said(letters)
    heard_of = heard.getvalue()
    assert "dead_letter" in heard_of
    assert "delivery_unknown" in heard_of
    assert_mute(heard_of, stand.meter.page().decode())


@pytest.mark.parametrize("error", [KeyError, ValueError, TypeError, UserError])
def test_an_error_says_where_and_what_kind_and_quotes_nothing(
    heard: io.StringIO, error: type[Exception]
) -> None:
    """Ours are written to be read; all others may quote the record that they choked on."""

    def choke() -> None:
        try:
            json.loads(f"{{{PRIVATE[0]}")
        except ValueError as cause:
            raise error("nothing") from cause

    def quote() -> None:
        raise KeyError(*PRIVATE)

    caught: list[Exception] = []
    for act in (choke, quote):
        try:
            act()
        except (KeyError, ValueError, TypeError, UserError) as found:
            caught.append(found)
    for found in caught:
        raised = (type(found), found, found.__traceback__)
        logging.getLogger("faust").error("Crashed reason=%r", found, exc_info=raised)
        logging.getLogger("aiokafka").error(found)
        get_logger("ours").error("it_failed", error=found)
        sys.excepthook(*raised)
        assert told(found).startswith(type(found).__name__)
    thread = threading.Thread(target=quote)
    thread.start()
    thread.join()
    said = heard.getvalue()
    assert "in quote" in said
    assert "KeyError" in said
    assert "thread_crashed" in said
    assert_mute(said)


def test_what_nobody_waited_for_quotes_nothing(heard: io.StringIO) -> None:
    async def fail() -> None:
        raise KeyError(PRIVATE[0])

    async def forget() -> None:
        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task

    asyncio.run(forget())
    import gc  # noqa: PLC0415 (the task has to be gone)

    gc.collect()
    assert "never retrieved" in heard.getvalue()
    assert_mute(heard.getvalue())


def test_libraries_of_calls_are_mute(heard: io.StringIO) -> None:
    """They would write whole addresses, and in these stand tokens."""
    for name in ("httpx", "httpcore", "httpcore.http11"):
        logging.getLogger(name).info("HTTP Request: GET https://x/?access_token=%s", PRIVATE[5])
        logging.getLogger(name).debug("send_request_headers.started %s", PRIVATE[5])
    assert heard.getvalue() == ""


def test_no_metric_is_labelled_by_what_a_person_brings() -> None:
    """A label is a topic, a partition, a name of the rules or of a catalogue."""
    allowed = {
        "action", "alarm", "answer", "arm", "band", "bin", "channel", "clock", "code",
        "direction", "event", "from", "kind", "le", "list", "measure", "mode", "model",
        "name", "outcome", "part", "partition", "phase", "playbook", "provider", "reason",
        "result", "role", "service", "set", "side", "source", "stage", "state", "status",
        "stream", "to", "topic", "variant", "verdict", "version", "what", "when",
    }  # fmt: skip
    used = {label for spec in (*METRICS.values(), *OF_SENDERS.values()) for label in spec.labels}
    assert used <= allowed, sorted(used - allowed)
    assert not used & {
        "user",
        "user_id",
        "touch_id",
        "case_id",
        "phone",
        "openid",
        "address",
        "key",
    }


def test_settings_that_cannot_be_are_told_without_their_secrets() -> None:
    for name, value in SECRETS.items():
        with contextlib.suppress(UserError):
            load_settings({name: f"{value}\x00"[:12], "WINBACK_PARTITIONS": "none"})
        with pytest.raises(UserError) as refused:
            load_settings({**SECRETS, name: value, "WINBACK_PARTITIONS": "none"})
        assert_mute(refused.value.message, refused.value.hint)
