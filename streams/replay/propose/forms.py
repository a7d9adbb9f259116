"""Which format records follow: told by the fields that only it has."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from streams.core.decoded import Headers
from streams.core.sources import CHANGES, Form

CALLS: Final = frozenset({"track", "identify", "page", "screen", "group", "alias"})
CHANGE_OPS: Final = frozenset("curdtm")
CANAL_FIELDS: Final = frozenset({"data", "table", "database", "type", "isDdl"})
SEGMENT_IDS: Final = frozenset({"userId", "anonymousId"})
NATIVE: Final = frozenset({"user_id", "event", "event_time"})
CLOUD: Final = frozenset({"specversion", "id", "source", "type"})
MAGIC: Final = 0
FRAME: Final = 5
"""Bytes of the frame of a schema registry: 0 and the id of the schema."""
EVIDENCE: Final[dict[Form, str]] = {
    Form.DEBEZIUM: "an operation `op` with a row `after` or `before`",
    Form.CANAL: "`data`, `table`, `database`, `type` and `isDdl`",
    Form.CLOUDEVENTS: "`specversion`, `id`, `source` and `type`, as fields or headers",
    Form.SEGMENT: "a `type` of the Segment specification and `userId` or `anonymousId`",
    Form.SENSORS: "`distinct_id`, and a `type` such as track or profile_set",
    Form.WINBACK: "`user_id`, `event` and `event_time`",
    Form.JSON: "none of the formats that are known, so it is taken as a plain record",
}


class Seen(NamedTuple):
    """One record of the sample, as far as it could be read.

    Attributes:
        body: As parsed; None = it is no JSON object.
        schema_id: Of the registry that framed it; None = it is not framed.
        headers: Its headers.
    """

    body: dict[str, Any] | None
    schema_id: int | None = None
    headers: Headers = ()


class FormGuess(NamedTuple):
    """Which format it is.

    Attributes:
        form: It.
        records: How many look like it.
        of: Of how many.
    """

    form: Form
    records: int
    of: int


def seen(value: bytes | None, headers: Headers) -> Seen:
    """Return what can be seen of a record."""
    if value is None:
        return Seen(None, headers=headers)
    is_framed = len(value) > FRAME and value[0] == MAGIC
    schema_id = int.from_bytes(value[1:FRAME], "big") if is_framed else None
    try:  # A serialiser of JSON Schema frames JSON as well.
        body = msgspec.json.decode(value[FRAME:] if is_framed else value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Seen(None, schema_id, headers)
    return Seen(body if isinstance(body, dict) else None, schema_id, headers)


def form_of(record: Seen) -> Form:
    """Return which format a record follows; what is no other's is a plain one."""
    body = record.body or {}
    names = body.keys()
    if names >= CLOUD or "ce_specversion" in dict(record.headers):
        return Form.CLOUDEVENTS
    change = body.get("payload") if isinstance(body.get("payload"), dict) else body
    assert isinstance(change, dict)
    if change.get("op") in CHANGE_OPS and ("after" in change or "before" in change):
        return Form.DEBEZIUM
    if names >= CANAL_FIELDS:
        return Form.CANAL
    kind = body.get("type")
    if any(is_call(call) for call in calls_of(body)):
        return Form.SEGMENT
    if "distinct_id" in names and isinstance(kind, str):
        return Form.SENSORS
    return Form.WINBACK if names >= NATIVE else Form.JSON


def calls_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what would be the calls of a record of Segment: itself, or those of its batch."""
    batch = body.get("batch") if "type" not in body else None
    return [call for call in batch if isinstance(call, dict)] if isinstance(batch, list) else [body]


def is_call(body: dict[str, Any]) -> bool:
    """Return whether a call is one of Segment's specification."""
    kind = body.get("type")
    return isinstance(kind, str) and kind in CALLS and not SEGMENT_IDS.isdisjoint(body)


def guessed(records: list[Seen]) -> FormGuess:
    """Return the format that most records follow; rows of others may stand between them."""
    found = Counter(form_of(record) for record in records if record.body is not None)
    form, count = found.most_common(1)[0]
    if form is Form.JSON and len(found) > 1 and count < sum(found.values()) - count:
        form, count = found.most_common(2)[1]
    return FormGuess(form, count, len(records))


def bodies(form: Form, record: Seen) -> Iterator[dict[str, Any]]:
    """Yield the bodies that paths of a mapping lead into: the facts of a record, in order."""
    body = record.body
    if body is None:
        return
    if form is Form.CLOUDEVENTS and "specversion" not in body:
        yield {"data": body}
    elif form is Form.CANAL:
        for row in body.get("data") or ():
            yield {"after": row}
    elif form in CHANGES and isinstance(body.get("payload"), dict):
        yield body["payload"]
    elif form is Form.SEGMENT:  # An alias is a link alone, no fact that a rule could name.
        yield from (call for call in calls_of(body) if call.get("type") != "alias")
    else:
        yield body
