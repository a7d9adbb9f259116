"""The engine and ids that are one person: what is read, written, counted and put aside."""

import json

from streams.core.identity import Claimed, HandedOver, decode_identity, record_of
from streams.core.partition_record import PARTITION_KEY
from tests.unit.runtime.teaching import DAY_MS, NOW_MS, chunk
from tests.unit.runtime.test_engines import drive, event, journal, pipeline

TOPIC = "winback-identity"


def identify(user: str, other: str) -> tuple[bytes, bytes]:
    body = {
        "event_id": f"{user}-{other}", "user_id": user, "event": "$identify",
        "event_time": NOW_MS - DAY_MS, "properties": {"anonymous_id": other},
    }  # fmt: skip
    return user.encode(), json.dumps(body).encode()


def claim(user: str, into: str) -> tuple[bytes, bytes]:
    record = record_of(Claimed(user, "l1", NOW_MS - DAY_MS, into))
    return user.encode(), record.value


def test_a_link_is_written_to_the_partition_of_the_other_id() -> None:
    engine = pipeline()
    drive(engine, chunk("user-activity", 0, [identify("ada", "cookie")]))
    (record,) = engine.take().keyed[TOPIC]

    assert record.key == b"cookie"
    assert decode_identity(record.key, record.value, 0) == Claimed(
        "cookie", "ada-cookie", NOW_MS - DAY_MS, "ada"
    )


def test_a_hand_over_is_one_transaction_with_the_tombstone_and_the_stub() -> None:
    engine = pipeline()
    drive(engine, chunk("user-activity", 0, [event("cookie", 1)]))
    engine.take()
    drive(engine, chunk(TOPIC, 0, [claim("cookie", "ada")]))
    commit = engine.take()
    changed = dict(commit.changelog)

    assert changed[b"cookie"] is None
    assert changed.keys() == {b"cookie", b"\x00stub/cookie", PARTITION_KEY}
    (record,) = commit.keyed[TOPIC]
    assert isinstance(decode_identity(record.key, record.value, 0), HandedOver)
    assert journal(commit) == [[TOPIC, 0, 1]]


def test_what_nobody_of_us_wrote_is_put_aside() -> None:
    engine = pipeline()
    drive(engine, chunk(TOPIC, 7, [(b"ada", b"{}"), claim("cookie", "ada"), (b"ada", b"")]))
    letters = engine.take().outputs["winback-dead-letters"]

    assert len(letters) == 2
    assert engine.core.relations.stubs.into("cookie", NOW_MS) == "ada"


def test_what_happened_to_ids_is_counted() -> None:
    engine = pipeline()
    drive(engine, chunk("user-activity", 0, [identify("ada", "c"), identify("ada", "c")]))
    engine.take()
    page = engine._metrics.page().decode()

    assert 'winback_identity_total{what="claimed"} 1.0' in page
    assert 'winback_identity_total{what="already_linked"} 1.0' in page
