"""Lines of Python that are written for a schema: nothing that a registry says is ever run."""

import ast
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.intake.fact import UnreadableError
from streams.intake.shape import struct_of
from streams.intake.wire import avro_code
from streams.intake.wire.avro import avro_parse_as
from streams.intake.wire.schemas import Schema, Schemas

OURS = re.compile(r"[bdepv]|[a-z]\d+|_|read|more|length|bad|float|double|range|len|append|decode")
SAID = {"a branch that the union does not have", "too many items", "nested deeper than 250"}
"""All texts of the lines: what is said of bytes that do not fit."""
TEXTS = st.text(min_size=1) | st.sampled_from(
    [
        "x",
        "x'}\n\traise SystemExit\n#",
        '"\\',
        "'+__import__('os').getcwd()+'",
        "a\u2028b",
        "\ud800",
    ]
)


def schema_of(name: str, of: str) -> dict[str, Any]:
    """Return a schema in which a name stands wherever one may, and one of every kind."""
    simple = ["null", "int", "string", "double", "boolean", "bytes"]
    inner = {"type": "record", "name": of, "fields": [{"name": name, "type": simple}]}
    kinds = [
        inner, {"type": "array", "items": of}, {"type": "map", "values": ["null", of]},
        {"type": "fixed", "name": "F", "size": 3, "doc": name}, ["null", "long"],
        {"type": "enum", "name": "E", "symbols": ["A"], "doc": name},
    ]  # fmt: skip
    fields = [{"name": f"{name}{place}", "type": kind} for place, kind in enumerate(kinds)]
    return {"type": "record", "name": "R", "doc": name, "fields": fields}


@settings(max_examples=40)
@given(TEXTS, st.just("Inner") | TEXTS)
def test_no_text_of_a_schema_becomes_a_part_of_the_lines(name: str, of: str) -> None:
    known, written = Schemas(), list[str]()
    known.learn(7, Schema("AVRO", json.dumps(schema_of(name, of))))

    def watched(lines: str, *arguments: Any) -> Any:
        written.append(lines)
        return compile(lines, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(avro_code, "compile", watched, raising=False)
        for shape in (object, struct_of("Some", {}, [("x0", "x"), ("y",)])):
            with pytest.raises(UnreadableError):
                avro_parse_as(known)(shape)(b"\0\0\0\0\7")

    for part in (part for lines in written for part in ast.walk(ast.parse(lines))):
        match part:
            case ast.Name(found) | ast.FunctionDef(name=found) | ast.Attribute(attr=found):
                assert OURS.fullmatch(found), found
            case ast.Constant(value):
                assert value is None or isinstance(value, int) or value in SAID
            case _:
                assert not isinstance(part, ast.Import | ast.ImportFrom | ast.Raise | ast.Await)
    assert len(written) == 2 or of != "Inner"
