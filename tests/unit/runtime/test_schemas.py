"""Schemas are fetched before a chunk is decoded; a registry that is away is weather."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from streams.core.sources import Encoding, Form, KeyedBy, Source
from streams.errors import UserError
from streams.intake.fact import UnreadableError
from streams.intake.wire import registry as client
from streams.intake.wire.registry import Registry, RegistryAwayError
from streams.runtime import schemas as desks
from streams.runtime.columns import Chunk, Columns
from streams.runtime.metrics import Metrics
from streams.runtime.schemas import SchemaDesk
from streams.settings import Settings
from tests.standin_registry import StandinRegistry

ORDERS = Source(
    topic="orders", form=Form.JSON, encoding=Encoding.AVRO, keyed_by=KeyedBy.USER
)  # fmt: skip
TEXT = '"string"'
MONEY = json.dumps({"type": "record", "name": "Money", "fields": []})


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "CONFIRM_S", 0.01)
    monkeypatch.setattr(desks, "PAUSE_MIN_S", 0.01)
    monkeypatch.setattr(desks, "LOOK_S", 0.01)
    monkeypatch.setattr(client, "PATIENCE_S", 0.3)


def framed(schema_id: int) -> bytes:
    return b"\0" + schema_id.to_bytes(4) + b"\x02a"


def orders(*values: bytes | None, topic: str = "orders") -> Chunk:
    count = len(values)
    keys: list[bytes | None] = [b"ada"] * count
    columns = Columns(0, count, keys, list(values), list(range(count)), [1] * count)
    return Chunk(topic, 0, columns, 1)


async def waits(made: SchemaDesk) -> None:
    while not made.away:  # noqa: ASYNC110 (it is told nobody)
        await asyncio.sleep(0.01)


def desk(url: str, auth: str = "", metrics: Metrics | None = None) -> SchemaDesk:
    settings = Settings(schema_registry_url=url, schema_registry_auth=auth)
    return SchemaDesk(settings, (ORDERS,), metrics or Metrics())


def run(made: SchemaDesk, story: Callable[[], Awaitable[Any]]) -> Any:
    async def whole() -> Any:
        try:
            return await story()
        finally:
            await made.close()

    return asyncio.run(asyncio.wait_for(whole(), 10))


def test_a_schema_comes_with_what_it_refers_to() -> None:
    with StandinRegistry() as registry:
        registry.register("common/cent s", TEXT)
        registry.register("money", MONEY, references=(("cents", "common/cent s", 1),))
        number = registry.register("orders-value", TEXT, references=(("Money", "money", 1),))

        async def story() -> Any:
            async with Registry(registry.url + "/", "") as asked:
                return await asked.fetch(number), await asked.fetch(99)

        found, nothing = asyncio.run(story())

    assert nothing is None
    assert found.kind == "AVRO"
    ((name, money),) = found.references
    assert (name, money.text, money.references[0][1].text) == ("Money", MONEY, TEXT)


def test_a_reference_that_is_gone_or_leads_to_itself_makes_a_schema_unknown() -> None:
    with StandinRegistry() as registry:
        gone = registry.register("a", TEXT, references=(("b", "b", 3),))
        loop = registry.register("c", TEXT, references=(("c", "c", 1),))

        async def story() -> Any:
            async with Registry(registry.url, "") as asked:
                return await asked.fetch(gone), await asked.fetch(loop)

        assert asyncio.run(story()) == (None, None)


@pytest.mark.parametrize("weather", ["500", "503", "429", "403", "html", "slow", "cut", "302"])
def test_every_weather_is_told_from_a_schema_that_is_unknown(weather: str) -> None:
    with StandinRegistry() as registry:
        registry.weather = weather

        async def story() -> Any:
            async with Registry(registry.url, "") as asked:
                return await asked.fetch(1)

        with pytest.raises(RegistryAwayError, match=registry.url):
            asyncio.run(story())


def test_an_address_that_is_none_is_told_like_a_registry_that_is_away() -> None:
    async def story() -> Any:
        async with Registry("http://registry:port", "") as asked:
            return await asked.fetch(1)

    with pytest.raises(RegistryAwayError, match="Invalid port"):
        asyncio.run(story())


def test_a_chunk_waits_until_the_registry_is_back_and_says_so() -> None:
    with StandinRegistry() as registry:
        metrics = Metrics()
        made, number = desk(registry.url, metrics=metrics), registry.register("orders", TEXT)
        registry.weather = "503"

        async def story() -> None:
            waiting = asyncio.create_task(made.ready(orders(framed(number)), lambda: True))
            await waits(made)
            assert not waiting.done()
            assert "status 503" in made.away
            assert made.facts() == {"schema_registry": {"away": made.away}}
            assert b"winback_schema_registry_away 1.0" in metrics.page()
            registry.weather = ""
            assert await waiting

        run(made, story)

    assert made.away == ""
    assert b"winback_schema_registry_away 0.0" in metrics.page()
    assert b'winback_schemas_fetched_total{outcome="found"} 1.0' in metrics.page()
    assert made.schemas.of(framed(number), "AVRO").text == TEXT


def test_who_no_longer_owns_the_partition_stops_waiting() -> None:
    with StandinRegistry() as registry:
        made, is_wanted = desk(registry.url), [True]
        registry.weather = "cut"

        async def story() -> Any:
            waiting = asyncio.create_task(made.ready(orders(framed(1)), lambda: is_wanted[0]))
            await waits(made)
            is_wanted.clear()
            is_wanted.append(False)
            return await waiting

        assert run(made, story) is False


def test_a_password_is_given_and_a_wrong_one_is_weather_that_says_what_to_mend() -> None:
    with StandinRegistry("me:secret") as registry:
        right, wrong = desk(registry.url, "me:secret"), desk(registry.url, "me:oops")
        number = registry.register("orders", TEXT)
        assert run(right, lambda: right.ready(orders(framed(number)), lambda: True))

        async def story() -> str:
            waiting = asyncio.create_task(wrong.ready(orders(framed(number)), lambda: True))
            await waits(wrong)
            waiting.cancel()
            return wrong.away

        assert "WINBACK_SCHEMA_REGISTRY_AUTH" in run(wrong, story)


def test_an_unknown_id_is_asked_for_twice_and_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry of several may not have heard yet of what was registered a moment ago."""
    with StandinRegistry() as registry:
        made = desk(registry.url)

        async def story() -> None:
            assert await made.ready(orders(framed(1), None, b"", b"{}"), lambda: True)
            assert registry.asked == ["/schemas/ids/1"] * 2
            with pytest.raises(UnreadableError) as caught:
                made.schemas.of(framed(1), "AVRO")
            assert caught.value.reason == "schema_unknown"
            registry.register("orders", TEXT)
            assert await made.ready(orders(framed(1)), lambda: True)
            assert len(registry.asked) == 2
            monkeypatch.setattr(desks, "ASK_AGAIN_S", 0.0)
            assert await made.ready(orders(framed(1)), lambda: True)
            assert made.schemas.of(framed(1), "AVRO").text == TEXT

        run(made, story)


def test_a_text_of_protobuf_is_compiled_when_it_comes() -> None:
    with StandinRegistry() as registry:
        made = desk(registry.url)
        number = registry.register("orders", 'syntax = "proto3"; message A {}', "PROTOBUF")
        assert run(made, lambda: made.ready(orders(framed(number)), lambda: True))

    assert made.schemas.of(framed(number), "PROTOBUF").files


def test_other_topics_ask_nobody() -> None:
    made = desk("http://127.0.0.1:1")

    assert run(made, lambda: made.ready(orders(framed(1), topic="clicks"), lambda: True))
    assert SchemaDesk(Settings(), (), Metrics()).facts() == {}


def test_a_framed_topic_needs_a_registry() -> None:
    with pytest.raises(UserError, match="orders is framed"):
        SchemaDesk(Settings(), (ORDERS,), Metrics())
