"""Dead letters on a real Kafka: each is sent once, whoever dies, tries again, or comes second."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic

from streams.core.partitioner import partition_of_key
from streams.core.rules_file import parse_rules
from streams.errors import UserError
from streams.replay.letters import Judge
from streams.replay.origins import Understanding
from streams.runtime import dead_letter_sends
from streams.runtime.dead_letter_desk import Desk
from streams.runtime.dead_letter_sends import Send
from streams.runtime.dead_letter_survey import Wanted
from streams.runtime.letters import REPLAY_HEADER, Opened, Place, Word
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.contract.dead_letters import dead_letter

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

AT_MS = 1_700_000_000_000
FIRST = 1_000
"""Offset of the first record that was put aside."""
RULES = parse_rules("""
inputs:
  shop:
    format: json
    keyed_by: anything
    user: $.who
    id: $.id
    event: $.what
    time: {path: $.at, unit: ms}
    map:
      - {event: visit, as: activity}
""")


class World(NamedTuple):
    """Topics of one's own, and the desk at which their letters lie."""

    kafka: str
    settings: Settings
    desk: Desk
    judge: Judge

    def put_aside(self, topic: str, count: int, value: Callable[[int], bytes], **said: Any) -> None:
        """Write dead letters of records that stood on partition 1."""
        producer = KafkaProducer(bootstrap_servers=self.kafka)
        for number in range(count):
            letter = dead_letter(
                said.get("reason", "bad_amount"), "the amount of ada is bad", topic=topic,
                partition=1, offset=FIRST + number, key=said.get("key", b"ada"),
                value=value(number),
                timestamp_ms=AT_MS + number,
            )  # fmt: skip
            producer.send(
                self.settings.topic_dead_letters, letter.value, letter.key, list(letter.headers),
                partition=number % 2,
            )  # fmt: skip
        producer.close()

    def records(self, topic: str) -> list[Any]:
        """Return everything committed on a topic."""
        consumer = KafkaConsumer(bootstrap_servers=self.kafka, isolation_level="read_committed")
        parts = [TopicPartition(topic, at) for at in consumer.partitions_for_topic(topic)]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends, found = consumer.end_offsets(parts), []
        while any(consumer.position(part) < ends[part] for part in parts):
            found += [each for some in consumer.poll(200).values() for each in some]
        consumer.close()
        return found

    async def replay(self, wanted: Wanted | None = None) -> list[Word]:
        """Send what the rules understand by now."""
        survey = await asyncio.to_thread(self.desk.survey, wanted or Wanted())
        places = [letter.place for letter in survey.open()]
        closed = await self.desk.close_letters(places, "replayed", self.decide, by="me")
        return closed.words

    def decide(self, opened: Opened) -> tuple[Send, ...] | None:
        """Send only what is understood."""
        judged = self.judge.judge(opened)
        return judged.sends if judged.outcome in {"understood", "left_out"} else None


@pytest.fixture
def world(kafka: str) -> Iterator[World]:
    name = f"letters-{uuid4().hex[:8]}"
    settings = Settings(
        app_id=name, topic_activity=f"{name}-activity", topic_dead_letters=f"{name}-letters",
        topic_feedback=f"{name}-feedback",
    )  # fmt: skip
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    topics = (settings.topic_activity, settings.topic_dead_letters, settings.topic_feedback)
    admin.create_topics([NewTopic(topic, 2, 1) for topic in topics])
    desk = Desk(Cluster.plain(kafka), settings.topic_dead_letters, name)
    yield World(kafka, settings, desk, Judge(Understanding(RULES, "rules", settings), settings))
    admin.delete_topics(list(topics))
    admin.close()


def visit(number: int, **more: Any) -> bytes:
    """Return a native event that can be understood."""
    return json.dumps({
        "event_id": f"e{number}", "user_id": "ada", "event": "visit", "event_time": AT_MS, **more,
    }).encode()  # fmt: skip


def test_a_letter_of_ours_goes_back_as_it_came_and_only_once(world: World) -> None:
    world.put_aside(world.settings.topic_activity, 5, visit)

    first = asyncio.run(world.replay())
    again = asyncio.run(world.replay())

    assert (len(first), again) == (5, [])
    found = world.records(world.settings.topic_activity)
    assert sorted(record.value for record in found) == sorted(map(visit, range(5)))
    for record in found:
        assert (record.key, record.partition) == (b"ada", 1)
        assert record.timestamp - AT_MS in range(5)
    names = {dict(record.headers)[REPLAY_HEADER].decode() for record in found}
    assert names == {f"{world.settings.topic_activity}/1/{FIRST + number}" for number in range(5)}
    survey = world.desk.survey(Wanted())
    assert not survey.open()
    assert {word.to for word in first} == {
        (str(Place(record.topic, record.partition, record.offset)),) for record in found
    }


def test_what_breaks_off_in_the_middle_is_neither_lost_nor_sent_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letter_sends, "BATCH_LETTERS", 2)
    world.put_aside(world.settings.topic_activity, 7, visit)
    places = [letter.place for letter in world.desk.survey(Wanted()).open()]
    seen = 0

    def dying(opened: Opened) -> tuple[Send, ...] | None:
        nonlocal seen
        seen += 1
        if seen == 4:
            raise KeyboardInterrupt
        return world.decide(opened)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(world.desk.close_letters(places, "replayed", dying, by="me"))
    assert len(world.desk.survey(Wanted()).open()) == 5

    rest = asyncio.run(world.replay())

    assert len(rest) == 5
    found = [record.value for record in world.records(world.settings.topic_activity)]
    assert sorted(found) == sorted(map(visit, range(7)))


def test_of_two_who_begin_at_once_each_letter_has_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letter_sends, "BATCH_LETTERS", 5)
    world.put_aside(world.settings.topic_activity, 40, visit)

    async def both() -> list[Any]:
        return await asyncio.gather(world.replay(), world.replay(), return_exceptions=True)

    outcomes = asyncio.run(both())
    asyncio.run(world.replay())

    assert all(isinstance(each, list | UserError) for each in outcomes), outcomes
    found = [record.value for record in world.records(world.settings.topic_activity)]
    assert sorted(found) == sorted(map(visit, range(40)))


def test_a_record_of_somebody_elses_topic_goes_to_ours_as_the_event_it_is(world: World) -> None:
    def sold(number: int) -> bytes:
        said = {"who": f"u{number}", "id": f"o{number}", "at": AT_MS, "what": "visit"}
        return json.dumps(said).encode()

    world.put_aside("shop", 3, sold, key=b"order-7")

    asyncio.run(world.replay())

    found = world.records(world.settings.topic_activity)
    events = {json.loads(record.value)["event_id"]: record for record in found}
    assert events.keys() == {"o0", "o1", "o2"}
    for number in range(3):
        record = events[f"o{number}"]
        assert record.key == f"u{number}".encode()
        assert record.partition == partition_of_key(record.key, 2)
        assert dict(record.headers)["winback_origin_offset"] == b"%d" % (FIRST + number)


def test_what_is_rejected_again_remembers_why_it_was_at_first(world: World) -> None:
    world.put_aside(world.settings.topic_activity, 1, lambda _: b"{", reason="not_decodable")
    (letter,) = world.desk.survey(Wanted()).open()
    (opened,) = world.desk.opened([letter.place])
    judged = world.judge.judge(opened)
    assert (judged.outcome, judged.reason, judged.sends) == ("rejected", "not_decodable", ())
    assert asyncio.run(world.replay()) == []

    forced = asyncio.run(
        world.desk.close_letters([letter.place], "replayed", lambda _: judged.forced, by="me")
    )
    (sent,) = world.records(world.settings.topic_activity)
    again = dead_letter(
        "bad_time", "", topic=sent.topic, partition=sent.partition, offset=sent.offset,
        key=b"ada", value=b"{", timestamp_ms=AT_MS,
    )  # fmt: skip
    producer = KafkaProducer(bootstrap_servers=world.kafka)
    producer.send(
        world.settings.topic_dead_letters, again.value, again.key, list(again.headers), partition=0
    )
    producer.close()

    survey = world.desk.survey(Wanted())
    (second,) = survey.open()
    assert len(forced.words) == survey.attempts(second.place) == 1
    assert survey.first(second)[0] == "not_decodable"


def test_what_is_discarded_is_sent_by_nobody(world: World) -> None:
    world.put_aside(world.settings.topic_activity, 4, visit)
    wanted = Wanted(text=b'"e1"')
    places = [letter.place for letter in world.desk.survey(wanted).open()]

    closed = asyncio.run(
        world.desk.close_letters(places, "discarded", lambda _: (), by="me", reason="a test")
    )
    asyncio.run(world.replay())

    assert [word.what for word in closed.words] == ["discarded"]
    found = sorted(record.value for record in world.records(world.settings.topic_activity))
    assert found == sorted(visit(number) for number in (0, 2, 3))


def test_what_a_broker_finds_too_large_is_left_and_what_stands_behind_it_is_sent(
    world: World,
) -> None:
    """The topic takes less than the one that the letters came from."""
    limit = {"max.message.bytes": "30000"}
    admin = KafkaAdminClient(bootstrap_servers=world.kafka)
    admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, world.settings.topic_activity, limit)]
    )
    admin.close()
    large = {2, 4, 5}
    world.put_aside(
        world.settings.topic_activity, 7,
        lambda number: visit(number, properties={"note": "x" * 40_000} if number in large else {}),
    )  # fmt: skip
    places = [letter.place for letter in world.desk.survey(Wanted()).open()]

    closed = asyncio.run(world.desk.close_letters(places, "replayed", world.decide, by="me"))

    assert len(closed.words) == 4
    assert {place.offset - FIRST for place in closed.too_large} == large
    assert {each.place.offset - FIRST for each in world.desk.survey(Wanted()).open()} == large
    found = sorted(record.value for record in world.records(world.settings.topic_activity))
    assert found == sorted(
        visit(number, properties={}) for number in range(7) if number not in large
    )
