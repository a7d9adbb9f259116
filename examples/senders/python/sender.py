"""A sender with the kit: one function sends, one asks what became of it."""

import os

import msgspec

from winback_sender import kit

addresses = kit.open_addresses(os.environ["WINBACK_SENDER_ADDRESSES"], os.environ)
postbox = kit.Calls("postbox", os.environ["PROVIDER_URL"], timeout_s=2.0, parallel=64)


def deliver(touch: kit.TouchRequested) -> kit.Receipt:
    to = kit.address_for(touch, addresses)  # it never stands in Kafka
    body = {"id": touch.touch_id, "to": to, "template": touch.template_key, "params": touch.params}
    reply = postbox.post("/messages", msgspec.json.encode(body))
    if reply.status in (429, 503):  # nothing was sent: try again
        raise kit.NotSentError("over_limit", retry=True, after_s=reply.retry_after_s)
    if reply.status == 400:  # nothing was sent, and nothing will be
        raise kit.NotSentError(reply.json(dict)["error"])
    # Whatever else is raised, here too, means unknown.
    return kit.Receipt(kit.Status.ACCEPTED, ref=reply.json(dict)["ref"])


def ask(sent: kit.Sent) -> kit.Receipt | None:
    reply = postbox.get("/messages", query={"id": sent.touch_id})
    return None if reply.status == 404 else kit.Receipt(kit.Status(reply.json(dict)["status"]))


if __name__ == "__main__":
    kit.serve(deliver, ask=ask, name="postbox")
