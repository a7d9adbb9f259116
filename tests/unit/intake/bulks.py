"""How the records of each tongue are read, many at a time; made once, for it takes a while."""

from functools import cache
from typing import Any

from streams.core.rules_file import parse_rules
from streams.demo.tongues import SCHEMA_ID, TONGUES
from streams.intake.bulk import Bulk, bulk_decode, bulk_tell
from streams.intake.wire.schemas import Schema, Schemas


@cache
def bulks(name: str) -> tuple[Bulk[Any], ...]:
    """Return what decodes the records of a tongue, and what tells them."""
    tongue = TONGUES[name]
    rules = parse_rules(tongue.rules)
    (source,) = rules.sources
    schemas = Schemas()
    if tongue.schema:
        schemas.learn(SCHEMA_ID, Schema(source.encoding.value.upper(), tongue.schema))
    return bulk_decode(source, rules, schemas), bulk_tell(source, rules, schemas)
