"""What an operator hears before the router starts, and what is planned for it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from streams.commands.run import _routed
from streams.core.rules_file import parse_rules
from streams.errors import UserError
from streams.runtime import topic_check
from streams.runtime.router_role import check_routed
from streams.runtime.topics import Action, Actual, plan, router_topics, yours
from streams.settings import Settings
from winback_sender.cluster import Cluster

SETTINGS = Settings()
CHANGELOG = "winback-router-app.orders-changelog"
RULES = """
inputs:
  app.orders: {format: json, event: $.type, id: $.id, user: $.user, time: $.at}
  app.clicks: {format: segment}
  app.own: {format: segment, keyed_by: user}
"""


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """A Kafka with these topics, by their number of partitions."""
    counts = {"app.orders": 3, CHANGELOG: 3, "user-activity": 4, "winback-dead-letters": 4}

    class Client:
        async def list_topics(self) -> list[str]:
            return list(counts)

        async def describe_topics(self, topics: list[str]) -> list[dict[str, Any]]:
            return [{"topic": name, "partitions": [0] * counts.get(name, 0)} for name in topics]

    async def asked(_cluster: Cluster, ask: Any) -> Any:
        return await ask(Client())

    monkeypatch.setattr(topic_check, "_asked", asked)
    return counts


def check(topic: str, settings: Settings = SETTINGS) -> dict[str, int]:
    return asyncio.run(check_routed(settings, Cluster.plain("nowhere:1"), topic))


def test_counts_need_not_agree_with_those_of_our_own_topics(broker: dict[str, int]) -> None:
    assert check("app.orders") == broker


def test_a_name_that_is_wrong_is_told_with_the_one_that_looks_like_it(
    broker: dict[str, int],
) -> None:
    with pytest.raises(UserError, match=r"no topic app\.order, which the rules read") as refused:
        check("app.order")
    assert "Is app.orders meant?" in refused.value.hint
    broker.clear()
    with pytest.raises(UserError) as refused:
        check("app.orders")
    assert "meant" not in refused.value.hint


@pytest.mark.usefixtures("broker")
def test_what_winback_writes_is_not_routed() -> None:
    """The router would read for ever what it has written."""
    with pytest.raises(UserError, match="user-activity is a topic of winback itself"):
        check("user-activity")


@pytest.mark.parametrize(
    ("partitions", "says", "hint"),
    [
        (0, "no topic winback-router-app.orders-changelog", "topics apply"),
        (2, "has 3 partitions by now", "topics apply"),
        (4, "deleted and made again", "Delete winback-router-app.orders-changelog"),
    ],
)
def test_its_changelog_must_fit(
    broker: dict[str, int], partitions: int, says: str, hint: str
) -> None:
    broker[CHANGELOG] = partitions
    with pytest.raises(UserError, match=says) as refused:
        check("app.orders")
    assert hint in refused.value.hint


def test_names_that_would_be_too_long_for_kafka_are_refused() -> None:
    with pytest.raises(UserError, match="Kafka allows 249"):
        check("x" * 240)


def test_the_plan_makes_a_changelog_for_each_topic_that_is_there() -> None:
    wanted = router_topics(SETTINGS, ["app.orders", "app.clicks"], {"app.orders": 3})
    (step,) = plan(wanted, {})
    assert (step.action, step.topic.name, step.partitions) == (Action.CREATE, CHANGELOG, 3)
    assert step.changes["cleanup.policy"] == "compact"
    (step,) = plan(wanted, {CHANGELOG: Actual(2, wanted[0].configs)})
    assert (step.action, step.partitions) == (Action.CHANGE, 3)


def test_a_topic_that_is_missing_is_its_owners_and_holds_up_nothing() -> None:
    """Our own topics can be made before it; who reads it asks for it at the start."""
    sources = parse_rules(RULES).sources
    steps = yours(sources, {"app.orders": 3, "app.own": 5}, Settings(partitions=4))
    assert {step.topic.name: step.action for step in steps} == {
        "app.orders": Action.KEEP, "app.clicks": Action.AWAIT, "app.own": Action.REFUSE,
    }  # fmt: skip


def routed(directory: Path, role: str, *topics: str, rules: str = RULES) -> list[str]:
    path = directory / "rules.yaml"
    path.write_text(rules, encoding="utf-8")
    return [source.topic for source in _routed(Settings(rules=str(path)), role, topics)]


def test_the_rules_say_what_is_routed(tmp_path: Path) -> None:
    assert routed(tmp_path, "router") == ["app.orders", "app.clicks"]
    assert routed(tmp_path, "all") == ["app.orders", "app.clicks"]
    assert routed(tmp_path, "router", "app.clicks") == ["app.clicks"]
    assert routed(tmp_path, "pipeline") == []
    assert routed(tmp_path, "all", rules="") == []


@pytest.mark.parametrize(
    ("role", "topics", "rules", "says"),
    [
        ("router", ("app.own",), RULES, "do not route app.own; they route app.clicks, app.orders"),
        ("router", (), "", "the rules route no topic"),
        ("router", ("app.orders",), "", "they route none"),
        ("pipeline", ("app.orders",), RULES, "--topic is of --role router"),
    ],
)
def test_what_is_not_routed_is_told(
    tmp_path: Path, role: str, topics: tuple[str, ...], rules: str, says: str
) -> None:
    with pytest.raises(UserError, match=says):
        routed(tmp_path, role, *topics, rules=rules)
