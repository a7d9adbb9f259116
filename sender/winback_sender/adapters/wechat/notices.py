"""Messages on their way: whose a result is that names no id of ours.

``bizsend`` names openid and template in its result. ``template/send`` names its own id, which a
sender that was killed before the answer never learned: a result with an id that nobody knows is
then that of the openid's call without an answer, if there is one. Other systems of the company send
templates too, so such a call is waited for only as long as a result takes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from winback_sender.adapters.wechat.memory import Memory, before_the_call
from winback_sender.contract.instants import DAY_MS, MINUTE_MS
from winback_sender.receipt import NotSentError

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS notices (
    openid BLOB NOT NULL,
    template_id TEXT NOT NULL,
    touch_id TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    msgid TEXT,  -- NULL: the call names none; empty: no answer yet
    PRIMARY KEY (openid, template_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS notices_at ON notices (at_ms);
CREATE INDEX IF NOT EXISTS notices_msgid ON notices (msgid);
CREATE INDEX IF NOT EXISTS notices_touch ON notices (touch_id);
"""

RESULT_MS_MAX: Final = DAY_MS
"""The result of a message comes within seconds; after a day it is of another one."""
LIMBO_MS: Final = 2 * MINUTE_MS
"""So long a result may be that of a call whose answer is missing."""


class Notices:
    """The last message of each template to each openid; instants are epoch ms UTC."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    @contextmanager
    def sending(
        self, openid: str, template_id: str, touch_id: str, at_ms: int, *, has_msgid: bool
    ) -> Iterator[None]:
        """Hold a call; what surely was not sent is forgotten.

        Args:
            openid: To whom.
            template_id: What.
            touch_id: Of which touch.
            at_ms: When.
            has_msgid: Whether the answer will say what WeChat calls the message.
        """
        with before_the_call(), self._memory.change() as change:
            change.execute("DELETE FROM notices WHERE at_ms < ?", (at_ms - RESULT_MS_MAX,))
            change.execute(
                "INSERT OR REPLACE INTO notices VALUES (?, ?, ?, ?, ?)",
                (self._memory.hashed(openid), template_id, touch_id, at_ms,
                 "" if has_msgid else None),
            )  # fmt: skip
        try:
            yield
        except NotSentError:
            with self._memory.change() as change:
                change.execute("DELETE FROM notices WHERE touch_id = ?", (touch_id,))
            raise

    def named(self, touch_id: str, msgid: str) -> None:
        """Take note of what WeChat calls a message."""
        with self._memory.change() as change:
            change.execute(
                "UPDATE notices SET msgid = ? WHERE touch_id = ? AND msgid = ''", (msgid, touch_id)
            )

    def of_template(self, openid: str, template_id: str, at_ms: int) -> str:
        """Return the touch of a template's last message, empty = none of ours."""
        rows = self._memory.ask(
            "SELECT touch_id FROM notices WHERE openid = ? AND template_id = ? AND at_ms > ?",
            self._memory.hashed(openid), template_id, at_ms - RESULT_MS_MAX,
        )  # fmt: skip
        return str(rows[0][0]) if rows else ""

    def of_message(self, openid: str, msgid: str, at_ms: int) -> str:
        """Return the touch that WeChat calls so, empty = none that is known here."""
        with self._memory.change() as change:
            row = (
                change.execute("SELECT touch_id FROM notices WHERE msgid = ?", (msgid,)).fetchone()
                or change.execute(
                    "UPDATE notices SET msgid = ?1 WHERE (openid, template_id) = ("
                    "SELECT openid, template_id FROM notices "
                    "WHERE openid = ?2 AND msgid = '' AND at_ms > ?3 ORDER BY at_ms LIMIT 1"
                    ") RETURNING touch_id",
                    (msgid, self._memory.hashed(openid), at_ms - LIMBO_MS),
                ).fetchone()
            )
        return str(row[0]) if row else ""
