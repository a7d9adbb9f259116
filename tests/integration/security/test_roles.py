"""The whole loop on a Kafka that lets nobody in without proof, and nobody do more than he must."""

import re

import pytest
from kafka import KafkaProducer
from kafka.errors import TopicAuthorizationFailedError

from streams.replay.rulebook import rules_at
from streams.runtime.acls import Acl, Kind, Operation, acls, principals, roles
from streams.runtime.topics import topics
from tests.security.scenario import done, settings_of
from tests.security.world import ORDERS, World
from winback_sender.doorstep import admin_client

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

KINDS = {"Topic": Kind.TOPIC, "Group": Kind.GROUP, "TransactionalId": Kind.TRANSACTION}
IMPLY_DESCRIBE = {Operation.READ, Operation.WRITE, Operation.ALTER}
IMPLY_DESCRIBE_CONFIGS = {Operation.ALTER_CONFIGS}


def catalogue(world: World) -> tuple[Acl, ...]:
    settings = settings_of(world)
    made = roles(settings, rules_at(str(world.rules), settings.id_keys).sources)
    return acls(made, principals(made, settings, {}))


def test_what_was_applied_is_what_is_needed(world: World) -> None:
    done(world.winback("", "topics", "acls", "--check"))


def test_touches_are_sent_and_told_of(world: World) -> None:
    assert any("12 users were contacted with 12 touches" in said.out for said in world.words)


def test_nobody_was_refused_anything(world: World) -> None:
    assert not {each for each in world.decided if not each.is_allowed}


def test_every_acl_is_needed(world: World) -> None:
    """Each was asked for, by name and operation, by the one who has it."""
    asked = {
        (f"User:{each.who}", KINDS[each.kind], each.operation.replace("_", "").lower(), each.name)
        for each in world.decided
        if each.kind in KINDS
    }
    unused = [
        f"{acl.principal} {acl.kind} {acl.name} {acl.operation}"
        for acl in catalogue(world)
        if not any(
            (who, kind, operation) == (acl.principal, acl.kind, acl.operation.lower())
            and (name.startswith(acl.name) if acl.is_prefix else name == acl.name)
            for who, kind, operation, name in asked
        )
    ]
    assert not unused, unused


def test_what_each_may_do_is_what_the_catalogue_says(world: World) -> None:
    """The broker is asked by each of them, topic by topic."""
    names = [*(topic.name for topic in topics(settings_of(world))), ORDERS]
    for role in world.passwords:
        expected: dict[str, set[str]] = {name: set() for name in names}
        for acl in catalogue(world):
            if acl.principal == f"User:winback-{role}" and acl.name in expected:
                expected[acl.name].add(word_of(acl.operation))
                if acl.operation in IMPLY_DESCRIBE:
                    expected[acl.name].add("DESCRIBE")
                if acl.operation in IMPLY_DESCRIBE_CONFIGS:
                    expected[acl.name].add("DESCRIBE_CONFIGS")
        with admin_client(world.cluster(role)) as client:
            found = {
                topic["name"]: set(topic["authorized_operations"])
                for topic in client.describe_topics(names)
                if not topic["error_code"]
            }
        assert found == {name: may for name, may in expected.items() if may}, role


def word_of(operation: Operation) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).upper()


@pytest.mark.parametrize(
    ("role", "topic"),
    [
        ("sender", "win-back"), ("sender", "user-activity"), ("pipeline", "churn-models"),
        ("pipeline", "winback-control"), ("learner", "win-back"), ("learner", "churn-examples"),
        ("router", "win-back"), ("reader", "user-activity"), ("operator", "user-activity"),
        ("letters", "win-back"), ("init", "win-back"), ("feeder", "winback-users-changelog"),
    ],
)  # fmt: skip
def test_nobody_writes_what_is_not_his(world: World, role: str, topic: str) -> None:
    producer = KafkaProducer(
        **world.cluster(role).options(), max_block_ms=3_000, enable_idempotence=False
    )
    with pytest.raises(TopicAuthorizationFailedError):
        producer.send(topic, b"{}", b"x", partition=0).get(5)
    producer.close()


def test_no_secret_stands_in_logs_or_outputs(world: World) -> None:
    """All of it was logged at the level debug."""
    texts = [world.log(role).read_text() for role in world.workers]
    texts += [said.out + said.words for said in world.words]
    assert any("DEBUG" in text for text in texts)
    texts.append((world.kafka.directory / "kafka.log").read_text())
    assert not [secret for secret in world.passwords.values() if secret in "".join(texts)]
    shown = done(world.winback("reader", "settings")).out + repr(settings_of(world))
    assert "WINBACK_KAFKA_PASSWORD" in shown
    assert world.passwords["reader"] not in shown
