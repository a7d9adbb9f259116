"""JSON is parsed into what is read; nothing of it may stand twice."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.fact import UnreadableError
from streams.intake.wire.json_values import json_parse_as


class Item(msgspec.Struct):
    price: Any = None


class Properties(msgspec.Struct):
    total: Any = None
    items: list[Item] | None = None


class Record(msgspec.Struct, rename={"user": "userId"}):
    user: str = ""
    properties: Properties | str | float | None = None


parse = json_parse_as(Record)


def refused(value: bytes) -> tuple[str, str]:
    with pytest.raises(UnreadableError) as caught:
        parse(value)
    return caught.value.reason, str(caught.value)


def test_what_is_read_is_parsed_and_the_rest_is_skipped() -> None:
    value = b'{"userId":"ada","x":{"userId":1},"properties":{"total":3,"items":[{"price":1}]}}'

    assert parse(value) == Record("ada", Properties(3, [Item(1)]))


def test_what_a_registry_has_framed_is_read_behind_the_frame() -> None:
    assert parse(b'\0\0\0\0\x07{"userId":"ada"}') == Record("ada")
    assert refused(b"\0\0\0\0\x07")[0] == "not_decodable"
    assert refused(b'\0\0\0\0\x07{"userId":7}')[1].endswith("`$.userId`")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (b'{"userId":"a","userId":"b"}', "$.userId"),
        (b'{"userId":"a","userId":"a"}', "$.userId"),
        (b'{"userId":"a","user\\u0049d":"b"}', "$.userId"),
        (b'{"properties":{"total":1,"total":null}}', "$.properties.total"),
        (b'{"properties":{"total":1},"properties":{}}', "$.properties"),
        (b'{"properties":null,"properties":{}}', "$.properties"),
        (b'{"properties":{},"propert\\u0069es":{}}', "$.properties"),
        (
            b'{"properties":{"items":[{"price":1},{"price":1,"price":2}]}}',
            "$.properties.items[...].price",
        ),
    ],
)
def test_a_field_that_is_read_and_stands_twice_is_refused(value: bytes, path: str) -> None:
    reason, what = refused(value)

    assert reason == "duplicate_key"
    assert f"`{path}`" in what


@pytest.mark.parametrize(
    "value",
    [
        b'{"x":1,"x":2}',
        b'{"properties":{"x":{"total":1,"total":2},"total":3}}',
        b'{"userId":"\\"userId\\":","properties":"properties"}',
        b'{"x":{"properties":1},"y":{"properties":2}}',
        b'{"properties":{"items":[{"price":1},{"price":2}]}}',
        '{"userId":"\\u4f60","x":"好"}'.encode(),
    ],
)
def test_what_is_not_read_and_what_stands_in_other_objects_is_let_be(value: bytes) -> None:
    assert isinstance(parse(value), Record)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (b"", "truncated"),
        (b"[]", "got `array` - at `$`"),
        (b'{"userId":7}', "got `int` - at `$.userId`"),
        (b'{"userId":"\xff"}', "utf-8"),
        (b'{"x":' + b"[" * 100_000, "too deep"),
        (b'{"userId":"a"} b', "trailing"),
    ],
)
def test_what_cannot_be_read_says_where(value: bytes, what: str) -> None:
    reason, said = refused(value)

    assert reason == "not_decodable"
    assert what in said


class Pairs:
    """An object as it is written: keys may stand twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs


keys = st.sampled_from(["userId", "properties", "total", "items", "price", "x"])
trees = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(st.tuples(keys, inner), max_size=4).map(Pairs)
    ),
    max_leaves=12,
)


def written(tree: Any) -> str:
    if isinstance(tree, Pairs):
        return "{" + ", ".join(f"{json.dumps(k)} : {written(v)}" for k, v in tree.pairs) + "}"
    if isinstance(tree, list):
        return "[" + ",".join(map(written, tree)) + "]"
    return json.dumps(tree)


def stands_twice(tree: Any, read: Any) -> bool:
    """The slow twin: whether a key of what is read stands twice, last values followed."""
    if isinstance(tree, list):
        return isinstance(read, list) and any(stands_twice(item, read[0]) for item in tree)
    if not isinstance(tree, Pairs) or not isinstance(read, dict):
        return False
    names = [name for name, _ in tree.pairs]
    return any(names.count(name) > 1 for name in read) or any(
        stands_twice(value, read[name]) for name, value in tree.pairs if name in read
    )


READ = {"userId": None, "properties": {"total": None, "items": [{"price": None}]}}
Loose = msgspec.defstruct(
    "Loose",
    [
        ("userId", Any, None),
        (
            "properties",
            msgspec.defstruct(
                "Inner",
                [
                    ("total", Any, None),
                    (
                        "items",
                        list[msgspec.defstruct("Leaf", [("price", Any, None)]) | str | int | None]  # type: ignore[misc]
                        | dict[str, Any]
                        | str
                        | int
                        | None,
                        None,
                    ),
                ],
            )
            | list[Any]
            | str
            | int
            | None,
            None,
        ),
    ],
)
parse_loose = json_parse_as(Loose)


@given(st.lists(st.tuples(keys, trees), max_size=4).map(Pairs))
def test_exactly_the_fields_that_are_read_may_not_stand_twice(tree: Pairs) -> None:
    try:
        parse_loose(written(tree).encode())
        is_refused = False
    except UnreadableError as error:
        if error.reason != "duplicate_key":
            return
        is_refused = True

    assert is_refused == stands_twice(tree, READ)


@given(st.binary(max_size=60) | trees.map(lambda tree: written(tree).encode()))
def test_no_bytes_raise_anything_else(value: bytes) -> None:
    try:
        assert isinstance(parse(value), Record)
    except UnreadableError:
        return
