"""CloudEvents: structured, binary, and around the records of another format."""

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from streams.core.decoded import Headers, Rejected, RejectReason
from streams.core.sources import Encoding, Form
from streams.core.time import iso
from streams.intake.fact import Facts
from tests.unit.intake import spec

NOON = 1_484_136_000_000  # 2017-01-11T12:00Z
ATTRIBUTES: dict[str, Any] = {
    "specversion": "1.0", "id": "e1", "source": "/shop", "type": "paid", "subject": "ada",
    "time": iso(NOON), "tenant": "eu",
}  # fmt: skip
DATA = {"total": 12.5}
PATHS = (("data", "total"), ("tenant",), ("id",))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
CALL = {"type": "track", "event": "Paid", "userId": "bob", "properties": DATA}


def structured(**members: Any) -> spec.Told:
    value = json.dumps(ATTRIBUTES | members).encode()
    return spec.read(Form.CLOUDEVENTS, value, paths=PATHS)


def binary(value: bytes | None, *more: tuple[str, bytes], **other: Any) -> spec.Told:
    headers: Headers = [(f"ce_{name}", text.encode()) for name, text in ATTRIBUTES.items()]
    return spec.read(Form.CLOUDEVENTS, value, **({"headers": (*headers, *more)} | other))


def facts(told: spec.Told) -> Facts:
    assert isinstance(told, tuple), told
    return told


def refused(told: spec.Told) -> tuple[RejectReason, str]:
    assert isinstance(told, Rejected), told
    return told.reason, told.detail


def test_both_modes_say_the_same() -> None:
    (whole,) = facts(structured(data=DATA))
    (split,) = facts(binary(json.dumps(DATA).encode(), paths=PATHS))

    assert astuple(whole)[:5] == astuple(split)[:5] == ("paid", "/shop e1", NOON, "ada", "")
    assert whole.body.data.total == split.body.data.total == 12.5
    assert whole.body.tenant == split.body.tenant == "eu"


def test_data_in_base64_is_read_like_data() -> None:
    (told,) = facts(structured(data_base64=b64encode(json.dumps(DATA).encode()).decode()))

    assert told.body.data.total == 12.5


@pytest.mark.parametrize(
    ("members", "detail"),
    [
        ({"data_base64": "A==="}, "`$.data_base64`"),
        ({"data_base64": "e30=", "data": {}}, "there is data, too - at `$.data_base64`"),
        ({"data_base64": "eyI="}, "`$.data`"),
        ({"data": 1, "datacontenttype": "text/plain"}, "at `$.datacontenttype`"),
        ({"source": ""}, "missing - at `$.source`"),
        ({"source": "/a b"}, "a URI holds no blank - at `$.source`"),
        ({"type": None}, "missing - at `$.type`"),
        ({"id": ""}, "missing - at `$.id`"),
        ({"id": 5}, "at `$.id`"),
        ({"specversion": None}, "missing - at `$.specversion`"),
        ({"specversion": 1.0}, "at `$.specversion`"),
        ({"time": "2017-01-11T12:00:00"}, "no zone - at `$.time`"),
        ({"time": "yesterday"}, "at `$.time`"),
        ({"type": "$watermark"}, "at `$.type`"),
    ],
)
def test_what_is_wrong_is_refused_with_its_path(members: dict[str, Any], detail: str) -> None:
    assert refused(structured(**members))[1].endswith(detail)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (("ce_id", b"again"), RejectReason.DUPLICATE_KEY),
        (("content-type", b"\xff"), RejectReason.BAD_ENVELOPE),
        (("content-type", b"text/xml"), RejectReason.BAD_ENVELOPE),
        (("content-type", b"application/cloudevents"), RejectReason.BAD_ENVELOPE),
    ],
)
def test_a_header_that_is_wrong_is_named(header: tuple[str, bytes], reason: RejectReason) -> None:
    told = refused(binary(b"{}", header, paths=PATHS))

    assert told[0] is reason
    assert told[1].endswith(f"at header `{header[0]}`")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("time", b"2017-02-30T00:00:00Z", RejectReason.BAD_TIME),
        ("time", b"2017-02-20T00:00:00", RejectReason.BAD_TIME),
        ("subject", b"\xff\xfe", RejectReason.BAD_ENVELOPE),
        ("specversion", b"2.0", RejectReason.UNKNOWN_VERSION),
        ("id", b"", RejectReason.NO_ID),
    ],
)
def test_an_attribute_that_is_wrong_is_named(name: str, text: bytes, reason: RejectReason) -> None:
    said = {key: value.encode() for key, value in ATTRIBUTES.items()} | {name: text}
    headers = tuple((f"ce_{key}", value) for key, value in said.items())

    told = refused(spec.read(Form.CLOUDEVENTS, b"{}", headers=headers))

    assert told[0] is reason
    assert told[1].endswith(f"at header `ce_{name}`")


def test_an_extension_in_a_header_is_text() -> None:
    (whole,) = facts(spec.read(Form.CLOUDEVENTS, _value(n=5), paths=(("n",),)))
    (split,) = facts(binary(None, ("ce_n", b"5"), paths=(("n",),)))

    assert (whole.body.n, split.body.n) == (5, "5")


def test_in_other_encodings_only_data_is_written() -> None:
    told = spec.read(Form.CLOUDEVENTS, b"\0", encoding=Encoding.AVRO)

    assert refused(told)[0] is RejectReason.BAD_ENVELOPE


def test_an_event_lends_the_record_inside_its_id_and_its_time() -> None:
    paths = (("properties", "total"),)
    whole = spec.read(Form.CLOUDEVENTS, _value(data=CALL), inner=Form.SEGMENT, paths=paths)
    split = binary(json.dumps(CALL).encode(), inner=Form.SEGMENT, paths=paths)

    for (told,) in (facts(whole), facts(split)):
        assert astuple(told)[:5] == ("Paid", "/shop e1", NOON, "bob", "")
        assert told.body.properties.total == 12.5


def test_the_record_inside_keeps_what_it_says_itself() -> None:
    call = CALL | {"messageId": "m1", "timestamp": iso(NOON - 5)}

    (told,) = facts(spec.read(Form.CLOUDEVENTS, _value(data=call), inner=Form.SEGMENT))

    assert (told.event_id, told.at_ms) == ("m1", NOON - 5)


def test_what_is_wrong_inside_has_the_path_inside() -> None:
    told = spec.read(Form.CLOUDEVENTS, _value(data=CALL | {"userId": []}), inner=Form.SEGMENT)
    empty = spec.read(Form.CLOUDEVENTS, _value(), inner=Form.SENSORS)
    base64 = spec.read(Form.CLOUDEVENTS, _value(data_base64="e30="), inner=Form.SENSORS)

    assert refused(told)[1].endswith("at `$.data.userId`")
    assert refused(empty)[0] is RejectReason.EMPTY
    assert refused(base64)[1].endswith("at `$.data.type`")


@given(
    name=TEXTS.filter(lambda name: not name.startswith("$")),
    ids=st.tuples(TEXTS, TEXTS),
    at_ms=st.integers(min_value=1, max_value=4_102_444_800_000),
)
def test_an_event_that_is_written_is_read_again(
    name: str, ids: tuple[str, str], at_ms: int
) -> None:
    event_id, user_id = ids
    said = {"specversion": "1.0", "id": event_id, "source": "/s", "type": name, "time": iso(at_ms)}
    said["subject"] = user_id
    headers = tuple((f"ce_{key}", text.encode()) for key, text in said.items())

    (whole,) = facts(spec.read(Form.CLOUDEVENTS, json.dumps(said).encode()))
    (split,) = facts(spec.read(Form.CLOUDEVENTS, None, headers=headers))

    assert astuple(whole)[:5] == astuple(split)[:5] == (name, f"/s {event_id}", at_ms, user_id, "")


@settings(max_examples=50)
@given(
    value=st.none() | st.binary(max_size=20) | st.just(b'{"total": 1}'),
    headers=st.lists(
        st.tuples(
            st.sampled_from(["content-type", *(f"ce_{name}" for name in ATTRIBUTES), "other"]),
            st.sampled_from([b"1.0", b"application/json", b"application/cloudevents+json"])
            | st.binary(max_size=12),
        ),
        max_size=8,
    ),
    inner=st.sampled_from([Form.JSON, Form.SEGMENT]),
)
def test_no_headers_stop_the_reader(
    value: bytes | None, headers: list[tuple[str, bytes]], inner: Form
) -> None:
    paths = PATHS if inner is Form.JSON else ()

    told = spec.read(Form.CLOUDEVENTS, value, headers=headers, inner=inner, paths=paths)

    assert isinstance(told, tuple | Rejected)
    if isinstance(told, Rejected):
        assert told.reason is RejectReason.EMPTY or "at " in told.detail


def _value(**members: Any) -> bytes:
    return json.dumps(ATTRIBUTES | members).encode()
