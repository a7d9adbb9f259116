"""The AsyncAPI document is what the code says; the official parser reads it in `make contracts`."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from jsonschema import Draft7Validator

from streams.core import messages
from streams.core.messages import Decision
from streams.runtime.asyncapi import DEAD_LETTER, DECISIONS, document, page
from streams.runtime.topics import topics
from streams.settings import Settings
from winback_sender.contract.messages import cloud_event
from winback_sender.contract.schemas import CONTRACTS

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "deploy/asyncapi.yaml").read_text(encoding="utf-8")
FILE: dict[str, Any] = yaml.safe_load(TEXT)
MESSAGES: dict[str, Any] = FILE["components"]["messages"]
EXAMPLES = [(kind, each) for kind, said in MESSAGES.items() for each in said.get("examples", ())]


def test_the_file_is_what_the_code_says() -> None:
    assert page() == TEXT, "`make docs` writes it"


def valid(part: dict[str, Any], value: object) -> bool:
    """Whether a value is of a schema of the document: those are of draft 7, with its parts."""
    return Draft7Validator(part | {"components": FILE["components"]}).is_valid(value)


@pytest.mark.parametrize(("kind", "example"), EXAMPLES)
def test_the_examples_are_of_their_schemas(kind: str, example: dict[str, Any]) -> None:
    """The official parser does not look at the examples of AsyncAPI 3."""
    headers = MESSAGES[kind]["headers"]
    assert valid(headers, example["headers"])
    assert not valid(headers, example["headers"] | {next(iter(headers["properties"])): 1})
    if "payload" in example:
        assert valid(MESSAGES[kind]["payload"], example["payload"])
        assert not valid(MESSAGES[kind]["payload"], example["payload"] | {"user_id": 900})


def test_a_record_of_a_decision_carries_the_headers_that_are_stated() -> None:
    headers = cloud_event("decision", "c-1", "/winback", "2017-06-01T01:00:00.000Z", "900")
    stated = MESSAGES["decision"]["headers"]
    assert valid(stated, {name: value.decode() for name, value in headers})
    assert FILE["components"]["schemas"]["Decision"]["properties"].keys() == {
        "type", *Decision.__struct_fields__,
    }  # fmt: skip


def test_every_message_of_the_service_that_names_its_kind_is_in_it() -> None:
    tags = {
        struct.__struct_config__.tag
        for struct in vars(messages).values()
        if isinstance(struct, type) and issubclass(struct, msgspec.Struct)
    }
    assert set(DECISIONS) == tags - {None}
    assert MESSAGES.keys() == {*CONTRACTS, *DECISIONS, DEAD_LETTER}


def test_every_topic_that_others_use_is_in_it_under_the_name_of_the_settings() -> None:
    """The activity is described where its formats are."""
    settings = Settings(topic_touches="t", topic_feedback="f", topic_decisions="d")
    said = document(settings)
    outside = {topic.name for topic in topics(settings) if not topic.why.startswith("internal")} - {
        settings.topic_activity
    }
    assert set(said["channels"]) == outside
    assert said["operations"]["receive-f"]["action"] == "receive"
    assert json.dumps(said).count('"action": "receive"') == 1
