"""What became of WeCom's tasks: results are asked for, WeCom does not tell them.

==============================  ====================================
``get_groupmsg_send_result``    what it means
==============================  ====================================
0 not sent yet                  nothing
1 sent                          sent, when
2 the customer is no contact    failed, hard, ``blocked_by_user``
3 the customer had enough       failed, unsent, ``over_limit``
==============================  ====================================

Source:
    https://developer.work.weixin.qq.com/document/path/93338 (2023-12-08); the words of the codes as
    in https://openapi.weibanzhushou.com/apidoc/project-501476/api-9041507
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from winback_sender.adapter import Heard
from winback_sender.adapters.wechat.account import Account
from winback_sender.adapters.wecom_memory import Message, Task, Tasks
from winback_sender.contract.instants import MINUTE_MS, SECOND_MS
from winback_sender.contract.words import HARD, UNSENT, Status, Why
from winback_sender.http.calls import UnclearError
from winback_sender.receipt import NotSentError, Receipt

PATH: Final = "/cgi-bin/externalcontact/"
RESULTS: Final = {
    1: Receipt(Status.SENT),
    2: Receipt(Status.FAILED, HARD, Why.BLOCKED),
    3: Receipt(Status.FAILED, UNSENT, Why.OVER_LIMIT),
}
EXPIRED: Final = Receipt(Status.FAILED, UNSENT, Why.EXPIRED)
AT_ONCE: Final = 20
"""Tasks asked about in one turn: three calls each."""
SLACK_MS: Final = MINUTE_MS
"""A task whose answer was lost was created so shortly before or after."""
PAGE: Final = 100
PAGES_MAX: Final = 1_000
"""Of one list: a cursor that comes again ends it."""
CANDIDATES_MAX: Final = 50

Row = Mapping[str, Any]


class Results:
    """Asks for the results of tasks.

    Args:
        account: Makes the calls.
        tasks: What is open.
        remind_after_ms: A member is reminded once after it, 0 = never.
    """

    def __init__(self, account: Account, tasks: Tasks, remind_after_ms: int) -> None:
        self._account = account
        self._tasks = tasks
        self._remind_after_ms = remind_after_ms
        self._told: list[str] = []

    def collect(self, now_ms: int) -> list[Heard]:
        """Return the results that have come since; those of the last time are on disk now."""
        self._tasks.settled(self._told)
        self._told = []
        heard = []
        for task in self._tasks.due(now_ms, AT_ONCE):
            try:
                found = self._stop(task, now_ms) if now_ms >= task.expires_ms else self._look(task)
                if found is None:
                    self._remind(task, now_ms)
            except (NotSentError, UnclearError):
                continue  # Asked again later.
            if found is not None:
                heard.append(found)
                self._told.append(task.msgid)
        return heard

    def of(self, msgid: str) -> Heard | None:
        """Return the result of a task of one customer; None = there is none yet.

        Raises:
            NotSentError, UnclearError: WeCom cannot be asked.
        """
        for row in self._rows(msgid):
            status, at_s = row.get("status"), row.get("send_time", 0)
            if status in RESULTS:
                at_ms = at_s * SECOND_MS if isinstance(at_s, int) else 0
                return Heard(RESULTS[status]._replace(ref=msgid), at_ms, ref=msgid)
        return None

    def search(self, message: Message) -> tuple[str, str]:
        """Return a task whose answer was lost, and its customer; both empty = not found.

        It has the text and the customer of the message, was created at about its time, and is that
        of no other touch.

        Raises:
            NotSentError, UnclearError: WeCom cannot be asked.
        """
        for row in islice(self._alike(message), CANDIDATES_MAX):
            for found in self._rows(row["msgid"]):
                customer = str(found.get("external_userid", ""))
                if self._tasks.is_hash_of(message.customer, customer):
                    return row["msgid"], customer
        return "", ""

    def _alike(self, message: Message) -> Iterator[Row]:
        """Yield tasks that nobody knows, with the text of a message."""
        for row in self._created(message.at_ms):
            text = (row.get("text") or {}).get("content", "")
            is_known = self._tasks.is_known(str(row.get("msgid", "")))
            if not is_known and self._tasks.is_hash_of(message.text, str(text)):
                yield row

    def _look(self, task: Task) -> Heard | None:
        return self.of(task.msgid)

    def _stop(self, task: Task, now_ms: int) -> Heard | None:
        """Stop a task that has expired; what was sent before cannot be taken back."""
        code, _ = self._account.call(f"{PATH}cancel_groupmsg_send", {"msgid": task.msgid})
        found = self.of(task.msgid)
        if found is None and not code:
            return Heard(EXPIRED._replace(ref=task.msgid), now_ms, ref=task.msgid)
        return found

    def _remind(self, task: Task, now_ms: int) -> None:
        age_ms = now_ms - task.created_ms
        if not task.is_reminded and 0 < self._remind_after_ms <= age_ms:
            self._account.call(f"{PATH}remind_groupmsg_send", {"msgid": task.msgid})
            self._tasks.reminded(task.msgid)

    def _rows(self, msgid: str) -> Iterator[Row]:
        """Yield the results of all members who got the task."""
        for member in self._pages("get_groupmsg_task", {"msgid": msgid}, "task_list"):
            asked = {"msgid": msgid, "userid": member.get("userid", "")}
            yield from self._pages("get_groupmsg_send_result", asked, "send_list")

    def _created(self, at_ms: int) -> Iterator[Row]:
        asked = {
            "chat_type": "single",
            "start_time": (at_ms - SLACK_MS) // SECOND_MS,
            "end_time": (at_ms + SLACK_MS) // SECOND_MS,
            "filter_type": 0,
        }
        return self._pages("get_groupmsg_list_v2", asked, "group_msg_list")

    def _pages(self, call: str, asked: Row, name: str) -> Iterator[Row]:
        cursor = ""
        for _ in range(PAGES_MAX):
            code, answer = self._account.call(
                PATH + call, {**asked, "limit": PAGE, "cursor": cursor}
            )
            if code:
                raise NotSentError(str(code), retry=True)
            yield from answer.get(name) or ()
            cursor = answer.get("next_cursor") or ""
            if not cursor:
                return
