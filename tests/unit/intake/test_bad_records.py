"""Whatever stands in a record: it is read, or refused for a reason; nothing raises."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.decoded import Rejected, RejectReason, Skipped
from streams.core.rules_file import parse_rules
from streams.core.sources import Form
from streams.intake.decoder import make_tell
from streams.intake.told import Told
from streams.intake.wire.json_values import json_parse_as
from tests.unit.core.stories import rules_of
from tests.unit.intake import spec

AT = "2017-01-11T12:00:00Z"
GOOD: dict[Form, dict[str, Any]] = {
    Form.SEGMENT: {
        "type": "track", "event": "Paid", "messageId": "m", "userId": "ada", "timestamp": AT,
        "anonymousId": "web", "version": 2,
    },
    Form.SENSORS: {
        "type": "track", "event": "Paid", "_track_id": 7, "login_id": "ada", "distinct_id": "ada",
        "anonymous_id": "web", "time": 1_484_136_000_000, "identities": {"$identity_mp_id": "m"},
    },
    Form.CLOUDEVENTS: {
        "specversion": "1.0", "type": "paid", "source": "/s", "id": "m", "subject": "ada",
        "time": AT,
    },
    Form.JSON: {"id": "m", "uid": "ada", "total": 1},
}  # fmt: skip
PATHS = {
    Form.JSON: (("id",), ("uid",), ("total",), ("deep", "er")),
    Form.SEGMENT: (("properties", "total"),),
    Form.SENSORS: (("properties", "total"),),
    Form.CLOUDEVENTS: (("data", "total"),),
}
TEXT_IDS = {
    Form.SEGMENT: ("messageId", "userId", "anonymousId"),
    Form.SENSORS: ("_track_id", "distinct_id", "login_id", "anonymous_id"),
}
TIME = {Form.SEGMENT: "timestamp", Form.SENSORS: "time", Form.CLOUDEVENTS: "time"}
FORMS = list(GOOD)


def read(form: Form, value: bytes | None) -> spec.Told:
    return spec.read(form, value, paths=PATHS[form])


def written(form: Form, **other: Any) -> bytes:
    return json.dumps(GOOD[form] | other).encode()


def refused(told: spec.Told, reason: RejectReason, path: str) -> None:
    assert isinstance(told, Rejected), told
    assert told.reason is reason
    assert f"at `{path}" in told.detail


@pytest.mark.parametrize("form", FORMS)
def test_a_record_without_a_value_is_refused(form: Form) -> None:
    for value in (None, b""):
        told = read(form, value)

        assert isinstance(told, Rejected)
        assert told.reason is RejectReason.EMPTY


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "mangled",
    [
        lambda value: value.decode().encode("utf-16"),
        lambda value: gzip.compress(value, mtime=0),
        lambda value: value[:-1],
        lambda value: value + b"{}",
        lambda value: b"[" + value + b"]",
        lambda value: value[:0] + b"null",
        lambda value: b'{"deep":' * 5_000 + value + b"}" * 5_000,
        lambda value: b"\xef\xbb\xbf" + value,
        lambda value: value.replace(b"ada", b"\xff\xfe"),
    ],
    ids=["utf-16", "gzip", "cut", "two", "list", "null", "deep", "mark", "not utf-8"],
)  # fmt: skip
def test_bytes_that_are_no_record_are_refused(form: Form, mangled: Any) -> None:
    refused(read(form, mangled(written(form))), RejectReason.NOT_DECODABLE, "$")


@pytest.mark.parametrize(
    ("form", "name"), [(form, name) for form, names in TEXT_IDS.items() for name in names]
)
def test_an_id_is_a_text_or_an_integer(form: Form, name: str) -> None:
    for wrong in (1.5, True, [], {"id": 1}, ["a"]):
        told = read(form, written(form, **{name: wrong}))
        refused(told, RejectReason.NOT_DECODABLE, f"$.{name}")
    huge = written(form, **{name: 0}).replace(f'"{name}": 0'.encode(), b'"%s": ' % name.encode()
        + b"9" * 5_000)  # fmt: skip
    refused(read(form, huge), RejectReason.NOT_DECODABLE, f"$.{name}")


@pytest.mark.parametrize("form", TIME)
@pytest.mark.parametrize("wrong", ["2017-02-30T00:00:00Z", "noon", "", 1.5, True, [], {"$date": 1}])
def test_an_instant_is_one(form: Form, wrong: Any) -> None:
    told = read(form, written(form, **{TIME[form]: wrong}))

    assert isinstance(told, Rejected)
    assert told.reason in {RejectReason.BAD_TIME, RejectReason.NOT_DECODABLE}
    assert f"at `$.{TIME[form]}`" in told.detail


@pytest.mark.parametrize("form", FORMS)
def test_what_is_read_stands_there_once(form: Form) -> None:
    for name, value in GOOD[form].items():
        if form is Form.JSON or not isinstance(value, dict):
            twice = written(form)[:-1] + f', "{name}": {json.dumps(value)}}}'.encode()
            refused(read(form, twice), RejectReason.DUPLICATE_KEY, f"$.{name}")


@pytest.mark.parametrize("form", FORMS)
def test_what_is_not_read_may_be_anything(form: Form) -> None:
    told = read(form, written(form)[:-1] + b', "x": 1.0e9, "x": {"y": [null]}}')

    assert isinstance(told, tuple)


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_the_same_as_not_there(form: Form) -> None:
    nothing = dict.fromkeys(("properties", "data", "uid", "anonymousId", "anonymous_id"))

    assert isinstance(read(form, written(form, **nothing)), tuple)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=50)
@given(data=st.data())
def test_no_record_stops_the_reader(form: Form, data: st.DataObject) -> None:
    names = sorted({*GOOD[form], "properties", "data", "batch", "data_base64", "original_id"})
    kinds = ("alias", "identify", "track_signup", "track_id_bind", "profile_set", "item_set")
    changed = data.draw(st.dictionaries(st.sampled_from(names), VALUES, max_size=4))
    kind = data.draw(st.sampled_from((GOOD[form].get("type"), *kinds)))

    told = read(form, written(form, **({"type": kind} | changed)))

    assert isinstance(told, tuple | Rejected | Skipped)
    assert told
    if isinstance(told, Rejected):
        assert told.reason is RejectReason.EMPTY or "at `$" in told.detail


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=30)
@given(value=st.binary(max_size=60))
def test_no_bytes_stop_the_reader(form: Form, value: bytes) -> None:
    assert isinstance(read(form, value), tuple | Rejected | Skipped)


RULES = {
    Form.SEGMENT: "map: [{event: Paid, as: purchase, amount: $.properties.total}]",
    Form.SENSORS: "map: [{event: Paid, as: purchase, amount: $.properties.total}]",
    Form.CLOUDEVENTS: "map: [{event: paid, as: purchase, amount: $.data.total}]",
    Form.JSON: "user: $.uid\n    id: $.id\n    event: paid\n    time: {path: $.at, unit: ms}\n    "
    "map: [{event: paid, as: purchase, amount: $.total}]",
}
MONEY = {Form.SENSORS: "properties", Form.SEGMENT: "properties", Form.CLOUDEVENTS: "data"}
NOON = 1_484_136_000_000


def told(form: Form, *, total: object = 12.5, **other: Any) -> Told:
    """Return what a record is told as, or why not, under rules that want money."""
    (source,) = parse_rules(f"inputs:\n  t:\n    format: {form}\n    {RULES[form]}").sources
    record = GOOD[form] | ({MONEY[form]: {"total": total}} if form in MONEY else {"total": total})
    record |= {"at": NOON} | other
    return make_tell(source, rules_of(), json_parse_as)(None, json.dumps(record).encode(), NOON, ())


@pytest.mark.parametrize("form", FORMS)
def test_a_record_that_says_all_is_told(form: Form) -> None:
    events = told(form)

    assert isinstance(events, tuple), events
    assert [(each.user_id, each.amount, each.event_time) for each in events] == [
        ("ada", 12.5, NOON)
    ]


@pytest.mark.parametrize(
    ("form", "names", "reason", "path"),
    [
        (Form.SEGMENT, ("messageId",), RejectReason.NO_ID, "$.messageId"),
        (Form.SEGMENT, ("userId", "anonymousId"), RejectReason.NO_ID, "$.userId"),
        (Form.SEGMENT, ("timestamp",), RejectReason.BAD_TIME, "$.timestamp"),
        (
            Form.SENSORS,
            ("login_id", "distinct_id", "anonymous_id"),
            RejectReason.NO_ID,
            "$.login_id",
        ),
        (Form.SENSORS, ("time",), RejectReason.BAD_TIME, "$.time"),
        (Form.CLOUDEVENTS, ("id",), RejectReason.NO_ID, "$.id"),
        (Form.CLOUDEVENTS, ("subject",), RejectReason.NO_ID, "$.subject"),
        (Form.CLOUDEVENTS, ("time",), RejectReason.BAD_TIME, "$.time"),
        (Form.JSON, ("id",), RejectReason.NO_ID, "$.id"),
        (Form.JSON, ("uid",), RejectReason.NO_ID, ""),
        (Form.JSON, ("at",), RejectReason.BAD_PROPERTY, "$.at"),
    ],
)
def test_what_is_needed_and_missing_or_null_is_named(
    form: Form, names: tuple[str, ...], reason: RejectReason, path: str
) -> None:
    for nothing in (None, "") if names[0] not in {"time", "timestamp", "at"} else (None,):
        result = told(form, **dict.fromkeys(names, nothing))

        assert isinstance(result, Rejected), result
        assert result.reason is reason
        assert path in result.detail


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("total", [-3, 1e300, "much", [], True])
def test_money_is_money(form: Form, total: object) -> None:
    result = told(form, total=total)

    assert isinstance(result, Rejected), result
    assert result.reason is RejectReason.BAD_AMOUNT
    assert "total`" in result.detail


@pytest.mark.parametrize("form", FORMS)
def test_a_record_is_no_document(form: Form) -> None:
    result = told(form, x="x" * 1_100_000)

    assert isinstance(result, Rejected), result
    assert result.reason is RejectReason.TOO_LARGE


@pytest.mark.parametrize("form", [Form.SEGMENT, Form.SENSORS, Form.CLOUDEVENTS])
def test_what_is_to_come_is_refused(form: Form) -> None:
    later = {Form.SENSORS: {"time": NOON * 2}}.get(form, {TIME[form]: "2031-01-01T00:00:00Z"})
    result = told(form, **later)

    assert isinstance(result, Rejected), result
    assert result.reason is RejectReason.FUTURE
