"""The postbox: the simplest provider that has every trouble of the real ones.

======================================  =========================================================
``POST /messages`` ``{"id", "to",       202 ``{"ref": "m-17"}``: taken.
"template", "params"}``                 400 ``{"error": code}``: refused, nothing was sent.
                                        429 (with ``Retry-After``) or 503: not sent, try later.
                                        500, or no answer: nobody knows. It does **not** dedupe.
``GET /messages?id=…``                  200 ``{"id", "ref", "status"}`` with ``accepted``,
                                        ``delivered`` or ``failed``; 404: it never took this id.
``POST /callbacks`` ``{"url": "…"}``    204: receipts ``[{"id", "ref", "status", "at"}]`` are
                                        posted there until it answers 200.
``GET /addresses/{user_id}/{channel}``  200 ``{"address": "…"}``, or 404.
======================================  =========================================================

An address is a phone number: 11 digits that begin with 1, with or without ``+86`` before them.
Source: our own; nothing but examples and the conformance of senders lives by it.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from winback_sender.standins.addresses import Knows, add_address_route
from winback_sender.standins.stand_in import Call, Plan, StandIn, all_is_well

CALLBACK_PATH: Final = "/callbacks/postbox"
RETRY_AFTER_S: Final = 1
PARAM_CHARACTERS_MAX: Final = 100
_PHONE: Final = re.compile(r"(\+86)?1[3-9][0-9]{9}")


def nobody(user_id: str, channel: str) -> None:
    """Know no address at all."""
    del user_id, channel


class Postbox(StandIn):
    """Takes messages over HTTP.

    Args:
        plan: What happens to each call.
        knows: Whose address is what.
        needs: Template to the params that it cannot do without; any other needs none.
    """

    def __init__(
        self,
        plan: Plan = all_is_well,
        knows: Knows = nobody,
        needs: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        super().__init__(plan)
        self._knows = knows
        self._needs = needs or {}
        self._receivers: list[str] = []

    @property
    def addresses_url(self) -> str:
        """Where addresses are asked for."""
        return f"{self.url}/addresses"

    @property
    def is_heard(self) -> bool:
        """Whether a receiver is registered; those who only poll hear nothing."""
        return bool(self._receivers)

    def add_routes(self, routes: web.UrlDispatcher) -> None:
        """Serve messages, their status, call-backs and addresses."""
        routes.add_post("/messages", self._post)
        routes.add_get("/messages", self._get)
        routes.add_post("/callbacks", self._register)
        add_address_route(routes, self._knows)

    def accepted(self, call: Call) -> web.StreamResponse:
        """Return 202."""
        return web.json_response({"ref": call.ref}, status=202)

    def throttled(self, call: Call) -> web.StreamResponse:
        """Return 429, or 503 for every other call: both say that nothing was sent."""
        if int(call.ref.removeprefix("m-")) % 2:
            return web.json_response({"error": "unavailable"}, status=503)
        wait = {"Retry-After": str(RETRY_AFTER_S)}
        return web.json_response({"error": "slow_down"}, status=429, headers=wait)

    def refused(self, call: Call) -> web.StreamResponse:
        """Return 400."""
        del call
        return _refusal("content_refused")

    async def send_receipt(self, call: Call) -> bool:
        """Post to every receiver, until one has taken it; without any, nobody wants to know."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        receipt = [{"id": call.touch_id, "ref": call.ref, "status": _end(call), "at": at}]
        answers = [await self.post(url, json=receipt) for url in reversed(self._receivers)]
        return not answers or any(status == web.HTTPOk.status_code for status, _ in answers)

    async def _post(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await request.json()
            touch_id, address, template = body["id"], body["to"], body["template"]
            params = dict(body.get("params", {}))
        except (ValueError, KeyError, TypeError):
            return _refusal("not_readable")
        faults = {
            "no_id": not isinstance(touch_id, str) or not touch_id,
            "bad_number": not isinstance(address, str) or not _PHONE.fullmatch(address),
            "no_template": not isinstance(template, str) or not template,
            "bad_params": any(not _is_text(value) for value in params.values()),
            "missing_param": any(not params.get(name) for name in self._needs.get(template, ())),
        }
        for code, is_so in faults.items():
            if is_so:
                return _refusal(code)
        return await self.take(request, touch_id, address, {"template": template, **params})

    async def _get(self, request: web.Request) -> web.StreamResponse:
        call = self.find(request.query.get("id", ""))
        if call is None:
            return web.json_response({"error": "not_found"}, status=404)
        is_known = any(told.touch_id == call.touch_id for told in self.told)
        status = _end(call) if is_known else "accepted"
        return web.json_response({"id": call.touch_id, "ref": call.ref, "status": status})

    async def _register(self, request: web.Request) -> web.StreamResponse:
        try:
            url = (await request.json())["url"]
        except (ValueError, KeyError, TypeError):
            return _refusal("not_readable")
        if url not in self._receivers:
            self._receivers.append(url)
        return web.Response(status=204)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= PARAM_CHARACTERS_MAX


def _end(call: Call) -> str:
    return "delivered" if call.turn.arrives else "failed"


def _refusal(code: str) -> web.Response:
    return web.json_response({"error": code}, status=400)
