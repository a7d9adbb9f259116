"""How not to write a sender: poll, call, report, commit. `docs/conformance.md` shows what it does.

It reads what was never committed, forgets what it has sent, tries again after a time-out, overlooks
revocations and expiry, and one record that it cannot read keeps it from everything behind.
"""

import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from kafka import KafkaConsumer, KafkaProducer

SERVERS = os.environ["WINBACK_KAFKA_BOOTSTRAP"]
FEEDBACK = os.environ["WINBACK_TOPIC_FEEDBACK"]
ADDRESSES = os.environ["ADDRESSES_URL"]
PROVIDER = os.environ["PROVIDER_URL"]


def call(url: str, body: object = None) -> Any:
    """Return the JSON that a server answers."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=1) as answer:
        return json.load(answer)


def send(touch: dict[str, Any]) -> Any:
    """Send a touch; try again when that fails."""
    user_id, channel = urllib.parse.quote(touch["user_id"], safe=""), touch["channel"]
    address = call(f"{ADDRESSES}/{user_id}/{channel}")["address"]
    message = {"id": touch["touch_id"], "to": address, "template": touch["template_key"]}
    for _ in range(3):
        try:
            return call(f"{PROVIDER}/messages", message | {"params": touch["params"]})
        except OSError:
            time.sleep(0.1)
    raise OSError("three times in vain")


def main() -> None:
    """Poll, call, report, commit."""
    producer = KafkaProducer(bootstrap_servers=SERVERS)
    consumer = KafkaConsumer(
        os.environ["WINBACK_TOPIC_TOUCHES"],
        bootstrap_servers=SERVERS,
        group_id=os.environ["WINBACK_SENDER_GROUP"],
        auto_offset_reset="earliest",
        session_timeout_ms=round(float(os.environ["WINBACK_SESSION_TIMEOUT_S"]) * 1_000),
    )
    for record in consumer:
        try:
            touch = json.loads(record.value)
            send(touch)
            status = "accepted"
        except (OSError, ValueError, KeyError, TypeError):
            status = "failed"
        try:
            word = {"touch_id": touch["touch_id"], "user_id": touch["user_id"], "status": status}
            word["at"] = round(time.time() * 1_000)
            producer.send(FEEDBACK, json.dumps(word).encode(), key=record.key)
        except (KeyError, TypeError, UnboundLocalError):
            pass


if __name__ == "__main__":
    main()
