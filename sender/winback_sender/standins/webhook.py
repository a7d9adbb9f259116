"""A company's own receiver of touches, as a stand-in; it speaks Standard Webhooks.

``POST /hook`` with a CloudEvent in structured mode, and the three signed headers:

====  ==========================================================================================
200   ``{"ref": "m-17"}``: taken. One that dedupes says the same to a ``webhook-id`` that it has.
400   the body is no CloudEvent of a touch
401   the signature does not fit, or the timestamp is more than five minutes away
410   ``wants_no_more`` was set: nothing is taken
415   the content type is another
422   it will never take this touch
429   too many, with ``Retry-After``; nothing was taken
500   nobody knows
====  ==========================================================================================

It tells ``/callbacks/webhook`` of the sender what became of a touch, signed in the same way.

Source:
    Standard Webhooks 1.0.0:
    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    CloudEvents 1.0.2, HTTP Protocol Binding §3.2 (structured content mode).
"""

import time
from typing import Final

import msgspec
from aiohttp import web

from winback_sender.contract.messages import TouchRequested
from winback_sender.http.decoding import decoder
from winback_sender.standins.stand_in import Call, Plan, StandIn, all_is_well
from winback_sender.webhooks.signatures import RefusedError, Signer

PATH: Final = "/hook"
CALLBACK_PATH: Final = "/callbacks/webhook"
SECRET: Final = "whsec_d2luYmFja3dpbmJhY2t3aW5iYWNrd2luYmFjaw=="  # noqa: S105  # of nobody
RETRY_AFTER_S: Final = 1


class _Event(msgspec.Struct):
    """What is looked at of a CloudEvent."""

    specversion: str
    id: str
    source: str
    type: str
    data: TouchRequested


class WebhookReceiver(StandIn):
    """Takes touches over HTTP.

    Args:
        plan: What happens to each call.
        dedupes: Whether a touch that was taken is taken once only.
        secret: Both sides know it.

    Attributes:
        wants_no_more: It answers 410 to everything.
    """

    def __init__(
        self, plan: Plan = all_is_well, *, dedupes: bool = False, secret: str = SECRET
    ) -> None:
        super().__init__(plan)
        self.wants_no_more = False
        self._dedupes = dedupes
        self._signer = Signer(secret, "secret")

    @property
    def endpoint(self) -> str:
        """Where touches are posted."""
        return f"{self.url}{PATH}"

    def add_routes(self, routes: web.UrlDispatcher) -> None:
        """Serve the hook."""
        routes.add_post(PATH, self._hook)

    def accepted(self, call: Call) -> web.StreamResponse:
        """Return 200."""
        return web.json_response({"ref": call.ref})

    def throttled(self, call: Call) -> web.StreamResponse:
        """Return 429."""
        del call
        wait = {"Retry-After": str(RETRY_AFTER_S)}
        return web.json_response({"error": "too_many"}, status=429, headers=wait)

    def refused(self, call: Call) -> web.StreamResponse:
        """Return 422."""
        del call
        return web.json_response({"error": "refused"}, status=422)

    async def send_receipt(self, call: Call) -> bool:
        """Say that a touch was delivered, or that it failed."""
        status, outcome = ("delivered", "") if call.turn.arrives else ("failed", "soft")
        now_s = int(time.time())
        word = {
            "touch_id": call.touch_id, "status": status, "outcome": outcome,
            "at": now_s * 1_000, "provider_ref": call.ref,
        }  # fmt: skip
        body = msgspec.json.encode(word)
        headers = self._signer.headers(f"{call.ref}-{status}", now_s, body)
        answer, _ = await self.post(CALLBACK_PATH, data=body, headers=headers)
        return answer == web.HTTPOk.status_code

    async def _hook(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if self.wants_no_more:
            return web.Response(status=410)
        if request.content_type != "application/cloudevents+json":
            return web.json_response({"error": "content_type"}, status=415)
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            touch_id = self._signer.verify(headers, body, time.time())
        except RefusedError as error:
            return web.json_response({"error": str(error)}, status=401)
        try:
            event = _event(body, touch_id)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        known = self.find(touch_id) if self._dedupes else None
        if known is not None:
            return self.accepted(known)
        address = msgspec.json.decode(body)["data"].get("address", event.data.user_id)
        return await self.take(request, touch_id, address, event.data.template_key)


def _event(body: bytes, touch_id: str) -> _Event:
    """Return the event of a body.

    Raises:
        ValueError: It is none, or not of this touch.
    """
    event = decoder(_Event).decode(body)
    if event.specversion != "1.0" or {event.id, event.data.touch_id} != {touch_id}:
        raise ValueError("the event, its touch and webhook-id are not one")
    return event
