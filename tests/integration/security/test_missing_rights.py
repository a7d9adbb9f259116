"""Who is let in but may not do his work is told which right to look for, and does not hang."""

import asyncio
import os
import subprocess

import pytest
from kafka.admin import (
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePatternFilter,
    ResourceType,
)

from streams.runtime.topic_check import HIDDEN, found_counts
from tests.security.broker import super_user
from tests.security.world import WINBACK, World

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def nobody(world: World) -> World:
    """A world with a user who has no rights at all."""
    world.passwords["nobody"] = "nobody-has-no-rights"
    world.kafka.add_users({"winback-nobody": world.passwords["nobody"]})
    return world


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("doctor", "this user may not do that (group)"),
        ("report", "(or this user may not see them: winback topics acls)"),
        ("feed {log} --quiet", "this user may not do that (cluster)"),
        ("topics acls --check", "this user may not do that (cluster)"),
        ("control", "(or this user may not see them: winback topics acls)"),
    ],
)
def test_a_command_says_what_is_missing(nobody: World, words: str, says: str) -> None:
    said = nobody.winback("nobody", *words.format(log=nobody.complaints()).split())
    assert said.code in {1, 2}
    assert says in said.words


def test_a_topic_that_is_hidden_is_told_from_one_that_is_not_there(nobody: World) -> None:
    """Asked by its name; in the list of all topics the one is missing as the other is."""
    names = ["user-activity", "no-such-topic"]
    seen = {role: asyncio.run(found_counts(nobody.cluster(role), names)) for role in ("", "nobody")}
    assert seen[""]["user-activity"] > 0
    assert seen[""]["no-such-topic"] == 0
    assert seen["nobody"] == dict.fromkeys(names, HIDDEN)


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        (ResourceType.GROUP, "winback", "this user may not do that (group)"),
        (ResourceType.TRANSACTIONAL_ID, "winback-users-", "Kafka refused, and would again"),
    ],
)
def test_a_worker_ends_with_a_word(world: World, kind: ResourceType, name: str, says: str) -> None:
    line = ACLFilter(
        "User:winback-pipeline", None, ACLOperation.ANY, ACLPermissionType.ANY,
        ResourcePatternFilter(kind, name, ACLResourcePatternType.ANY),
    )  # fmt: skip
    with super_user(world.kafka.plain) as client:
        client.delete_acls([line])
    clean = {each: text for each, text in os.environ.items() if not each.startswith("WINBACK_")}
    done = subprocess.run(
        [*WINBACK, "run", "--role", "pipeline"], env=clean | world.environ("pipeline"),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert says in done.stderr
    assert world.winback("", "topics", "acls", "--check").code == 1
    assert world.winback("", "topics", "acls", "--apply").code == 0
