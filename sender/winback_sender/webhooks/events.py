"""What a receiver is sent: a touch as a CloudEvent in structured mode.

Structured, because a signature covers the body alone: the attributes of binary mode are headers,
and anybody on the way could change them.

Source:
    CloudEvents 1.0.2, JSON Event Format §3, and HTTP Protocol Binding §3.2.
"""

from typing import Any, Final

import msgspec

from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.versions import dataschema

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
_KIND: Final = "touch.requested"
_JSON: Final = msgspec.json.Encoder()


def event(touch: TouchRequested, source: str, address: str = "") -> bytes:
    """Return the body: the attributes, and the touch as it stands in Kafka under ``data``.

    Args:
        touch: What is to be sent.
        source: Who sends.
        address: Goes into ``data`` as well, if it is not empty. It is no attribute: those are
            logged and routed by.
    """
    data: Any = touch
    if address:
        data = msgspec.to_builtins(touch) | {"address": address}
    return _JSON.encode(
        {
            "specversion": "1.0",
            "id": touch.touch_id,
            "source": source,
            "type": f"winback.{_KIND}",
            "subject": touch.user_id,
            "datacontenttype": "application/json",
            "dataschema": dataschema(_KIND),
            "data": data,
        }
    )
