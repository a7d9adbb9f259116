# ruff: noqa: E501, ISC004 (tables of samples)
"""Targets: records that others write, in every format and every encoding."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import import_module
from typing import Any, Final, NamedTuple

import msgspec

from streams.core.decoded import Headers
from streams.core.rules import Rules
from streams.core.rules_file import parse_rules
from streams.core.sources import LINK_EVENT, Source
from streams.demo.tongues import SCHEMA_ID, TONGUES
from streams.intake.bulk import bulk_decode, bulk_feedback, bulk_native, bulk_tell
from streams.intake.decoder import make_examine
from streams.intake.wire.catalogue import parse_as_of
from streams.intake.wire.protobuf_files import with_files
from streams.intake.wire.schemas import Schema, Schemas
from streams.replay.events import NativeEvent
from tests.fuzz.engine import Target
from tests.fuzz.mutate import Tongue
from tests.fuzz.schemas import AVRO_ALL, FRAME, PROTO_ALL
from tests.fuzz.sound import of_decoded, of_told
from tests.fuzz.tongues import BINARY, JSON

AT: Final = 1_700_000_000_000
RECORD_MS: Final = 1_800_000_000_000
KEY: Final = b"ada"
HEADED: Final = {"cloudevents", "around", "wrapped"}
LONG: Final = 20_000
"""Bytes from which on a sample is read in one way only: so that one reading is what is timed."""
OURS: Final = (b"$watermark", b"$coverage")
APART: Final = b"\x1e"
"""Between the records of a chunk."""
TYPED: Final = "an input, a skip with a reason, or a refusal of the catalogue"
RULES: Final = """
money: {rates: {USD: 7.1}}
inputs:
  segment: {format: segment, keyed_by: user, drop: [{path: $.context.userAgent, contains: [bot], reason: bot}], map: [{event: Order, as: purchase, amount: $.properties.total, currency: $.properties.currency}, {event: Back, as: refund, amount: {path: $.properties.total, unit: minor, sign: either}}, {event: identify, as: traits, traits: {member_name: $.traits.name, zone: $.traits.tz}}, {event: Consent, as: consent, channel: sms, granted: $.properties.granted}]}
  sensors: {format: sensors, keyed_by: user, map: [{event: Order, as: purchase, amount: {path: $.properties.total, unit: minor}}, {event: profile_set, as: traits, traits: {member_name: $.properties.name}}]}
  cloudevents: {format: cloudevents, keyed_by: user, map: [{event: Order, as: purchase, amount: $.data.total}, {event: Reach, as: reach, channel: $.data.channel, tokens: $.data.tokens}]}
  around: {format: cloudevents, inner: segment, keyed_by: user, map: [{event: Order, as: purchase, amount: $.properties.total}]}
  wrapped: {format: cloudevents, inner: winback, keyed_by: user}
  debezium: {format: debezium, keyed_by: user, map: [{event: [orders.create, orders.update], as: purchase, when: [{path: $.after.status, is: paid, was_not: paid}], user: $.after.u, amount: {path: $.after.amount, scale: 2}, time: {path: $.after.at, unit: us}, once_per: $.after.id}, {event: [customers.update], as: traits, user: $.after.u, traits: {member_name: $.after.name}}, {event: customers.delete, as: erasure, user: $.before.u}]}
  canal: {format: canal, keyed_by: user, map: [{event: [orders.create, orders.update], as: purchase, user: $.after.u, amount: {path: $.after.amount, less: $.before.amount}, time: {path: $.after.at, zone: Asia/Shanghai}}]}
  json: {format: json, keyed_by: user, user: $.u, id: $.i, event: $.e, time: {path: $.t, unit: s}, map: [{event: Order, as: purchase, amount: $.a}, {event: Less, as: correction, amount: {path: $.a, less: $.b}}, {event: Traits, as: traits, traits: {member_name: $.p, zone: $.z}}, {event: Link, as: link, anonymous: $.o}, {event: Gap, as: coverage, from: $.f, to: $.o}, {event: Word, as: feedback, touch_id: $.f, status: $.o}]}
  days: {format: json, keyed_by: user, lateness: 2d, user: $.u, id: $.i, event: $.e, time: {path: $.t, unit: day, zone: Asia/Shanghai}, map: [{event: Order, as: purchase, amount: {path: $.a.0.b, unit: minor}}]}
  native: {format: winback, keyed_by: anything}
"""  # a table
EXAMPLES: Final = {name: f"tests.unit.intake.spec_{name}" for name in ("segment", "sensors", "cloudevents", "debezium", "canal")}  # fmt: skip
HISTORY: Final = (
    NativeEvent("m-1", "ada", "visit", AT),
    NativeEvent("m-2", "ada", "purchase", AT, 12.5, "CNY"),
    NativeEvent("m-3", "ada", "refund", AT, 3.0, "CNY"),
    NativeEvent("m-4", "ada", "consent_changed", AT, properties={"channel": "sms", "granted": True}),
    NativeEvent("m-5", "ada", "opt_out", AT, properties={"channel": "sms"}),
    NativeEvent("m-6", "ada", "erasure_requested", AT),
    NativeEvent("m-7", "ada", "traits_set", AT, properties={
        "zone": "Asia/Shanghai", "acquisition_source": "ad", "member_name": "艾达"}),
    NativeEvent("m-8", "ada", LINK_EVENT, AT, properties={"anonymous_id": "cookie-1"}),
)  # fmt: skip
NATIVE: Final = (
    *(msgspec.json.encode(event) for event in HISTORY[:7]),
    b'{"event":"reach_changed","event_time":"2023-11-14T22:13:20Z","event_id":"r","user_id":"ada",'
    b'"properties":{"channel":"wechat","tokens":1,"open_for":"48h","is_reachable":true}}',
    b'{"event":"$coverage","event_time":1700000000000,"event_id":"c","user_id":"$coverage",'
    b'"properties":{"from":"2023-11-01","to":1699000000000}}',
    b'{"event":"$identify","event_time":1700000000000,"event_id":"l","user_id":"ada",'
    b'"properties":{"anonymous_id":"cookie"}}',
    b'{"event":"$watermark","event_time":1700000000000,"event_id":"w","user_id":"$watermark",'
    b'"properties":{"clock":"router/x/0","is_idle":true}}',
    b'{"event":"purchase","event_time":1700000000000,"event_id":"p","user_id":"ada",'
    b'"amount":"12.340","currency":"CNY","properties":{"sku":["a",{"b":null}]}}',
)
FEEDBACK: Final = (
    b'{"touch_id":"t1","user_id":"ada","status":"delivered","at":"2023-11-14T22:13:20Z",'
    b'"outcome":"","channel":"sms","reason":"","provider":"aliyun","provider_ref":"r"}',
    b'{"touch_id":"","user_id":"ada","status":"opted_out","at":1700000000000}',
    b'{"touch_id":"t1","user_id":"ada","status":"failed","at":1700000000000,"outcome":"hard"}',
)
PLAIN: Final = {
    "json": (
        b'{"u":"ada","i":"i","e":"Order","t":1700000000,"a":3.5,"b":"2","p":"x","z":"UTC","o":"o"}',
        b'{"u":"ada","i":7,"e":"Less","t":"1700000000.5","a":"10.25","b":3}',
        b'{"u":"ada","i":"g","e":"Gap","t":1700000000,"f":"2023-11-01","o":"2023-11-02"}',
        b'{"u":"ada","i":"w","e":"Word","t":1700000000,"f":"t1","o":"delivered"}',
        b'{"u":"ada","i":"v","e":"Visit","t":1700000000}',
        b'{"u":"ada","i":"x","e":"Traits","t":1700000000,"p":{"a":[1,2]},"z":"UTC"}',
        b'{"u":"ada","i":"y","e":"Link","t":1700000000,"o":"cookie"}',
    ),
    "days": (b'{"u":"ada","i":"i","e":"Order","t":"2023-11-14","a":[{"b":3}]}',),
    "native": NATIVE,
    "segment": (
        b'{"type":"track","event":"Order","messageId":"m","userId":"ada","anonymousId":"a",'
        b'"timestamp":"2024-01-01T00:00:00Z","sentAt":"2024-01-01T00:00:00Z","version":1,'
        b'"receivedAt":"2024-01-01T00:00:00Z","properties":{"total":3.5,"currency":"USD"},'
        b'"context":{"userAgent":"x"},"traits":{"name":"x","tz":"UTC"}}',
        b'{"batch":[{"type":"alias","userId":"ada","previousId":"b","messageId":"1"},'
        b'{"type":"identify","userId":"ada","anonymousId":"z","traits":{"name":"x"},'
        b'"messageId":"2"}],"sentAt":"2024-01-01T00:00:00Z"}',
    ),
    "sensors": (
        b'{"type":"track_id_bind","event":"$BindID","time":1700000000000,"distinct_id":"ada",'
        b'"identities":{"$identity_login_id":"ada","$identity_idfv":"y"},"_track_id":1,'
        b'"_flush_time":1700000000000,"properties":{"total":3,"$is_login_id":true}}',
        b'{"type":"track","event":"Order","time":1700000000000,"distinct_id":"ada",'
        b'"properties":{"total":3,"$is_login_id":true}}',
    ),
    "debezium": (
        b'{"before":{"status":"x","u":"ada"},"after":{"status":"paid","u":"ada","amount":"AAA=",'
        b'"at":1700000000000000,"id":1},"op":"u","source":{"table":"orders","db":"d",'
        b'"ts_ms":1700000000000,"file":"f","pos":1,"row":0,"snapshot":"false"},"ts_ms":1}',
        b'{"u":"ada","status":"paid","amount":"AAA=","at":1700000000000000,"id":1,"__op":"c",'
        b'"__table":"orders","__source_ts_ms":1700000000000,"__deleted":"false"}',
    ),
    "canal": (
        b'{"type":"UPDATE","database":"d","table":"orders","isDdl":false,"es":1700000000000,'
        b'"pkNames":["id"],"data":[{"u":"ada","amount":"3.5","at":"2023-11-14 22:13:20","id":"1"},'
        b'{"u":"bob","amount":"4","at":"2023-11-14 22:13:20","id":"2"}],"old":[{"amount":"1"},{}],'
        b'"_tidb":{"commitTs":1}}',
    ),
    "cloudevents": (
        b'{"specversion":"1.0","id":"i","source":"/s","type":"Order","subject":"ada",'
        b'"time":"2024-01-01T00:00:00Z","datacontenttype":"application/json","data":{"total":3}}',
        b'{"specversion":"1.0","id":"i","source":"/s","type":"Order","subject":"ada",'
        b'"time":"2024-01-01T00:00:00Z","data_base64":"eyJ0b3RhbCI6M30="}',
    ),
}  # fmt: skip
BINARY_EVENT: Final = (
    b"ce_specversion: 1.0\nce_id: i\nce_source: /s\nce_type: Order\nce_subject: ada\n"
    b'ce_time: 2024-01-01T00:00:00Z\ncontent-type: application/json\n\n{"total":3}'
)


@cache
def rules() -> Rules:
    return parse_rules(RULES)


def _source(topic: str) -> Source:
    return next(source for source in rules().sources if source.topic == topic)


def _split(sample: bytes, *, has_headers: bool) -> tuple[bytes, Headers]:
    """Return value and headers: lines as in HTTP before the value, if there is an empty one."""
    if not has_headers or b"\n\n" not in sample:
        return sample, ()
    head, _, value = sample.partition(b"\n\n")
    pairs = (line.partition(b": ")[::2] for line in head.split(b"\n"))
    return value, tuple((name.decode(errors="replace"), text) for name, text in pairs)


class Reading(NamedTuple):
    """How the records of a topic are read.

    Attributes:
        source: The topic.
        of: Its rules.
        schemas: Those that its records may name.
        has_headers: Headers count.
    """

    source: Source
    of: Rules
    schemas: Schemas
    has_headers: bool = False

    def careful(self) -> Callable[[bytes], str]:
        """Return what reads one record by itself."""
        tell = bulk_tell(self.source, self.of, self.schemas).careful

        def call(sample: bytes) -> str:
            value, headers = _split(sample, has_headers=self.has_headers)
            return of_told(tell(KEY, value, RECORD_MS, headers))

        return call

    def together(self) -> Callable[[bytes], str]:
        """Return what reads one record in all ways there are, and asks that they agree."""
        decode = bulk_decode(self.source, self.of, self.schemas)
        tell = bulk_tell(self.source, self.of, self.schemas)
        examine = make_examine(
            self.source, self.of, parse_as_of(self.source.encoding, self.schemas)
        )

        def call(sample: bytes) -> str:
            value, headers = _split(sample, has_headers=self.has_headers)
            quick = tell.all([KEY], [value], [RECORD_MS], [headers])[0]
            if len(sample) > LONG:
                return of_told(quick)
            told = tell.careful(KEY, value, RECORD_MS, headers)
            assert quick == told, f"quick: {quick!r}, careful: {told!r}"
            if isinstance(told, tuple):
                of_decoded(decode.careful(told[0].user_id.encode(), value, RECORD_MS, headers))
            is_taken = any(part.native for part in examine(KEY, value, RECORD_MS, headers))
            assert is_taken >= isinstance(told, tuple), "examine does not see what tell tells"
            return of_told(told)

        return call


@cache
def _of_topic(topic: str) -> Reading:
    return Reading(_source(topic), rules(), Schemas(), topic in HEADED)


@cache
def _of_tongue(name: str) -> Reading:
    tongue = TONGUES[name]
    of = parse_rules(tongue.rules)
    (source,) = of.sources
    return Reading(source, of, _schemas(source.encoding.value.upper(), tongue.schema),
                   tongue.has_headers)  # fmt: skip


@cache
def _of_schema(kind: str, text: str) -> Reading:
    of = parse_rules(WIDE % kind.lower())
    return Reading(of.sources[0], of, _schemas(kind, text))


def _schemas(kind: str, text: str) -> Schemas:
    schemas = Schemas()
    if text:
        schema = Schema(kind, text)
        schemas.learn(SCHEMA_ID, with_files(schema) if kind == "PROTOBUF" else schema)
    return schemas


def _headed(value: bytes, headers: Headers) -> bytes:
    """Return a record with its headers before it."""
    lines = b"".join(b"%s: %s\n" % (name.encode(), text) for name, text in headers)
    return lines + b"\n" + value if headers else value


def _seeds_of(topic: str) -> Sequence[bytes]:
    seeds = list(PLAIN.get(topic, ()))
    if topic in EXAMPLES:
        for each in import_module(EXAMPLES[topic]).EXAMPLES:
            value = each.value.encode() if isinstance(each.value, str) else each.value
            if value:
                seeds.append(_headed(value, getattr(each, "headers", ())))
    if topic in {"cloudevents", "around", "wrapped"}:
        seeds.append(BINARY_EVENT)
        event = PLAIN["cloudevents"][0]
        seeds += [event.replace(b'{"total":3}', data) for data in (*PLAIN["segment"], *NATIVE)]
    return seeds


def _seeds_of_tongue(name: str) -> Sequence[bytes]:
    records = map(TONGUES[name].write, HISTORY)
    has_headers = TONGUES[name].has_headers
    return [_headed(record.value, record.headers if has_headers else ()) for record in records]


def _of_native(make: Callable[[], Any]) -> Callable[[bytes], str]:
    """Return what reads a record of ours by itself."""
    careful = make().careful

    def call(sample: bytes) -> str:
        key = next((each for each in OURS if each in sample), KEY)
        return of_decoded(careful(key, sample, RECORD_MS, ()))

    return call


def _of_natives(make: Callable[[], Any]) -> Callable[[bytes], str]:
    """Return what reads a record of ours as a worker does, and asks that it is the same."""
    bulk = make()

    def call(sample: bytes) -> str:
        key = next((each for each in OURS if each in sample), KEY)
        quick = bulk.all([key], [sample], [RECORD_MS])[0]
        if len(sample) <= LONG:
            careful = bulk.careful(key, sample, RECORD_MS, ())
            assert quick == careful, f"quick: {quick!r}, careful: {careful!r}"
        return of_decoded(quick)

    return call


def _of_chunk(topic: str) -> Callable[[bytes], str]:
    """Return what reads a chunk as a worker does, and asks that each is read as if it were alone."""
    decode = bulk_decode(_source(topic), rules(), Schemas())

    def call(sample: bytes) -> str:
        values = sample.split(APART)
        count = len(values)
        together = decode.all([KEY] * count, values, [RECORD_MS] * count)
        for value, decoded in zip(values, together, strict=True):
            alone = decode.careful(KEY, value, RECORD_MS, ())
            assert alone == decoded, f"alone: {alone!r}, in a chunk: {decoded!r}"
        return of_decoded(together[0])

    return call


def _chunks(topic: str) -> Sequence[bytes]:
    seeds = _seeds_of(topic)
    return [APART.join(seeds[start : start + 3]) for start in range(0, len(seeds), 3)]


WIDE: Final = """
inputs:
  t: {format: json, encoding: %s, keyed_by: user, user: $.uid, id: $.id, event: $.what, time: {path: $.at, unit: iso}, map: [{event: Order, as: purchase, amount: $.amount}, {event: T, as: traits, traits: {member_name: $.any, zone: $.inner.inner.name, acquisition_source: $.map.x}}]}
"""  # a table


def _native(name: str, seeds: Sequence[bytes], make: Callable[[], Any]) -> Target:
    return Target(name, "native", JSON, lambda: seeds, partial(_of_native, make), TYPED,
                  partial(_of_natives, make))  # fmt: skip


def _read(
    name: str, tongue: Tongue, seeds: Callable[[], Sequence[bytes]], reading: Callable[[], Reading]
) -> Target:
    return Target(name, "formats", tongue, seeds, lambda: reading().careful(), TYPED,
                  lambda: reading().together())  # fmt: skip


TARGETS: Final = (
    _native("native", NATIVE, lambda: bulk_native(rules())),
    _native("feedback", FEEDBACK, bulk_feedback),
    *(
        _read(f"topic-{topic}", JSON, partial(_seeds_of, topic), partial(_of_topic, topic))
        for topic in (
            "segment", "sensors", "cloudevents", "around", "wrapped", "debezium", "canal", "json",
            "days", "native",
        )
    ),
    *(
        Target(f"{topic}-chunk", "formats", JSON, partial(_chunks, topic),
               partial(_of_chunk, topic), TYPED, cpu_s=0.02)
        for topic in ("segment", "debezium", "json")
    ),
    *(
        _read(f"tongue-{name}", BINARY if tongue.schema else JSON, partial(_seeds_of_tongue, name),
              partial(_of_tongue, name))
        for name, tongue in TONGUES.items()
    ),
    _read("avro-all", BINARY, lambda: AVRO_ALL.seeds(FRAME),
          partial(_of_schema, "AVRO", AVRO_ALL.text)),
    _read("protobuf-all", BINARY, lambda: PROTO_ALL.seeds(FRAME),
          partial(_of_schema, "PROTOBUF", PROTO_ALL.text)),
)  # fmt: skip
