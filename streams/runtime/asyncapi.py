"""The AsyncAPI document: topics, headers and messages for tools, made from types and catalogues.

Source:
    AsyncAPI 3.0.0; its Kafka bindings 0.5.0; CloudEvents 1.0.2, Kafka Protocol Binding, §3.2.
"""

import importlib.metadata
import sys
from typing import Any, Final

import msgspec
import yaml

from streams.core.messages import (
    BudgetStatus,
    Decision,
    Episode,
    IdentityMerged,
    LinkRefused,
    RiskChanged,
    TouchUnaccepted,
)
from streams.runtime.topics import Topic, topics
from streams.settings import Settings
from winback_sender.contract.dead_letters import dead_letter
from winback_sender.contract.messages import Headers, cloud_event
from winback_sender.contract.schemas import CONTRACTS, components
from winback_sender.contract.versions import HEADER, dataschema
from winback_sender.schema_files import examples

Part = dict[str, Any]

BINDING: Final = "0.5.0"
DECISIONS: Final[dict[str, type[msgspec.Struct]]] = {
    "decision": Decision,
    "risk.changed": RiskChanged,
    "episode": Episode,
    "touch.unaccepted": TouchUnaccepted,
    "identity.refused": LinkRefused,
    "identity.merged": IdentityMerged,
    "budget.status": BudgetStatus,
}
DEAD_LETTER: Final = "dead.letter"
HEADERS: Final = {
    "ce_specversion": "Version of CloudEvents.",
    "ce_type": "Kind of the message.",
    HEADER: "Which version of the message; a reader that does not know it must not guess.",
    "ce_id": "The same for a repeated record.",
    "ce_source": "Who wrote it.",
    "ce_time": "Event time of what it says, ISO 8601.",
    "ce_subject": "Whom it is about: the user id; of budget.status the partition.",
    "content-type": "Of the value.",
}
KEYS: Final = dict.fromkeys(
    DECISIONS,
    "The `ce_id`: each record has a key of its own, so that it alone can be erased. It stands on "
    "the partition of the user, whom `ce_subject` names. One without a value is of an erased user.",
)
ADVICE: Final = (
    "Read with isolation.level=read_committed: winback writes in transactions, and what was taken "
    "back must not be sent. Write with the murmur2 partitioner, as the Java client does."
)


def document(settings: Settings) -> Part:
    """Return the document for topics of these settings."""
    carried = {
        settings.topic_touches: [kind for kind in CONTRACTS if kind != "feedback"],
        settings.topic_feedback: ["feedback"],
        settings.topic_decisions: list(DECISIONS),
        settings.topic_dead_letters: [DEAD_LETTER],
    }
    types = CONTRACTS | DECISIONS
    known = {topic.name: topic for topic in topics(settings)}
    return {
        "asyncapi": "3.0.0",
        "id": "urn:winback",
        "info": {
            "title": "winback",
            "version": importlib.metadata.version("winback"),
            "description": "Whom to contact before they leave, and what became of it. The names of "
            "topics are settings; these are the defaults.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {"host": "localhost:9092", "protocol": "kafka", "description": ADVICE}
        },
        "channels": {name: _channel(known[name], kinds) for name, kinds in carried.items()},
        "operations": {
            f"{'receive' if name == settings.topic_feedback else 'send'}-{name}": {
                "action": "receive" if name == settings.topic_feedback else "send",
                "channel": {"$ref": f"#/channels/{name}"},
                "summary": known[name].why,
            }
            for name in carried
        },
        "components": {
            "messages": {
                **{kind: _message(kind, struct) for kind, struct in types.items()},
                DEAD_LETTER: _dead_letter(),
            },
            "schemas": components(list(types.values()), "#/components/schemas/"),
        },
    }


def page() -> str:
    """Return the document of the default settings as the text of a file."""
    head = "# Written by `make docs` from the types of the messages. Do not edit.\n"
    body: str = yaml.safe_dump(document(Settings()), allow_unicode=True, sort_keys=False, width=100)
    return head + body


def _channel(topic: Topic, kinds: list[str]) -> Part:
    return {
        "address": topic.name,
        "description": topic.why,
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in kinds},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": topic.configs["cleanup.policy"].split(","),
                    "retention.ms": int(topic.configs["retention.ms"]),
                },
                "bindingVersion": BINDING,
            }
        },
    }


def _message(kind: str, struct: type[msgspec.Struct]) -> Part:
    stated = cloud_event(kind, f"{kind}-1", "/winback", "2017-06-01T01:00:00.000Z", "900")
    said: Part = {
        "name": kind,
        "title": struct.__name__,
        "summary": (struct.__doc__ or "").partition("\n")[0],
        "contentType": "application/json",
        "headers": _headers(stated, HEADERS, {"ce_specversion", "ce_type", HEADER, "content-type"}),
        "payload": {"$ref": f"#/components/schemas/{struct.__name__}"},
        "bindings": _key(KEYS.get(kind, "The user id, UTF-8.")),
    }
    if kind != "feedback":  # Whoever answers may leave them out.
        said["headers"]["required"] = [name for name, _ in stated if name != HEADER]
    assert said["headers"]["properties"][HEADER]["const"] == dataschema(kind)
    if kind in CONTRACTS:
        said["examples"] = [
            {
                "name": name,
                "headers": {header: value.decode() for header, value in stated},
                "payload": msgspec.json.decode(text),
            }
            for name, text in examples(kind).items()
        ]
    return said


def _dead_letter() -> Part:
    stated = dead_letter(
        "not_decodable", "JSON is malformed", topic="win-back-feedback", partition=2, offset=7,
        key=b"900", value=b"{", timestamp_ms=1_496_278_800_000,
    ).headers  # fmt: skip
    return {
        "name": DEAD_LETTER,
        "title": "DeadLetter",
        "summary": "A record that could not be understood, as it came.",
        "contentType": "application/octet-stream",
        "headers": _headers(stated, {}, set()),
        "bindings": _key("As it came."),
        "examples": [{"headers": {header: value.decode() for header, value in stated}}],
    }


def _headers(stated: Headers, meanings: dict[str, str], fixed: set[str]) -> Part:
    """Return the schema of headers, made from those that a record carries.

    Args:
        stated: The headers of one record.
        meanings: Description of each.
        fixed: Those that are the same on every record of the kind.
    """
    properties: dict[str, Part] = {}
    for name, value in stated:
        part = properties[name] = {"type": "string"}
        if name in meanings:
            part["description"] = meanings[name]
        if name in fixed:
            part["const"] = value.decode()
    return {"type": "object", "properties": properties}


def _key(description: str) -> Part:
    return {
        "kafka": {
            "key": {"type": "string", "description": description},
            "bindingVersion": BINDING,
        }
    }


if __name__ == "__main__":
    sys.stdout.write(page())
