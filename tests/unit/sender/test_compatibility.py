"""What a schema may become: nobody who reads or writes today is left behind."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from winback_sender.contract.compatibility import fields, refusals, unread
from winback_sender.contract.schemas import CONTRACTS, schema

Schema = dict[str, Any]

NUMBER, TEXT, OBJECT = {"type": "number"}, {"type": "string"}, {"type": "object"}
OLD: Schema = {
    "type": "object",
    "properties": {
        "id": TEXT,
        "status": TEXT | {"enum": ["sent", "failed"]},
        "share": NUMBER | {"minimum": 0, "maximum": 1},
        "rank": {"anyOf": [NUMBER, {"type": "null"}]},
        "at": TEXT | {"format": "date-time"},
        "note": TEXT | {"default": ""},
        "user": {"$ref": "#/$defs/User"},
        "reasons": {"type": "array", "items": {"$ref": "#/$defs/Reason"}},
        "params": OBJECT | {"additionalProperties": TEXT},
    },
    "required": ["id", "status", "share", "rank", "at", "user", "reasons", "params"],
    "$defs": {
        "User": OBJECT | {"properties": {"tier": TEXT}, "required": ["tier"]},
        "Reason": OBJECT | {"properties": {"code": TEXT}},
    },
}


def having(name: str, field: Schema, *, must: bool | None = None) -> Schema:
    """Return the old schema with one field changed or new; None leaves whether it must be there."""
    required = [key for key in OLD["required"] if key != name]
    required += [name] * (name in OLD["required"] if must is None else must)
    return OLD | {"properties": OLD["properties"] | {name: field}, "required": required}


def without(name: str) -> Schema:
    properties = {key: field for key, field in OLD["properties"].items() if key != name}
    required = [key for key in OLD["required"] if key != name]
    return OLD | {"properties": properties, "required": required}


def with_part(name: str, **properties: Schema) -> Schema:
    """Return the old schema with other fields in a part."""
    part = OLD["$defs"][name] | {"properties": properties}
    return OLD | {"$defs": OLD["$defs"] | {name: part}}


RENAMED = without("note")
RENAMED["properties"]["remark"] = TEXT

ALLOWED_TO_ALL = {
    "nothing changes": OLD,
    "a new field that may be missing": having("colour", TEXT, must=False),
    "a new field of a part": with_part("User", tier=TEXT, city=TEXT),
    "other words on a field": having("id", TEXT | {"description": "which"}),
}
ALLOWED_TO_FEEDBACK = {
    "a field may be left out": having("rank", OLD["properties"]["rank"], must=False),
    "a new word": having("status", TEXT | {"enum": ["sent", "failed", "read"]}),
    "a wider bound": having("share", NUMBER | {"minimum": -1, "maximum": 1}),
    "no bound": having("share", NUMBER),
    "one more type": having("id", {"anyOf": [TEXT, {"type": "integer"}]}),
    "any text where an instant was": having("at", TEXT),
}
REFUSED = {
    "rank is gone": without("rank"),
    "note is gone": without("note"),
    "note is gone; a field never goes": RENAMED,
    "reasons[].code is gone": with_part("Reason"),
    "colour may be missing": having("colour", TEXT, must=True),
    "note may be missing": having("note", TEXT | {"default": ""}, must=True),
    "id may be string, not only integer": having("id", {"type": "integer"}),
    "share may be number, not only integer": having("share", {"type": "integer"}),
    "rank may be null, not only number": having("rank", NUMBER),
    "status may be failed": having("status", {"enum": ["sent"]}),
    "id may be any value": having("id", TEXT | {"const": "a"}),
    "share may lie beyond maximum 0.5": having("share", NUMBER | {"minimum": 0, "maximum": 0.5}),
    "id may lie beyond maxLength 9": having("id", TEXT | {"maxLength": 9}),
    "id need not be a uuid": having("id", TEXT | {"format": "uuid"}),
    "id: pattern cannot be judged": having("id", TEXT | {"pattern": "^t"}),
    "id: not cannot be judged": having("id", TEXT | {"not": {"const": "a"}}),
    "share: anyOf beside": having("share", NUMBER | {"anyOf": [NUMBER]}),
    "* is not expected": OLD | {"additionalProperties": False},
    "reasons[] may be object": having("reasons", {"type": "array", "items": TEXT}),
    "params.* may be string": having("params", OBJECT | {"additionalProperties": NUMBER}),
    "params.url may be string": having(
        "params", OLD["properties"]["params"] | {"properties": {"url": NUMBER}}
    ),
    "note: its default has changed": having("note", TEXT | {"default": "-"}),
}
"""What is said to the change."""


@pytest.mark.parametrize("name", ALLOWED_TO_ALL)
def test_what_harms_nobody_is_allowed(name: str) -> None:
    assert refusals(OLD, ALLOWED_TO_ALL[name], is_ours=True) == []
    assert refusals(OLD, ALLOWED_TO_ALL[name], is_ours=False) == []


@pytest.mark.parametrize("name", ALLOWED_TO_FEEDBACK)
def test_what_only_asks_less_of_writers_is_allowed_where_we_read(name: str) -> None:
    """Of what we write it is refused: those who read it have not learned it."""
    assert refusals(OLD, ALLOWED_TO_FEEDBACK[name], is_ours=False) == []
    assert refusals(OLD, ALLOWED_TO_FEEDBACK[name], is_ours=True) != []


@pytest.mark.parametrize("why", REFUSED)
def test_what_leaves_somebody_behind_is_refused_and_named(why: str) -> None:
    for is_ours in (True, False):
        told = refusals(OLD, REFUSED[why], is_ours=is_ours)
        assert any(why in line for line in told), told


def test_a_schema_is_read_by_itself() -> None:
    for kind in CONTRACTS:
        assert refusals(schema(kind), schema(kind), is_ours=True) == []


def test_fields_are_told_with_what_they_may_hold() -> None:
    told = fields(OLD)
    assert told["share"].holds == "number, minimum 0, maximum 1"
    assert told["note"].holds == "string; optional"
    assert told["rank"].holds == "number or null"
    assert told["reasons[].code"].holds == "string; optional"
    assert fields(schema("feedback"))["user_id"].means == "Whose; also the key of the record."


NAMES = st.sampled_from(["a", "b", "c"])
LEAVES = st.one_of(
    st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "number", "null"])}),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["number", "integer"])},
        optional={"minimum": st.integers(-2, 2), "maximum": st.integers(-2, 2)},
    ),
    st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={"minLength": st.integers(0, 2), "maxLength": st.integers(0, 2)},
    ),
    st.fixed_dictionaries({"enum": st.lists(st.sampled_from("xyz"), min_size=1, unique=True)}),
    st.just({}),
)


def objects(parts: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    more = st.one_of(st.none(), st.just(value=False), parts)
    return st.builds(
        lambda properties, required, more: {
            "type": "object",
            "properties": properties,
            "required": sorted(required & properties.keys()),
            **({} if more is None else {"additionalProperties": more}),
        },
        st.dictionaries(NAMES, parts, max_size=3), st.sets(NAMES), more,
    )  # fmt: skip


SCHEMAS = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        objects(parts),
        st.builds(lambda part: {"type": "array", "items": part}, parts),
        st.builds(lambda some: {"anyOf": some}, st.lists(parts, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)
ANYTHING = st.one_of(
    st.none(), st.integers(-3, 3), st.sampled_from([0.5, -1.5, "", "x", "yy", "zzz", (), {}])
)


def values(part: Schema) -> st.SearchStrategy[Any]:
    """Return values that a writer may write: it names its own fields with x_; not all are valid."""
    if "anyOf" in part:
        return st.sampled_from(part["anyOf"]).flatmap(
            lambda choice: values(choice).filter(Draft202012Validator(choice).is_valid)
        )
    if part.get("type") == "array":
        return st.lists(values(part["items"]), max_size=2)
    if part.get("type") != "object":
        return ANYTHING
    known = {name: values(field) for name, field in part["properties"].items()}
    more = part.get("additionalProperties", {})
    own = st.dictionaries(
        NAMES if "additionalProperties" in part else st.just("x_own"),
        ANYTHING if more is False else values(more),
        max_size=1,
    )
    fields_of_it = st.fixed_dictionaries(
        {name: known.pop(name) for name in part["required"]}, optional=known
    )
    return st.builds(lambda mine, its: mine | its, own, fields_of_it)


@st.composite
def changes(draw: st.DrawFn, part: Schema) -> Schema:
    """Return a schema that is like another one but for a place or two."""
    if "anyOf" in part:
        some = [draw(changes(choice)) for choice in part["anyOf"]]
        return {"anyOf": some + draw(st.lists(LEAVES, max_size=1))}
    if part.get("type") == "array":
        return part | {"items": draw(changes(part["items"]))}
    if part.get("type") != "object" or not part["properties"]:
        return part if draw(st.booleans()) else draw(LEAVES)
    name = draw(st.sampled_from(sorted(part["properties"])))
    properties = part["properties"] | {name: draw(changes(part["properties"][name]))}
    properties |= draw(st.dictionaries(NAMES, LEAVES, max_size=1))
    required = [key for key in part["required"] if draw(st.booleans())]
    return part | {"properties": properties, "required": required}


@given(st.data(), SCHEMAS)
def test_what_is_said_to_be_readable_is_readable(data: st.DataObject, writer: Schema) -> None:
    """The judge is another validator, which knows nothing of our question."""
    reader = data.draw(changes(writer), "reader")
    written = data.draw(values(writer), "written")
    if unread(reader, writer) == [] and Draft202012Validator(writer).is_valid(written):
        assert Draft202012Validator(reader).is_valid(written)


@given(SCHEMAS)
def test_every_schema_reads_itself(part: Schema) -> None:
    assert unread(part, part) == []
