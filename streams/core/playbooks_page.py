"""The JSON Schema of playbooks, for editors: made from the types that the reader checks against."""

from typing import Any, Final

import msgspec

from streams.core.playbooks_schema import PlaybooksFile

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Return the schema of a file of playbooks: a mapping, or a bare list of playbooks."""
    (_, *_), parts = msgspec.json.schema_components([PlaybooksFile], ref_template="#/$defs/{name}")
    return {
        "$schema": DIALECT,
        "title": "winback playbooks",
        "description": "Journeys of win-back: for whom, and which touches in which order.",
        "anyOf": [
            {"$ref": "#/$defs/PlaybooksFile"},
            {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/PlaybookFile"}},
        ],
        "$defs": parts,
    }


def page() -> str:
    """Return the schema as the text of a file."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"
