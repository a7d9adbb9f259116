"""JSON Schemas of the messages, made from their types: what is said twice is said by one."""

import inspect
import re
from typing import Any, Final

import msgspec

from winback_sender.contract.messages import (
    CaseClosed,
    Feedback,
    TouchRequested,
    TouchRevoked,
    UserErased,
)
from winback_sender.contract.versions import dataschema

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

CONTRACTS: Final[dict[str, type[msgspec.Struct]]] = {
    "touch.requested": TouchRequested,
    "touch.revoked": TouchRevoked,
    "case.closed": CaseClosed,
    "user.erased": UserErased,
    "feedback": Feedback,
}
"""Kind of a message to its type: what winback and its senders have promised each other."""

Schema = dict[str, Any]

_OPEN: Final = "Pass over fields that you do not know. Fields of your own begin with x_."
_ENTRY: Final = re.compile(r"^    (\w+): (.*(?:\n     +.*)*)", re.MULTILINE)


def schema(kind: str) -> Schema:
    """Return the schema of a message of the contract, open to unknown fields."""
    message = CONTRACTS[kind]
    parts = components([message], "#/$defs/")
    root = parts.pop(message.__name__)
    head = {"$schema": DIALECT, "$id": dataschema(kind), "$comment": _OPEN}
    return head | root | ({"$defs": parts} if parts else {})


def schema_text(kind: str) -> str:
    """Return the schema of a message as the text of a file."""
    return msgspec.json.format(msgspec.json.encode(schema(kind)), indent=2).decode() + "\n"


def components(messages: list[type[msgspec.Struct]], prefix: str) -> dict[str, Schema]:
    """Return the schemas of messages and of their parts, by the names of their types.

    Args:
        messages: The types.
        prefix: Where references to the parts point: ``prefix`` and the name.
    """
    _, parts = msgspec.json.schema_components(messages, ref_template=prefix + "{name}")
    for struct in map(_struct_of(messages).__getitem__, parts):
        _describe(parts[struct.__name__], struct)
    return dict(parts)


def _struct_of(messages: list[type[msgspec.Struct]]) -> dict[str, type[msgspec.Struct]]:
    """Return types and the types of their fields, by name."""
    found: dict[str, type[msgspec.Struct]] = {}
    waiting: list[Any] = [msgspec.inspect.type_info(message) for message in messages]
    while waiting:
        match waiting.pop():
            case msgspec.inspect.StructType(cls=struct, fields=fields):
                found[struct.__name__] = struct
                waiting += [field.type for field in fields]
            case msgspec.inspect.UnionType(types=types):
                waiting += types
            case msgspec.inspect.VarTupleType(item_type=item) | msgspec.inspect.Metadata(type=item):
                waiting.append(item)
    return found


def _describe(part: Schema, struct: type[msgspec.Struct]) -> None:
    """Put the words of a type's docstring to where they belong."""
    summary, _, attributes = inspect.cleandoc(struct.__doc__ or "").partition("\n\nAttributes:\n")
    part["description"] = " ".join(summary.split())
    properties: dict[str, Schema] = part["properties"]
    for name, words in _ENTRY.findall(attributes):
        said = {"description": " ".join(words.replace("``", "`").split())}
        properties[name] = said | properties[name]
    tag = struct.__struct_config__.tag
    if tag is not None:
        properties["type"] = {"description": "Kind of the message.", "const": tag}
