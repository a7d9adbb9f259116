"""The examples of the specifications of Avro, Protobuf and the wire format of the registries."""

from typing import Any, Final, NamedTuple

AVRO: Final = "https://avro.apache.org/docs/1.12.0/specification/"
PROTOBUF: Final = "https://protobuf.dev/programming-guides/encoding/"
CONFLUENT: Final = (
    "https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/"
    "index.html#wire-format"
)
FOO: Final = '{"type": "enum", "name": "Foo", "symbols": ["A", "B", "C", "D"]}'
TEST: Final = (
    '{"type": "record", "name": "test", "fields": '
    '[{"name": "a", "type": "long"}, {"name": "b", "type": "string"}]}'
)
TESTS: Final = """
syntax = "proto2";
message Test1 { optional int32 a = 1; }
message Test2 { optional string b = 2; }
message Test3 { optional Test1 c = 3; }
message Test5 { repeated int32 f = 6 [packed=true]; }
message Outer { message First {} message Second { optional string b = 2; } }
"""


class Example(NamedTuple):
    """What a specification writes, and what it comes to here.

    Attributes:
        title: What it shows.
        address: Where it stands.
        kind: ``AVRO`` or ``PROTOBUF``.
        schema: Its text.
        body: What stands behind magic byte and schema id, in hex.
        value: As it arrives.
    """

    title: str
    address: str
    kind: str
    schema: str
    body: str
    value: Any


def _longs(*pairs: tuple[int, str]) -> tuple[Example, ...]:
    return tuple(
        Example(f"long {number}", f"{AVRO}#binary-encoding", "AVRO", '"long"', text, number)
        for number, text in pairs
    )


EXAMPLES: Final = (
    *_longs((0, "00"), (-1, "01"), (1, "02"), (-2, "03"), (2, "04"), (-64, "7f"), (64, "8001")),
    Example('string "foo"', f"{AVRO}#binary-encoding", "AVRO", '"string"', "06666f6f", "foo"),
    Example(
        "record", f"{AVRO}#complex-types", "AVRO", TEST, "3606666f6f", {"a": 27, "b": "foo"}
    ),
    Example("enum", f"{AVRO}#complex-types", "AVRO", FOO, "06", "D"),
    Example(
        "array", f"{AVRO}#complex-types", "AVRO", '{"type": "array", "items": "long"}',
        "04063600", [3, 27],
    ),
    Example("union, null", f"{AVRO}#complex-types", "AVRO", '["null", "string"]', "00", None),
    Example("union, text", f"{AVRO}#complex-types", "AVRO", '["null", "string"]', "020261", "a"),
    Example("simple message", f"{PROTOBUF}#simple", "PROTOBUF", TESTS, "00089601", {"a": 150}),
    Example(
        "string", f"{PROTOBUF}#length-types", "PROTOBUF", TESTS, "0202120774657374696e67",
        {"b": "testing"},
    ),
    Example(
        "message in a message", f"{PROTOBUF}#submessages", "PROTOBUF", TESTS, "02041a03089601",
        {"c": {"a": 150}},
    ),
    Example(
        "packed list", f"{PROTOBUF}#packed", "PROTOBUF", TESTS, "02063206038e029ea705",
        {"f": [3, 270, 86942]},
    ),
    Example("place [0], in short", CONFLUENT, "PROTOBUF", TESTS, "00", {"a": None}),
    Example("place [0], in full", CONFLUENT, "PROTOBUF", TESTS, "0200", {"a": None}),
    Example(
        "place of a message in another", CONFLUENT, "PROTOBUF", TESTS, "040802" "120161",
        {"b": "a"},
    ),
)  # fmt: skip


def table() -> str:
    """Return the table of the page."""
    return "\n".join(
        f"| [{example.kind.capitalize()}: {example.title}]({example.address}) | `{example.body}` "
        f"| `{example.value}` |"
        for example in EXAMPLES
    )


if __name__ == "__main__":
    print(table())  # noqa: T201 (for the page)
