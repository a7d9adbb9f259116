"""Samples in Avro or Protobuf, turned into JSON by the schemas of their registry."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from streams.core.sources import Encoding
from streams.errors import UserError
from streams.intake.fact import UnreadableError
from streams.intake.foreign import Foreign
from streams.intake.wire.catalogue import parse_as_of
from streams.intake.wire.schemas import Schemas
from streams.replay.origins import learn
from streams.replay.propose.forms import seen
from streams.settings import Settings

BINARY: Final = (Encoding.AVRO, Encoding.PROTOBUF)


def unframed(
    sample: Sequence[Foreign], label: str, settings: Settings
) -> tuple[list[Foreign], Encoding]:
    """Return a sample in JSON, and how it is written.

    Raises:
        UserError: No registry is known, or it does not know the schemas.
        Unavailable: The registry does not answer.
    """
    looked = [seen(record.value, record.headers) for record in sample]
    is_json = any(record.body is not None for record in looked)
    if is_json or all(record.schema_id is None for record in looked):
        return list(sample), Encoding.JSON
    if not settings.schema_registry_url:
        raise UserError(
            f"{label}: the values are framed by a schema registry, and none is known",
            "set WINBACK_SCHEMA_REGISTRY_URL=http://registry:8081",
        )
    schemas = Schemas()
    ids = schemas.missing(record.value for record in sample)
    asyncio.run(learn(schemas, ids, settings))
    why = ""
    for encoding in BINARY:
        parse = parse_as_of(encoding, schemas)(dict[str, Any])
        told: list[Foreign] = []
        for record in sample:
            try:
                body = parse(record.value or b"")
            except UnreadableError as error:
                why = str(error)
                continue
            told.append(record._replace(value=msgspec.json.encode(body)))
        if told:
            return told, encoding
    raise UserError(
        f"{label}: no value can be read by the schemas of the registry: {why}",
        "is it the right registry? WINBACK_SCHEMA_REGISTRY_URL",
    )
