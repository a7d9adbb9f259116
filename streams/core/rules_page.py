"""The JSON Schema of rules files, for editors: made from the types that the reader checks."""

from typing import Any, Final

import msgspec

from streams.core.playbooks_page import DIALECT
from streams.core.playbooks_schema import PlaybookFile
from streams.core.rules_schema import RulesFile

_TEMPLATE: Final = "#/$defs/{name}"


def schema() -> dict[str, Any]:
    """Return the schema of a rules file: a mapping, or nothing at all."""
    _, parts = msgspec.json.schema_components([RulesFile, PlaybookFile], ref_template=_TEMPLATE)
    path = {"type": "string", "minLength": 1}
    parts["RulesFile"]["properties"]["playbooks"] = {
        "description": "Files of playbooks, relative to this one, or the playbooks themselves.",
        "anyOf": [
            path,
            {"type": "array", "minItems": 1, "items": path},
            {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/PlaybookFile"}},
            {"type": "null"},
        ],
    }
    return {
        "$schema": DIALECT,
        "title": "winback rules",
        "description": "Every business number of a deployment, and what its topics mean.",
        "anyOf": [{"$ref": "#/$defs/RulesFile"}, {"type": "null"}],
        "$defs": parts,
    }


def page() -> str:
    """Return the schema as the text of a file."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"
