"""Shapes: only what is read is decoded, and whatever else stands there leads nowhere."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.sources import Path
from streams.intake.shape import attribute, getter, struct_of

NAMES = ["a", "b", "count", "items", "$os", "_x", "x61", "class", "单价", "a b"]
STEPS = st.one_of(st.sampled_from(NAMES), st.integers(0, 2))
PATHS = st.lists(STEPS, min_size=1, max_size=4).map(tuple)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text("ab", max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)
RECORDS = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=5)


def walked(value: Any, path: Path) -> Any:
    """Return what a path leads to in plain JSON; None = nowhere."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
    return value


def plain(value: Any) -> Any:
    """Return a value of a shape without what is missing in it."""
    told = msgspec.to_builtins(value)
    return msgspec.json.decode(msgspec.json.encode(told))


@settings(max_examples=40)
@given(RECORDS, st.lists(PATHS.filter(lambda path: isinstance(path[0], str)), max_size=5))
def test_a_path_leads_in_a_shape_to_what_it_leads_to_in_the_record(
    record: dict[str, Any], paths: list[Path]
) -> None:
    read = msgspec.json.decode(msgspec.json.encode(record), type=struct_of("Record", {}, paths))
    longer = {path[:length] for path in paths for length in range(1, len(path))}
    for path in paths:
        found, expected = getter(path)(read), walked(record, path)
        if path in longer and isinstance(expected, dict | list):
            assert found is not None, "of an object that is read in parts: that it is there"
        else:
            assert plain(found) == expected


@given(st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=5))
def test_fields_of_two_names_are_never_kept_as_one(first: str, other: str) -> None:
    assert (attribute(first) == attribute(other)) == (first == other)
    assert attribute(first).isidentifier()


def test_the_envelope_has_the_types_of_its_format() -> None:
    kind = struct_of("Call", {"type": str, "source": {"table": str | None}}, [("type", "x")])
    assert kind.__annotations__["type"] is str
    call: Any = msgspec.json.decode(b'{"type": "track", "source": {"table": "t"}}', type=kind)
    assert (call.source.table, getter(("type", "x"))(call)) == ("t", None)


def test_what_is_missing_is_none() -> None:
    kind = struct_of("Call", {"type": str}, [("a", "b"), ("c", 0, "d"), ("c", 1, "e")])
    call: Any = msgspec.json.decode(b'{"c": [{"d": 1, "e": 2}, {"d": 3, "e": 4}]}', type=kind)
    assert (call.type, getter(("a", "b"))(call)) == (None, None)
    assert (getter(("c", 0, "d"))(call), getter(("c", 1, "e"))(call)) == (1, 4)
