"""Records of people whom nobody may name: sound, spoilt and torn, in every format."""

import itertools
import json
from collections.abc import Iterator
from typing import Any, Final

from streams.core.rules_file import parse_rules

NOW_MS: Final = 1_700_000_000_000
PRIVATE: Final = (
    "uid-zq81-ada",
    "13812345678",
    "oLx7zqOpenid0pq",
    "ada.zq@private.example",
    "李雷雷",
    "COUPON-ZQ-4711",
    "id=zq\n2026 INFO forged=1",
)
RULES: Final = parse_rules("""
mode: live
contact: {consent_default: granted}
inputs:
  segment: {format: segment, keyed_by: user, map: [{event: Order, as: purchase, amount: $.properties.total, currency: $.properties.currency}]}
  sensors: {format: sensors, keyed_by: user, map: [{event: Order, as: purchase, amount: $.properties.total}]}
  cloudevents: {format: cloudevents, keyed_by: user, others: activity}
  debezium: {format: debezium, keyed_by: user, map: [{event: customers.update, as: traits, user: $.after.u, time: {path: $.after.at, unit: ms}, traits: {member_name: $.after.name}}]}
  canal: {format: canal, keyed_by: user, map: [{event: orders.create, as: purchase, user: $.u, amount: $.amount, time: {path: $.at, unit: ms}}]}
  json: {format: json, keyed_by: user, user: $.u, id: $.i, event: $.e, time: {path: $.t, unit: ms}, map: [{event: Link, as: link, anonymous: $.a}, {event: Zone, as: traits, traits: {zone: $.z}}, {event: Word, as: feedback, touch_id: $.f, status: $.s}, {event: Gone, as: erasure}, {event: Order, as: purchase, amount: $.m, currency: $.c}]}
""")  # noqa: E501 (a table)
AT: Final = "2023-11-14T22:13:20Z"
RECORDS: Final[dict[str, list[dict[str, Any]]]] = {
    "user-activity": [
        {"event_id": "e", "user_id": "ada", "event": "view", "event_time": AT, "properties": {}},
        {"event_id": "f", "user_id": "ada", "event": "purchase", "event_time": AT, "amount": "12.3",
         "currency": "CNY", "properties": {"sku": "x"}},
        {"event_id": "g", "user_id": "ada", "event": "consent_changed", "event_time": AT,
         "properties": {"channel": "sms", "granted": True}},
        {"event_id": "h", "user_id": "ada", "event": "traits_set", "event_time": AT,
         "properties": {"zone": "Asia/Shanghai", "acquisition_source": "ad"}},
        {"event_id": "i", "user_id": "ada", "event": "$identify", "event_time": AT,
         "properties": {"anonymous_id": "cookie"}},
        {"event_id": "j", "user_id": "ada", "event": "erasure_requested", "event_time": AT},
        {"event_id": "k", "user_id": "$watermark", "event": "$watermark", "event_time": AT,
         "properties": {"clock": "router/x/0", "is_idle": True}},
        {"event_id": "l", "user_id": "$coverage", "event": "$coverage", "event_time": AT,
         "properties": {"from": "2023-11-01", "to": "2023-11-02"}},
    ],
    "win-back-feedback": [
        {"touch_id": "t", "user_id": "ada", "status": "sent", "at": AT, "channel": "sms",
         "outcome": "", "reason": "", "provider": "postbox", "provider_ref": "r"},
    ],
    "winback-identity": [
        {"type": "claimed", "user_id": "ada", "into": "bo", "event_id": "e",
         "event_time_ms": NOW_MS, "path": []},
    ],
    "segment": [
        {"type": "track", "event": "Order", "messageId": "m", "userId": "ada", "anonymousId": "c",
         "timestamp": AT, "properties": {"total": 3.5, "currency": "CNY"}},
        {"type": "alias", "messageId": "n", "userId": "ada", "previousId": "c", "timestamp": AT},
    ],
    "sensors": [
        {"type": "track", "event": "Order", "distinct_id": "ada", "time": NOW_MS,
         "_track_id": 7, "properties": {"total": 3}},
        {"type": "track_signup", "distinct_id": "ada", "original_id": "c", "time": NOW_MS,
         "event": "$SignUp", "properties": {}},
    ],
    "cloudevents": [
        {"specversion": "1.0", "id": "i", "source": "/s", "type": "t", "subject": "ada",
         "time": AT, "data": {"a": 1}},
    ],
    "debezium": [
        {"before": None, "after": {"u": "ada", "at": NOW_MS, "name": "x"}, "op": "u",
         "source": {"table": "customers", "ts_ms": NOW_MS, "lsn": 1}, "ts_ms": NOW_MS},
    ],
    "canal": [
        {"data": [{"u": "ada", "amount": "3", "at": "1700000000000"}], "database": "d",
         "table": "orders", "type": "INSERT", "es": NOW_MS, "ts": NOW_MS, "id": 1, "old": None},
    ],
    "json": [
        {"u": "ada", "i": "1", "e": "Link", "t": NOW_MS, "a": "cookie"},
        {"u": "ada", "i": "2", "e": "Zone", "t": NOW_MS, "z": "Asia/Shanghai"},
        {"u": "ada", "i": "3", "e": "Word", "t": NOW_MS, "f": "t1", "s": "sent"},
        {"u": "ada", "i": "4", "e": "Gone", "t": NOW_MS},
        {"u": "ada", "i": "5", "e": "Order", "t": NOW_MS, "m": "3.5", "c": "CNY"},
    ],
}  # fmt: skip


def spoilt(record: Any, word: str) -> Iterator[Any]:
    """Yield a record with a word in place of each value and of each name, one at a time."""
    if isinstance(record, dict):
        for name, value in record.items():
            rest = {other: kept for other, kept in record.items() if other != name}
            yield {**rest, word: value}
            for worse in spoilt(value, word):
                yield {**record, name: worse}
    elif isinstance(record, list):
        for place, value in enumerate(record):
            for worse in spoilt(value, word):
                yield [*record[:place], worse, *record[place + 1 :]]
    yield word
    yield [word]
    yield {word: word}


def hostile(records: list[dict[str, Any]]) -> list[tuple[bytes, bytes]]:
    """Return keys and values: sound ones of the private users, spoilt ones, and torn ones."""
    made = []
    for word, record in itertools.product(PRIVATE, records):
        text = json.dumps(record, ensure_ascii=False)
        sound = text.replace('"ada"', json.dumps(word, ensure_ascii=False))
        values = [sound, *(json.dumps(each, ensure_ascii=False) for each in spoilt(record, word))]
        values += [sound[: len(sound) // 2], sound.replace("}", "", 1), f"{word}", f'{{"{word}"']
        for value in values:
            made += [(word.encode(), value.encode()), (b"ada", value.encode())]
        made.append((word.encode(), word.encode("utf-16")))
    return made
