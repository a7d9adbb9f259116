"""The catalogue of rights: the least for each role, said in several ways."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli import winback
from streams.core.rules_file import parse_rules
from streams.errors import UserError
from streams.runtime.acl_page import RULES, page
from streams.runtime.acls import Kind, Operation, Role, acls, principals, roles
from streams.runtime.topics import topics
from streams.settings import Settings

SOURCES = parse_rules(RULES).sources


def by_name(*channels: str, app_id: str = "winback") -> dict[str, Role]:
    return {role.name: role for role in roles(Settings(app_id=app_id), SOURCES, channels)}


def writers(topic: str) -> set[str]:
    return {
        name
        for name, role in by_name().items()
        for grant in role.grants
        if grant.kind is Kind.TOPIC and grant.name == topic and Operation.WRITE in grant.operations
    }


def test_who_writes_what() -> None:
    """Touches come from the pipeline alone; models from the learner, and from who carries over."""
    assert writers("win-back") == {"pipeline"}
    assert writers("churn-models") == {"learner", "migrator"}
    assert writers("winback-control") == {"operator"}
    assert writers("win-back-decisions") == {"pipeline", "eraser"}
    assert writers("user-activity") == {"router", "letters", "feeder", "eraser"}


def test_a_sender_sees_touches_and_nothing_else() -> None:
    role = by_name("sms", "wechat, call")["sender-call-wechat"]
    read = {grant.name for grant in role.grants if Operation.READ in grant.operations}
    assert read == {"win-back", "winback-sender-call-wechat"}
    assert not any(grant.is_prefix for grant in role.grants)


def test_who_only_looks_changes_nothing() -> None:
    changing = set(Operation) - {Operation.READ, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS}
    assert not {op for grant in by_name()["reader"].grants for op in grant.operations} & changing


def test_every_topic_has_who_makes_it_and_who_writes_it() -> None:
    made = {grant.name for grant in by_name()["init"].grants}
    for topic in topics(Settings()):
        assert topic.name in made
        assert topic.name == "win-back-feedback" or writers(topic.name)


def test_names_are_those_of_the_deployment() -> None:
    for role in by_name(app_id="shop").values():
        for grant in role.grants:
            if grant.kind is not Kind.TOPIC:
                assert grant.name.startswith("shop")


def test_without_routed_topics_there_is_no_router() -> None:
    assert "router" not in {role.name for role in roles(Settings())}


def test_nothing_is_granted_twice() -> None:
    made = tuple(by_name().values())
    lines = acls(made, principals(made, Settings(), {}))
    assert len(lines) == len(set(lines))


def test_the_page_is_current() -> None:
    docs = Path(__file__).parents[3] / "docs"
    assert (docs / "acls.md").read_text(encoding="utf-8") == page()


def said(*words: str) -> Result:
    return CliRunner().invoke(winback, ["topics", "acls", *words], standalone_mode=False)


def test_commands_name_principal_operations_and_pattern() -> None:
    lines = said("--role", "sender", "--principal", "sender=User:CN=o'hara").stdout.splitlines()
    assert lines[0].startswith("# sender:")
    assert lines[-1].endswith(
        "--add --allow-principal 'User:CN=o'\"'\"'hara' --operation Read "
        "--group winback-sender- --resource-pattern-type prefixed"
    )


def test_json_and_strimzi_say_the_same() -> None:
    (facts,) = json.loads(said("--role", "learner", "--json").stdout)
    assert facts["principal"] == "User:winback-learner"
    assert {"kind": "topic", "name": "churn-models", "operations": ["Read", "Write"],
            "pattern": "literal"} in facts["grants"]  # fmt: skip
    text = said("--role", "learner", "--strimzi").stdout
    assert "kind: KafkaUser" in text
    assert text.count("resource:") == len(facts["grants"])
    assert "type: transactionalId\n        name: winback-learner-models-\n" in text
    assert "name: winback-learner\n" in text
    assert "authentication:\n    type: scram-sha-512\n" in text


def test_strimzi_makes_the_common_name_of_a_certificate_by_itself() -> None:
    words = ("--role", "pipeline", "--principal", "pipeline=User:CN=winback-pipeline")
    text = said(*words, "--strimzi").stdout
    assert "metadata:\n  name: winback-pipeline\n" in text
    assert "authentication:\n    type: tls\n" in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--role", "sendr"], "no role sendr"),
        (["--principal", "sender"], "--principal sender cannot be"),
        (["--principal", "sender=ada"], "--principal sender=ada cannot be"),
        (["--principal", "nobody=User:a"], "--principal nobody=User:a cannot be"),
    ],
)
def test_what_cannot_be_is_said(words: list[str], says: str) -> None:
    error = said(*words).exception
    assert isinstance(error, UserError)
    assert says in error.message
