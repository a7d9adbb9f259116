"""The examples of the specifications of Avro and Protobuf are read as they say."""

import re
from pathlib import Path

import pytest

from streams.core.rules_file import parse_rules
from streams.core.sources import Encoding
from streams.intake.wire.catalogue import parse_as_of
from streams.intake.wire.schemas import Schema, Schemas
from tests.unit.intake import spec_wire
from tests.unit.intake.spec_wire import EXAMPLES, Example

PROTOBUF = Schemas()
PROTOBUF.learn(7, Schema("PROTOBUF", spec_wire.TESTS))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_an_example_is_read_as_its_specification_says(example: Example) -> None:
    schemas = PROTOBUF
    if example.kind == "AVRO":
        schemas = Schemas()
        schemas.learn(7, Schema("AVRO", example.schema))
    parse = parse_as_of(Encoding(example.kind.lower()), schemas)(object)

    assert parse(b"\0\0\0\0\x07" + bytes.fromhex(example.body)) == example.value


def test_the_page_lists_the_examples() -> None:
    assert spec_wire.table() in Path("docs/formats/avro-protobuf.md").read_text(encoding="utf-8")


def test_the_rules_of_the_page_are_rules() -> None:
    text = Path("docs/formats/avro-protobuf.md").read_text(encoding="utf-8")
    (rules,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)

    assert parse_rules(rules).sources[0].encoding is Encoding.AVRO
