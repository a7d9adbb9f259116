"""A provider that misbehaves on command, and remembers the truth.

A stand-in of a provider is a subclass: it checks requests as the provider does, and says in the
provider's words what the base has decided. In short::

    class Postbox(StandIn):
        def add_routes(self, routes):
            routes.add_post("/messages", self.post_message)

        async def post_message(self, request):
            body = await request.json()
            if "to" not in body:
                return web.json_response({"error": "no_address"}, status=400)  # nothing was taken
            return await self.take(request, body["id"], body["to"])

        def accepted(self, call): return web.json_response({"ref": call.ref}, status=202)
        def throttled(self, call): return web.json_response({"error": "slow_down"}, status=429)
        def refused(self, call): return web.json_response({"error": "refused"}, status=400)

        async def send_receipt(self, call):
            status, _ = await self.post("/callbacks/postbox", json={"id": call.touch_id, ...})
            return status == 200
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, NamedTuple

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from winback_sender.standins.server import Server


class Fate(StrEnum):
    """What becomes of one call."""

    OK = "ok"
    LOST_ANSWER = "lost_answer"  # it takes the message and never answers: the caller times out
    LOST_CALL = "lost_call"  # the connection is reset, and nothing was taken
    ERROR_AFTER = "error_after"  # 500, and the message was sent
    ERROR_BEFORE = "error_before"  # 500, and nothing was sent
    THROTTLED = "throttled"  # the provider's own code for too many calls; nothing was sent
    SLOW = "slow"  # it answers after a pause
    HTML = "html"  # the message was sent, and the answer is a page of HTML with 200
    REFUSED = "refused"  # the provider's own code for a lasting refusal; nothing was sent


SENDS: Final = frozenset({Fate.OK, Fate.LOST_ANSWER, Fate.ERROR_AFTER, Fate.SLOW, Fate.HTML})
"""Fates with which the message reaches the user."""


PATIENCE_S: Final = 0.05
"""So often it is looked whether the caller has given up."""


class Receipts(StrEnum):
    """How the delivery receipt of a message that was sent comes."""

    ONCE = "once"
    TWICE = "twice"
    BEFORE_ANSWER = "before_answer"
    NEVER = "never"
    LATE = "late"


class Turn(NamedTuple):
    """What happens to one call.

    Attributes:
        fate: To the call itself.
        receipts: How the receipt comes, if the message was sent.
        arrives: Whether the receipt says that it reached the user, or that it did not.
    """

    fate: Fate = Fate.OK
    receipts: Receipts = Receipts.ONCE
    arrives: bool = True


Plan = Callable[[str, int], Turn]
"""Touch id and how often it was tried before (0 = first) to what happens."""


def all_is_well(touch_id: str, tried: int) -> Turn:
    """Return the plan of a provider on a good day."""
    del touch_id, tried
    return Turn()


class Call(NamedTuple):
    """One request to send that was in order.

    Attributes:
        touch_id: Which touch.
        at_ms: When it came, epoch ms UTC.
        address: To whom.
        ref: What the provider calls the message: ``m-1``, ``m-2`` …
        turn: What happened to it.
        what: Whatever else the subclass wants to remember: the template, the text.
    """

    touch_id: str
    at_ms: int
    address: str
    ref: str
    turn: Turn
    what: Any = None

    @property
    def was_sent(self) -> bool:
        """Whether the message reached the user."""
        return self.turn.fate in SENDS


class Told(NamedTuple):
    """A receipt that a receiver has taken, at an instant in epoch ms UTC."""

    touch_id: str
    at_ms: int
    arrived: bool


class StandIn(Server):
    """Stands in for a provider, on the loopback, between ``with`` and its end.

    Args:
        plan: What happens to each call.

    Attributes:
        callback_urls: Base addresses of the sender's web server, where receipts go; of several
            instances the first that answers gets it, as behind a load balancer.
        slow_s, silence_s: How long `Fate.SLOW` takes, and how long `Fate.LOST_ANSWER` is silent
            before the connection ends.
        receipt_s, late_s: After how long a receipt comes, and a late one.
        retry_s, tries: A receipt that nobody takes comes again. Real providers wait minutes.
    """

    def __init__(self, plan: Plan = all_is_well) -> None:
        super().__init__()
        self.plan = plan
        self.callback_urls: tuple[str, ...] = ()
        self.slow_s, self.silence_s = 0.5, 60.0
        self.receipt_s, self.late_s = 0.05, 2.0
        self.retry_s, self.tries = 1.0, 30
        self._calls: list[Call] = []
        self._told: list[Told] = []
        self._tried: Counter[str] = Counter()
        self._session: ClientSession | None = None
        self._answers: Final[dict[Fate, Callable[[Call], web.StreamResponse]]] = {
            Fate.OK: self.accepted,
            Fate.SLOW: self.accepted,
            Fate.THROTTLED: self.throttled,
            Fate.REFUSED: self.refused,
            Fate.ERROR_AFTER: self.broken,
            Fate.ERROR_BEFORE: self.broken,
            Fate.HTML: _page,
            Fate.LOST_ANSWER: self.broken,  # nobody reads it
            Fate.LOST_CALL: self.broken,  # nobody reads it
        }

    @property
    def is_heard(self) -> bool:
        """Whether somebody waits for receipts."""
        return bool(self.callback_urls)

    @property
    def owes_receipts(self) -> bool:
        """Whether a receipt is still to come, or to come again."""
        return bool(self._tasks)

    @property
    def calls(self) -> list[Call]:
        """Every call so far that was in order, also those that sent nothing."""
        return self._calls.copy()

    @property
    def told(self) -> list[Told]:
        """Every receipt that was taken."""
        return self._told.copy()

    def find(self, touch_id: str) -> Call | None:
        """Return the call that sent a touch, for status queries; None = it was never sent."""
        return next((call for call in self._calls if call.touch_id == touch_id and call.was_sent),
                    None)  # fmt: skip

    # How HTTP says it; a subclass says it in the words of its provider.

    def accepted(self, call: Call) -> web.StreamResponse:
        """Return the answer to a message that was taken."""
        del call
        return web.Response(status=202)

    def throttled(self, call: Call) -> web.StreamResponse:
        """Return the answer to too many calls; nothing was sent."""
        del call
        return web.Response(status=429)

    def refused(self, call: Call) -> web.StreamResponse:
        """Return the answer to what the provider will never send."""
        del call
        return web.Response(status=400)

    def broken(self, call: Call) -> web.StreamResponse:
        """Return the answer of a provider in trouble, whether it has sent or not."""
        del call
        return web.Response(status=500, text="Internal Server Error")

    async def send_receipt(self, call: Call) -> bool:
        """Tell the sender what became of a message; return whether it has taken note."""
        del call
        return True

    # What a subclass uses.

    async def take(
        self, request: web.Request, touch_id: str, address: str, what: Any = None
    ) -> web.StreamResponse:
        """Let fate have its way with a request that is in order; return the answer."""
        call = self.record(touch_id, address, what)
        if call.was_sent:
            await self._see_to_receipts(call)
        if call.turn.fate == Fate.SLOW:
            await asyncio.sleep(self.slow_s)
        if call.turn.fate == Fate.LOST_ANSWER:
            await self._say_nothing(request)
        if call.turn.fate in {Fate.LOST_ANSWER, Fate.LOST_CALL}:
            hang_up(request)
        return self._answers[call.turn.fate](call)

    def record(self, touch_id: str, address: str, what: Any = None) -> Call:
        """Take note of a call; for stand-ins that do not speak HTTP."""
        turn = self.plan(touch_id, self._tried[touch_id])
        self._tried[touch_id] += 1
        call = Call(touch_id, _now_ms(), address, f"m-{len(self._calls) + 1}", turn, what)
        self._calls.append(call)
        return call

    async def post(self, path: str, **request: Any) -> tuple[int, bytes]:
        """POST to the sender's web server.

        Args:
            path: Of the call-back, or a whole URL.
            request: As for `aiohttp.ClientSession.post`: ``json=``, ``data=``, ``headers=``.

        Returns:
            Status and body of the first instance that answers, or ``(0, b"")``.
        """
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=5.0))
        whole = path.startswith("http")
        for url in [path] if whole else [base + path for base in self.callback_urls]:
            try:
                async with self._session.post(url, **request) as answer:
                    return answer.status, await answer.read()
            except (ClientError, TimeoutError, OSError):
                continue
        return 0, b""

    async def _see_to_receipts(self, call: Call) -> None:
        match call.turn.receipts:
            case Receipts.ONCE:
                self.later(self._receipt(call, self.receipt_s))
            case Receipts.TWICE:
                self.later(self._receipt(call, self.receipt_s))
                self.later(self._receipt(call, self.receipt_s * 2))
            case Receipts.BEFORE_ANSWER:
                if not await self._tell(call):
                    self.later(self._receipt(call, self.retry_s))
            case Receipts.LATE:
                self.later(self._receipt(call, self.late_s))
            case Receipts.NEVER:
                pass

    async def _receipt(self, call: Call, after_s: float) -> None:
        await asyncio.sleep(after_s)
        for _ in range(self.tries):
            if await self._tell(call):
                return
            await asyncio.sleep(self.retry_s)

    async def _tell(self, call: Call) -> bool:
        was_taken = await self.send_receipt(call)
        if was_taken:
            self._told.append(Told(call.touch_id, _now_ms(), call.turn.arrives))
        return was_taken

    async def _say_nothing(self, request: web.Request) -> None:
        """Wait until the caller gives up."""
        for _ in range(round(self.silence_s / PATIENCE_S)):
            if request.transport is None:
                return
            await asyncio.sleep(PATIENCE_S)

    async def at_end(self) -> None:
        """Close the connections to the sender."""
        if self._session is not None:
            await self._session.close()


def _page(call: Call) -> web.Response:
    """Return what a proxy on the way says in its own words."""
    del call
    return web.Response(text="<html><body>Welcome!</body></html>", content_type="text/html")


def hang_up(request: web.Request) -> None:
    """End a connection without an answer."""
    if request.transport is not None:
        request.transport.abort()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
