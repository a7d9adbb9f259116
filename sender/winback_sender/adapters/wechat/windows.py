"""What an openid allows: windows for customer-service messages, and templates that it refused.

===============================  ========  ========
what the user did                messages  within
===============================  ========  ========
sent a message                   5         48 h
clicked the menu                 3         1 minute
followed, or scanned a QR code   3         1 minute
===============================  ========  ========

A payment opens a window too, but no call-back tells of it. What several open windows come to is not
documented, so a message is taken from the one that ends first. Each user action gives its window
anew.

Source:
    https://developers.weixin.qq.com/doc/service/en/guide/product/kf/intro.html
"""

from enum import StrEnum
from typing import Final, NamedTuple

from winback_sender.adapters.wechat.memory import Memory
from winback_sender.contract.instants import HOUR_MS, MINUTE_MS

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS windows (
    openid BLOB NOT NULL,
    opened_by TEXT NOT NULL,
    opened_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (openid, opened_by)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS choices (
    openid BLOB NOT NULL,
    template_id TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    is_refused INTEGER NOT NULL,
    PRIMARY KEY (openid, template_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS windows_until ON windows (until_ms);
"""


class OpenedBy(StrEnum):
    """What a user did."""

    MESSAGE = "message"
    MENU = "menu"
    FOLLOW = "follow"
    SCAN = "scan"


class Rule(NamedTuple):
    """So many messages within so long, ms."""

    messages: int
    lasts_ms: int


RULES: Final = {
    OpenedBy.MESSAGE: Rule(5, 48 * HOUR_MS),
    OpenedBy.MENU: Rule(3, MINUTE_MS),
    OpenedBy.FOLLOW: Rule(3, MINUTE_MS),
    OpenedBy.SCAN: Rule(3, MINUTE_MS),
}


class Windows:
    """What openids allow, shared by the processes of a sender; instants are epoch ms UTC."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def opened(self, openid: str, opened_by: OpenedBy, at_ms: int) -> None:
        """Take note of what a user did; a call-back that comes again changes nothing."""
        messages, lasts_ms = RULES[opened_by]
        with self._memory.change() as change:
            change.execute("DELETE FROM windows WHERE until_ms <= ?", (at_ms - HOUR_MS,))
            change.execute(
                "INSERT INTO windows VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE "
                "SET opened_ms = ?3, until_ms = ?4, messages = ?5 WHERE opened_ms < ?3",
                (self._memory.hashed(openid), opened_by, at_ms, at_ms + lasts_ms, messages),
            )

    def take(self, openid: str, now_ms: int) -> OpenedBy | None:
        """Take a message out of an open window; None = none is open, or all is used up."""
        with self._memory.change() as change:
            row = change.execute(
                "UPDATE windows SET messages = messages - 1 WHERE (openid, opened_by) = ("
                "SELECT openid, opened_by FROM windows "
                "WHERE openid = ? AND until_ms > ? AND messages > 0 ORDER BY until_ms LIMIT 1"
                ") RETURNING opened_by",
                (self._memory.hashed(openid), now_ms),
            ).fetchone()
        return None if row is None else OpenedBy(row[0])

    def give_back(self, openid: str, opened_by: OpenedBy) -> None:
        """Put back a message that surely did not leave."""
        with self._memory.change() as change:
            change.execute(
                "UPDATE windows SET messages = MIN(messages + 1, ?) "
                "WHERE openid = ? AND opened_by = ?",
                (RULES[opened_by].messages, self._memory.hashed(openid), opened_by),
            )

    def shut(self, openid: str) -> None:
        """Forget the windows of an openid: WeChat says that there are none."""
        with self._memory.change() as change:
            change.execute("DELETE FROM windows WHERE openid = ?", (self._memory.hashed(openid),))

    def close(self) -> None:
        """Close the file."""
        self._memory.close()

    def left(self, openid: str, now_ms: int) -> int:
        """Return how many messages may be sent now."""
        ((found,),) = self._memory.ask(
            "SELECT COALESCE(SUM(messages), 0) FROM windows WHERE openid = ? AND until_ms > ?",
            self._memory.hashed(openid), now_ms,
        )  # fmt: skip
        return int(found)

    def chosen(self, openid: str, template_id: str, at_ms: int, *, is_refused: bool) -> None:
        """Take note of what a user said of a template; the newest word counts."""
        with self._memory.change() as change:
            change.execute(
                "INSERT INTO choices VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE "
                "SET at_ms = ?3, is_refused = ?4 WHERE at_ms <= ?3",
                (self._memory.hashed(openid), template_id, at_ms, is_refused),
            )

    def is_refused(self, openid: str, template_id: str) -> bool:
        """Return whether the last that was heard of a user and a template is a refusal."""
        return bool(
            self._memory.ask(
                "SELECT 1 FROM choices WHERE openid = ? AND template_id = ? AND is_refused",
                self._memory.hashed(openid), template_id,
            )
        )  # fmt: skip
