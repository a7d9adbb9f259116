"""The examples of the specification of CloudEvents 1.0."""

from typing import Final

from tests.unit.intake.spec import Example

ROOT: Final = "https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents"
FORMAT: Final = f"{ROOT}/formats/json-format.md"
BINDING: Final = f"{ROOT}/bindings/kafka-protocol-binding.md"
DATA: Final = (("data", "appinfoA"), ("comexampleothervalue",))
MEMBERS: Final = (
    '"specversion": "1.0", "type": "com.example.someevent", "source": "/mycontext",'
    '"time": "2018-04-05T17:31:00Z", "comexampleextension1": "value", "comexampleothervalue": 5'
)
TYPE: Final = ("content-type", b"application/cloudevents+json; charset=UTF-8")
HEADERS: Final = (
    ("ce_specversion", b"1.0"),
    ("ce_type", b"com.example.someevent"),
    ("ce_source", b"/mycontext"),
    ("ce_time", b"2018-04-05T17:31:00Z"),
    ("ce_comexampleextension1", b"value"),
    ("ce_comexampleothervalue", b"5"),
)
AT: Final = "`com.example.someevent` of nobody at 2018-04-05T17:31:00Z, id `/mycontext"
XML: Final = '"datacontenttype": "application/xml", "data": "<much wow=\\"xml\\"/>"'
THRIFT: Final = "application/vnd.apache.thrift.binary"


def _named(event_id: str, media: bytes) -> tuple[tuple[str, bytes], ...]:
    return (*HEADERS, ("ce_id", event_id.encode()), ("content-type", media))


EXAMPLES: Final = (
    Example(
        "Specification: a pull request, data in XML",
        f"{ROOT}/spec.md#example",
        '{"specversion": "1.0", "type": "com.github.pull_request.opened", "subject": "123",'
        '"source": "https://github.com/cloudevents/spec/pull", "id": "A234-1234-1234",'
        '"time": "2018-04-05T17:31:00Z", "comexampleextension1": "value",'
        '"comexampleothervalue": 5, "datacontenttype": "text/xml", "data": "<wow/>"}',
        "`com.github.pull_request.opened` of user `123` at 2018-04-05T17:31:00Z,"
        " id `https://github.com/cloudevents/spec/pull A234-1234-1234`",
    ),
    Example(
        "JSON format: binary data",
        f"{FORMAT}#32-examples",
        f'{{{MEMBERS}, "id": "A234", "datacontenttype": "{THRIFT}", "data_base64": "gAEAAQ=="}}',
        f"{AT} A234`",
        (TYPE,),
    ),
    Example(
        "JSON format: binary data, and a rule reads it",
        f"{FORMAT}#32-examples",
        f'{{{MEMBERS}, "id": "A234", "datacontenttype": "{THRIFT}", "data_base64": "gAEAAQ=="}}',
        f"refused, bad_envelope: '{THRIFT}' is not JSON - at `$.datacontenttype`",
        (TYPE,),
        DATA,
    ),
    Example(
        "JSON format: data in XML, an extension without a value",
        f"{FORMAT}#32-examples",
        f'{{{MEMBERS}, "id": "B234", "unsetextension": null, {XML}}}',
        f"{AT} B234`",
        (TYPE,),
    ),
    Example(
        "JSON format: data in XML, and a rule reads it",
        f"{FORMAT}#32-examples",
        f'{{{MEMBERS}, "id": "B234", "unsetextension": null, {XML}}}',
        "refused, bad_envelope: 'application/xml' is not JSON - at `$.datacontenttype`",
        (TYPE,),
        DATA,
    ),
    Example(
        "JSON format: data in JSON, subject null",
        f"{FORMAT}#32-examples",
        f'{{{MEMBERS}, "id": "C234", "subject": null, "datacontenttype": "application/json",'
        '"data": {"appinfoA": "abc", "appinfoB": 123, "appinfoC": true}}',
        f"{AT} C234`",
        (TYPE,),
        DATA,
    ),
    Example(
        "JSON format: data is a text, no content type",
        f"{FORMAT}#32-examples",
        f'{{{MEMBERS}, "id": "D234", "subject": null, "data": "just a text"}}',
        f"{AT} D234`",
        (TYPE,),
        DATA,
    ),
    Example(
        "JSON format, the same in binary mode: binary data",
        f"{BINDING}#32-binary-content-mode",
        "\x00\x01",
        f"{AT} A234`",
        _named("A234", THRIFT.encode()),
    ),
    Example(
        "JSON format, the same in binary mode: data in XML",
        f"{BINDING}#32-binary-content-mode",
        "<much/>",
        f"{AT} B234`",
        _named("B234", b"application/xml"),
    ),
    Example(
        "JSON format, the same in binary mode: data in JSON",
        f"{BINDING}#32-binary-content-mode",
        '{"appinfoA": "abc", "appinfoB": 123, "appinfoC": true}',
        f"{AT} C234`",
        _named("C234", b"application/json"),
        DATA,
    ),
    Example(
        "JSON format, the same in binary mode: data is a text",
        f"{BINDING}#32-binary-content-mode",
        '"just a text"',
        f"{AT} D234`",
        _named("D234", b"application/json"),
        DATA,
    ),
    Example(
        "JSON format, the same in binary mode: a text without its quotes",
        f"{FORMAT}#32-examples",
        "just a text",
        "refused, not_decodable: JSON is malformed: invalid character (byte 0) - at `$.data`",
        _named("D234", b"application/json"),
        DATA,
    ),
    Example(
        "Batch format: two events",
        f"{FORMAT}#43-examples",
        f'[{{{MEMBERS}, "id": "B234"}}, {{{MEMBERS}, "id": "C234"}}]',
        "refused, bad_envelope: 'application/cloudevents-batch+json' is not read"
        " - at header `content-type`",
        (("content-type", b"application/cloudevents-batch+json"),),
    ),
    Example(
        "Batch format: no event, no header",
        f"{FORMAT}#43-examples",
        "[]",
        "refused, not_decodable: Expected `object`, got `array` - at `$`",
    ),
    Example(
        "Kafka: structured",
        f"{BINDING}#334-example",
        '{"specversion": "1.0", "type": "com.example.someevent", "source": "/mycontext/sub",'
        f'"id": "1234", "time": "2018-04-05T03:56:24Z", {XML}}}',
        "`com.example.someevent` of nobody at 2018-04-05T03:56:24Z, id `/mycontext/sub 1234`",
        (TYPE,),
    ),
    Example(
        "Kafka: a format of events that is not JSON",
        f"{BINDING}#3-kafka-message-mapping",
        "\x00",
        "refused, bad_envelope: 'application/cloudevents+avro' is not read"
        " - at header `content-type`",
        (("content-type", b"application/cloudevents+avro"),),
    ),
    Example(
        "Kafka: binary, data in Avro",
        f"{BINDING}#325-example",
        "\x00\x00",
        "`com.example.someevent` of nobody at 2018-04-05T17:31:00Z, id `/mycontext 1234`",
        _named("1234", b"application/avro"),
    ),
    Example(
        "Kafka: binary, no data",
        f"{BINDING}#322-event-data-encoding",
        "",
        f"{AT} 1234`",
        _named("1234", b"application/json"),
        DATA,
    ),
    Example(
        "Another version",
        f"{ROOT}/spec.md#specversion",
        '{"specversion": "0.3", "type": "t", "source": "/s", "id": "1"}',
        "refused, unknown_version: '0.3' - at `$.specversion`",
    ),
    Example(
        "The patch of the specification in the attribute",
        f"{ROOT}/spec.md#specversion",
        '{"specversion": "1.0.2", "type": "t", "source": "/s", "id": "1"}',
        "refused, unknown_version: '1.0.2' - at `$.specversion`",
    ),
)
