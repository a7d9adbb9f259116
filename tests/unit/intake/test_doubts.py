"""Which values of a chunk may have a key twice: none that has is passed over."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.intake.wire.doubts import SLICE_BYTES, make_doubtful

NAMES = ("id", "event", "messageId", "用户", "a_name_that_is_rather_long")
FIELDS = st.sampled_from([*NAMES, "x", "not_read", "anotherId"])
BRACES = st.sampled_from(["{", "}", ":{", "},", '":{', 'x":{', "\\:{", ": [{", '"}', "|"])
SIMPLE = st.none() | st.booleans() | st.integers() | st.text() | FIELDS | BRACES
VALUES = st.recursive(
    SIMPLE,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(FIELDS, inner), max_size=4),
    max_leaves=8,
)


def written(value: Any, separators: tuple[str, str], *, escaped: bool) -> str:
    """Return JSON; a list of pairs is an object whose keys may stand there twice."""
    comma, colon = separators
    if isinstance(value, list) and value and all(isinstance(part, tuple) for part in value):
        parts = (
            json.dumps(name, ensure_ascii=escaped) + colon
            + written(part, separators, escaped=escaped)
            for name, part in value
        )  # fmt: skip
        return "{" + comma.join(parts) + "}"
    if isinstance(value, list):
        inner = (written(part, separators, escaped=escaped) for part in value)
        return "[" + comma.join(inner) + "]"
    return json.dumps(value, ensure_ascii=escaped)


def has_twice(text: str) -> bool:
    """Whether a name is a key twice in one object, found out one object after the other."""
    found = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        keys = [name for name, _ in pairs if name in NAMES]
        found.append(len(set(keys)) < len(keys))

    json.loads(text, object_pairs_hook=look)
    return any(found)


@given(
    st.lists(VALUES, max_size=6),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:\r\n")]),
    st.booleans(),
)
def test_no_key_that_stands_twice_is_passed_over(
    values: list[Any],
    separators: tuple[str, str],
    escaped: bool,  # noqa: FBT001
) -> None:
    texts = [written(value, separators, escaped=escaped) for value in values]
    doubtful = make_doubtful(NAMES)([text.encode() for text in texts])
    assert {place for place, text in enumerate(texts) if has_twice(text)} <= set(doubtful)


def test_a_name_may_stand_in_several_objects() -> None:
    row = b'{"before":{"id":"{"},"after":{"id":1,"x":[{"id":2}]},"id": "}"}'
    clear = b'{"before":{"id":1},"after": {"id":1,"x":[{"id":2}]},"id":3}'
    again = b'{"before":{"id":1},"after":{"id":1,"event":{},"id":2},"id":3}'
    assert make_doubtful(NAMES)([clear, row, clear, again, clear]) == [1, 3]


def test_what_may_hide_something_is_doubted_where_it_stands_once() -> None:
    hiding = make_doubtful(["id", "packed"], ["packed"])
    assert hiding([b'{"id":"packed"}', b'{"id":1,"packed":"e30="}']) == [1]


def test_what_is_as_always_is_not_doubted() -> None:
    usual = b'{"id":"e1","event":"id","messageId":"event","more":{"x":[1,2,{"x":1}],"y":"\\n"}}'
    assert make_doubtful(NAMES)([usual, None, b"", usual] * 500) == []


def test_places_are_those_of_the_chunk() -> None:
    values: list[bytes | None] = [b'{"id":"a"}'] * SLICE_BYTES
    values[1] = values[SLICE_BYTES // 2] = b'{"id":"a","id":"b"}'
    assert make_doubtful(NAMES)(values) == [1, SLICE_BYTES // 2]
