"""What is remembered of WeCom: tasks whose result is open, and messages that customers got.

A customer may get as many mass messages a month as it has days, or 7 a week, or one a day, as the
company has set it. Here only our own are counted; members send such messages too, and then WeCom's
result says that the limit was reached.

Source:
    https://developer.work.weixin.qq.com/document/path/92135 (2025-11-17)
"""

import calendar
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from winback_sender.adapters.replies import CHINA
from winback_sender.adapters.wechat.memory import Memory
from winback_sender.contract.instants import DAY_MS, HOUR_MS

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS tasks (
    msgid TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    next_ms INTEGER NOT NULL,
    is_reminded INTEGER NOT NULL DEFAULT 0,
    is_settled INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tasks_next ON tasks (next_ms) WHERE NOT is_settled;
CREATE TABLE IF NOT EXISTS messages (
    touch_id TEXT PRIMARY KEY,
    customer BLOB NOT NULL,
    text BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS messages_of ON messages (customer, at_ms);
CREATE INDEX IF NOT EXISTS messages_at ON messages (at_ms);
"""

KEPT_MS: Final = 62 * DAY_MS
"""Two months: a month's count, and tasks that a lost answer may be looked for among."""
SOON_MS: Final = HOUR_MS
LATER: Final = 15
"""So much rarer a task is asked about later: members confirm at once or when they have time."""


class Quota(StrEnum):
    """How the company has set the limit of a customer."""

    MONTH = "month"
    WEEK = "week"
    DAY = "day"


class Task(NamedTuple):
    """A task that a member has to confirm; instants are epoch ms UTC."""

    msgid: str
    created_ms: int
    expires_ms: int
    is_reminded: bool


class Message(NamedTuple):
    """What was put before a member; of customer and text there are hashes.

    Attributes:
        touch_id: Of which touch.
        customer: Whom it is for.
        text: What it says.
        at_ms: When, epoch ms UTC.
        expires_ms: Until when it may be sent.
    """

    touch_id: str
    customer: bytes
    text: bytes
    at_ms: int
    expires_ms: int


class Tasks:
    """Tasks and counts, shared by the processes of a sender.

    Args:
        memory: The file.
        quota: The limit of a customer.
        ask_every_ms: So often a task is asked about in its first hour.
    """

    def __init__(self, memory: Memory, quota: Quota, ask_every_ms: int) -> None:
        self._memory = memory
        self._quota = quota
        self._ask_every_ms = ask_every_ms

    def hashed(self, text: str) -> bytes:
        """Return what stands for a customer or a text."""
        return self._memory.hashed(text)

    def is_hash_of(self, found: bytes, text: str) -> bool:
        """Return whether a hash is that of a customer or a text."""
        return self._memory.is_hash_of(found, text)

    def take(self, message: Message) -> int:
        """Count a message to a customer; return 0, or when there is place again, epoch ms UTC.

        A touch that was counted before is not counted again.
        """
        begins_ms, ends_ms, most = period(self._quota, message.at_ms)
        with self._memory.change() as change:
            change.execute("DELETE FROM messages WHERE at_ms < ?", (message.at_ms - KEPT_MS,))
            ((others,),) = change.execute(
                "SELECT COUNT(*) FROM messages WHERE customer = ? AND at_ms >= ? AND touch_id <> ?",
                (message.customer, begins_ms, message.touch_id),
            )
            if others >= most:
                return ends_ms
            change.execute("INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?)", message)
        return 0

    def give_back(self, touch_id: str) -> None:
        """Do not count a message that surely did not leave."""
        with self._memory.change() as change:
            change.execute("DELETE FROM messages WHERE touch_id = ?", (touch_id,))

    def message(self, touch_id: str) -> Message | None:
        """Return what was put before a member for a touch; None = surely nothing."""
        rows = self._memory.ask(
            "SELECT touch_id, customer, text, at_ms, expires_ms FROM messages WHERE touch_id = ?",
            touch_id,
        )
        return Message(*rows[0]) if rows else None

    def began(self, msgid: str, now_ms: int, expires_ms: int) -> None:
        """Take note of a task."""
        with self._memory.change() as change:
            change.execute("DELETE FROM tasks WHERE created_ms < ?", (now_ms - KEPT_MS,))
            change.execute(
                "INSERT OR IGNORE INTO tasks (msgid, created_ms, expires_ms, next_ms) "
                "VALUES (?, ?, ?, ?)",
                (msgid, now_ms, expires_ms, now_ms + self._ask_every_ms),
            )

    def is_known(self, msgid: str) -> bool:
        """Return whether a task is that of a touch of ours."""
        return bool(self._memory.ask("SELECT 1 FROM tasks WHERE msgid = ?", msgid))

    def due(self, now_ms: int, most: int) -> list[Task]:
        """Return tasks that are to be asked about, each to one process only."""
        with self._memory.change() as change:
            rows = change.execute(
                "SELECT msgid, created_ms, expires_ms, is_reminded FROM tasks "
                "WHERE NOT is_settled AND next_ms <= ? ORDER BY next_ms LIMIT ?",
                (now_ms, most),
            ).fetchall()
            tasks = [Task(msgid, at, end, is_reminded=bool(done)) for msgid, at, end, done in rows]
            for task in tasks:
                change.execute(
                    "UPDATE tasks SET next_ms = ? WHERE msgid = ?",
                    (self._next_ms(task, now_ms), task.msgid),
                )
        return tasks

    def reminded(self, msgid: str) -> None:
        """Take note that the member was reminded."""
        with self._memory.change() as change:
            change.execute("UPDATE tasks SET is_reminded = 1 WHERE msgid = ?", (msgid,))

    def settled(self, msgids: list[str]) -> None:
        """Ask no more about tasks."""
        with self._memory.change() as change:
            change.executemany(
                "UPDATE tasks SET is_settled = 1 WHERE msgid = ?", [(msgid,) for msgid in msgids]
            )

    def _next_ms(self, task: Task, now_ms: int) -> int:
        """Return when a task is asked about again, at the latest when it expires."""
        is_new = now_ms - task.created_ms < SOON_MS
        then_ms = now_ms + self._ask_every_ms * (1 if is_new else LATER)
        return min(then_ms, task.expires_ms) if now_ms < task.expires_ms else then_ms

    def close(self) -> None:
        """Close the file."""
        self._memory.close()


def period(quota: Quota, now_ms: int) -> tuple[int, int, int]:
    """Return where the count of a customer begins and ends, epoch ms UTC, and its most."""
    now = datetime.fromtimestamp(now_ms / 1_000, CHINA)
    begins = now.replace(hour=0, minute=0, second=0, microsecond=0)
    days = 1
    if quota is Quota.WEEK:
        begins, days = begins - timedelta(days=begins.weekday()), 7
    elif quota is Quota.MONTH:
        begins, days = begins.replace(day=1), calendar.monthrange(now.year, now.month)[1]
    ends = begins + timedelta(days=days)
    return int(begins.timestamp()) * 1_000, int(ends.timestamp()) * 1_000, days
