"""Forms that do something: who may is known by then; here they are read, carried out, recorded."""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from streams.console.views import calls
from streams.console.views.asked import Book
from streams.console.web.desk import Desk
from streams.console.web.guard import SESSION
from streams.console.web.orders import Done, Orders
from streams.errors import UserError
from streams.runtime.dead_letter_survey import Wanted
from streams.runtime.letters import Place
from streams.runtime.ticks import now_ms
from winback_sender.logs import get_logger

log = get_logger(__name__)

TEXT_MAX: Final = 600
Form = dict[str, str]


class Acts:
    """Carries out what is asked for.

    Args:
        orders: Writes to the topics.
        desk: Claims and the record.
        book: Returns the read model, for the thread that asks.
        tell: Told that something has changed that no topic says.
    """

    def __init__(
        self, orders: Orders, desk: Desk, book: Callable[[], Book], tell: Callable[[], None]
    ) -> None:
        self._orders, self._desk, self._book, self._tell = orders, desk, book, tell
        self._all: dict[str, Callable[[Form, str], Awaitable[Done]]] = {
            "opt-out": self._opt_out, "erase": self._erase, "order": self._order,
            "claim": self._claim, "release": self._release, "outcome": self._outcome,
            "letters": self._letters,
        }  # fmt: skip

    async def handle(self, request: web.Request) -> tuple[Done, str]:
        """Carry out a form; return what came of it, and where its reader was.

        Raises:
            web.HTTPNotFound: There is no such thing to do.
        """
        what = request.match_info["what"]
        carry_out = self._all.get(what)
        session = request.get(SESSION)
        if carry_out is None or session is None:
            raise web.HTTPNotFound(text="404\n")
        posted = await request.post()
        form = {name: value[:TEXT_MAX] for name, value in posted.items() if isinstance(value, str)}
        by = f"{session.name} (console)"
        try:
            done = await carry_out(form, by)
        except UserError as error:
            log.warning("console_action_failed", what=what, error=type(error).__name__)
            done = Done(is_done=False, key="e_kafka")
        self._note(what, form, by, done)
        self._tell()
        return done, own_path(form.get("back", ""))

    def _note(self, what: str, form: Form, by: str, done: Done) -> None:
        subject = form.get("name") or form.get("touch_id") or form.get("key") or form.get(
            "place") or f"{form.get('reason', '')} {form.get('topic', '')}".strip()  # fmt: skip
        detail = form.get("outcome") or form.get("value") or form.get("what", "")
        result = "done" if done.is_done else f"not done: {done.key}"
        self._desk.note(by, f"{what} {detail}".strip(), subject, result, now_ms())
        log.info("console_action", what=what, subject=subject, by=by, result=result)

    async def _opt_out(self, form: Form, by: str) -> Done:
        del by
        return await self._orders.opt_out(self._book(), form.get("name", ""))

    async def _erase(self, form: Form, by: str) -> Done:
        del by
        return await self._orders.erase(self._book(), form.get("name", ""), form.get("typed", ""))

    async def _order(self, form: Form, by: str) -> Done:
        return await self._orders.order(
            self._book(), form.get("key", ""), form.get("value", ""), form.get("typed", ""), by
        )

    async def _claim(self, form: Form, by: str) -> Done:
        touch_id = form.get("touch_id", "")
        if calls.call(self._book(), touch_id) is None:
            return Done(is_done=False, key="gone_before")
        is_ours = self._desk.claim(touch_id, _name(by), now_ms())
        return Done(is_ours, "d_claim" if is_ours else "claimed_before")

    async def _release(self, form: Form, by: str) -> Done:
        is_done = self._desk.release(form.get("touch_id", ""), _name(by))
        return Done(is_done, "d_release" if is_done else "gone_before")

    async def _outcome(self, form: Form, by: str) -> Done:
        touch_id = form.get("touch_id", "")
        if not self._desk.claim(touch_id, _name(by), now_ms()):
            return Done(is_done=False, key="claimed_before")
        done = await self._orders.outcome(self._book(), touch_id, form.get("outcome", ""))
        if done.is_done:
            self._desk.release(touch_id, _name(by))
        return done

    async def _letters(self, form: Form, by: str) -> Done:
        what, because = form.get("what", ""), form.get("because", "")[:500]
        if what not in {"replayed", "discarded"} or (what == "discarded" and not because.strip()):
            return Done(is_done=False, key="refused")
        if form.get("place"):
            wanted = Wanted(places=frozenset([Place.named(form["place"])]))
        elif form.get("reason") and form.get("topic"):
            wanted = Wanted(reasons=frozenset([form["reason"]]), topics=frozenset([form["topic"]]))
        else:
            return Done(is_done=False, key="refused")
        return await self._orders.letters(self._book(), wanted, what, because, by)


def _name(by: str) -> str:
    return by.removesuffix(" (console)")


def own_path(back: str) -> str:
    """Return a path of ours that a form names; anything else leads to the first page."""
    parts = urlsplit(back)
    is_ours = back.startswith("/") and not back.startswith(("//", "/\\")) and not parts.netloc
    is_clean = all(one.isprintable() for one in back) and "\\" not in back
    return back if is_ours and is_clean and not parts.scheme else "/now"
