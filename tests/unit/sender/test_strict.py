"""The walker of types finds something exactly where the converter would refuse."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from winback_sender.documents.faults import Fault
from winback_sender.documents.strict import converted, faults_in


class Leaf(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1)]
    share: Annotated[float, Meta(ge=0.0, le=1.0)] | None = None
    word: Literal["a", "b"] = "a"


class Tree(msgspec.Struct, forbid_unknown_fields=True):
    leaves: Annotated[list[Leaf], Meta(max_length=2)]
    named: Annotated[dict[str, Leaf], Meta(max_length=1)] = {}
    pair: tuple[int, ...] = ()
    either: str | list[str] = ""
    part: str | Leaf | None = None
    begin: Any = msgspec.field(name="from", default=None)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({}, Fault((), "missing required field `leaves`")),
        ({"leaves": 1}, Fault(("leaves",), "Expected `array`, got `int`")),
        ({"leaves": [{"name": ""}]}, Fault(("leaves", 0, "name"), "Expected `str` of length >= 1")),
        ({"leaves": [{"name": "x"}] * 3}, Fault(("leaves",), "Expected `array` of length <= 2")),
        (
            {"leaves": [], "named": {"x": {"name": "x", "wrod": "a"}}},
            Fault(
                ("named", "x", "wrod"),
                "unknown field `wrod`",
                "did you mean 'word'?",
                is_of_name=True,
            ),
        ),
        (
            {"leaves": [{"name": "x", "share": 2}]},
            Fault(("leaves", 0, "share"), "Expected `float` <= 1.0"),
        ),
        (
            {"leaves": [{"name": "x", "word": "c"}]},
            Fault(("leaves", 0, "word"), "'c' is unknown", "there are: a, b"),
        ),
        (
            {"leaves": [], "named": {"x": {"name": "x"}, "y": {"name": "y"}}},
            Fault(("named",), "Expected `object` of length <= 1"),
        ),
        ({"leaves": [], "pair": [1, "x"]}, Fault(("pair", 1), "Expected `int`, got `str`")),
        ({"leaves": [], "either": [1]}, Fault(("either",), "Expected `str`, got `int` (at $[0])")),
        (
            {"leaves": [], "part": {"name": "x", "wrod": "a"}},
            Fault(
                ("part", "wrod"), "unknown field `wrod`", "did you mean 'word'?", is_of_name=True
            ),
        ),
        (
            {"leaves": [], "part": True},
            Fault(
                ("part",),
                "Expected `str | object`, got `bool`",
                "write it in quotes, as you would yes, no, on and off: YAML takes them for others",
            ),
        ),
        (None, Fault((), "Expected `object`, got `null`")),
    ],
)
def test_a_fault_says_where_and_what(value: object, fault: Fault) -> None:
    assert list(faults_in(value, Tree)) == [fault]


scalars = st.none() | st.integers(-2, 2) | st.floats(-1, 2) | st.sampled_from(["", "a", "c"])
names = st.sampled_from(
    ["name", "share", "word", "leaves", "named", "pair", "either", "from", "part", "x"]
)
values = st.recursive(
    scalars,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(names, parts, max_size=4),
    max_leaves=12,
)
leaves = st.fixed_dictionaries(
    {"name": st.sampled_from(["x", "", 1])},
    optional={"share": st.sampled_from([0, 0.5, 2, None]), "word": st.sampled_from(["a", "c"])},
)
likely = st.fixed_dictionaries(
    {"leaves": st.lists(leaves, max_size=3)},
    optional={
        "named": st.dictionaries(names, leaves, max_size=2),
        "either": values,
        "part": leaves | values,
    },
)


@given(values | likely)
def test_faults_are_found_exactly_where_the_converter_refuses(value: object) -> None:
    try:
        expected = msgspec.convert(value, Tree)
    except msgspec.ValidationError:
        expected = None
    found, faults = converted(value, Tree)
    assert found == expected
    assert bool(faults) == (expected is None)
    assert bool(list(faults_in(value, Tree))) == (expected is None)
