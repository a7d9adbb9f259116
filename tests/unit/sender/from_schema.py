"""Values that a schema of the contract allows, for laws."""

import json
from functools import cache
from typing import Any

from hypothesis import strategies as st

from winback_sender.contract.schemas import Schema

INSTANTS = st.sampled_from(
    ["2017-06-01T01:00:00.000Z", "2026-02-28T23:59:59Z", "2017-06-01T09:00:00+08:00"]
)
TEXTS = st.text('a爱😀\u0000"\\ 1', max_size=30)


@cache
def of_kept(text: str) -> st.SearchStrategy[Any]:
    """Return what the schema in a file allows; made once, which takes longer than to draw."""
    root: Schema = json.loads(text)
    return allowed(root, root)


def allowed(  # noqa: C901, PLR0911  # one branch a keyword
    part: Schema, root: Schema
) -> st.SearchStrategy[Any]:
    """Return what a schema of the contract allows."""
    if "$ref" in part:
        return allowed(root["$defs"][part["$ref"].rpartition("/")[2]], root)
    if "const" in part:
        return st.just(part["const"])
    if "enum" in part:
        return st.sampled_from(part["enum"])
    if "anyOf" in part:
        return st.one_of(*(allowed(choice, root) for choice in part["anyOf"]))
    match part["type"]:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(part.get("minimum", -(1 << 40)), 1 << 42)
        case "number":
            low, high = part.get("minimum", -1e9), part.get("maximum", 1e9)
            return st.one_of(st.floats(low, high), st.sampled_from([low, high]))
        case "string" if part.get("format") == "date-time":
            return INSTANTS
        case "string":
            return TEXTS.filter(lambda text: len(text) >= part.get("minLength", 0))
        case "array":
            return st.lists(allowed(part["items"], root), max_size=2)
        case _:
            return _objects(part, root)


def _objects(part: Schema, root: Schema) -> st.SearchStrategy[Any]:
    if "properties" not in part:
        return st.dictionaries(TEXTS, allowed(part["additionalProperties"], root), max_size=2)
    fields = {name: allowed(field, root) for name, field in part["properties"].items()}
    must = {name: fields.pop(name) for name in part.get("required", ())}
    return st.fixed_dictionaries(must, optional={**fields, "x_own": st.integers()})
