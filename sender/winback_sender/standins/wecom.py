"""WeCom: tasks that members confirm, and their results.

===========================================  ====================================================
``GET /cgi-bin/gettoken``                    a token for 7,200 s, the same until it has expired
``POST …/externalcontact/add_msg_template``  a task: ``msgid`` and ``fail_list``; nothing is sent
``POST …/get_groupmsg_task``                 the members of a task: 0 = not sent, 2 = sent
``POST …/get_groupmsg_send_result``          the customers of a member: 0 = not sent, 1 = sent,
                                             2 = no contact, 3 = had enough
``POST …/get_groupmsg_list_v2``              the tasks of a time
``POST …/remind_groupmsg_send``              at most 3 in 24 h
``POST …/cancel_groupmsg_send``              stops a task; does not take back what was sent
===========================================  ====================================================

A call-back, always sealed, tells of customers that remove a member. All paths begin with
``/cgi-bin``; answers are 200 with ``errcode``.

Source:
    https://developer.work.weixin.qq.com/document/path/92135, 93338, 97610, 97611, 92130, 90455.
    That a task to nobody answers 41048, and a fourth reminder 45009, are not in a stored copy.
"""

import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from winback_sender.standins.stand_in import Call, Plan, all_is_well
from winback_sender.standins.tencent_events import TencentStandIn, read_json, says

ROOT: Final = "/cgi-bin/externalcontact/"
TEXT_BYTES_MAX: Final = 4_000
REMINDERS_MAX: Final = 3
OPEN, SENT, STRANGER, ENOUGH = 0, 1, 2, 3
KEY: Final = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


class Task:
    """A message before a member."""

    def __init__(self, msgid: str, customer: str, userid: str, text: str) -> None:
        self.msgid, self.customer, self.userid, self.text = msgid, customer, userid, text
        self.created_s = int(time.time())
        self.sent_s = 0
        self.status = OPEN
        self.is_stopped = False
        self.reminders = 0


class WeCom(TencentStandIn):
    """Stands in for a company; every ``wm…`` that is not said to be a stranger is a customer.

    Attributes:
        members: Userids; the first is who last spoke with customers.
        strangers: Customers who have removed the member.
        unknown: Ids that are no customers of the company.
        tasks: By msgid.
        quota: Messages that a customer may get a day of the month.
    """

    account, secret = "ww5823bf96d3bd56c7", "stand-in-secret-0002"
    callback_path = "/callbacks/wecom"

    def __init__(self, plan: Plan = all_is_well, encoding_key: str = KEY) -> None:
        super().__init__(plan, encoding_key)
        self.members = ["zhangsan", "lisi"]
        self.strangers: set[str] = set()
        self.unknown: set[str] = set()
        self.tasks: dict[str, Task] = {}
        self.quota = 0
        self._got: Counter[tuple[str, str]] = Counter()
        self._current = ""

    @property
    def is_heard(self) -> bool:
        """Whether somebody waits for receipts: results are asked for, never told."""
        return False

    def add_routes(self, routes: web.UrlDispatcher) -> None:
        """Serve the token and the calls."""
        routes.add_get("/cgi-bin/gettoken", self._token)
        routes.add_post(f"{ROOT}add_msg_template", self._create)
        routes.add_post(f"{ROOT}get_groupmsg_task", self._members)
        routes.add_post(f"{ROOT}get_groupmsg_send_result", self._results)
        routes.add_post(f"{ROOT}get_groupmsg_list_v2", self._list)
        routes.add_post(f"{ROOT}remind_groupmsg_send", self._remind)
        routes.add_post(f"{ROOT}cancel_groupmsg_send", self._stop)

    def accepted(self, call: Call) -> web.StreamResponse:
        """Return the task's id."""
        return says(0, fail_list=[], msgid=_msgid(call))

    def throttled(self, call: Call) -> web.StreamResponse:
        """Return 45033: too many at once."""
        del call
        return says(45033)

    def refused(self, call: Call) -> web.StreamResponse:
        """Return that the customer is none of this company."""
        del call
        return says(40096)

    def record(self, touch_id: str, address: str, what: Any = None) -> Call:
        """Take note of a call; one that is taken is a task."""
        call = super().record(touch_id, address, what)
        if call.was_sent:
            task = Task(_msgid(call), address, what["userid"], what["text"])
            self.tasks[task.msgid] = task
        return call

    async def send_receipt(self, call: Call) -> bool:
        """Let the member confirm; nobody is told, results are asked for."""
        self.confirm(_msgid(call), arrives=call.turn.arrives)
        return True

    def confirm(self, msgid: str, *, arrives: bool = True) -> None:
        """Let the member send a task, unless it was stopped."""
        task = self.tasks[msgid]
        if task.is_stopped or task.status != OPEN:
            return
        month = (task.customer, datetime.now(UTC).strftime("%Y-%m"))
        if task.customer in self.strangers or not arrives:
            task.status = STRANGER
        elif self.quota and self._got[month] >= self.quota:
            task.status = ENOUGH
        else:
            self._got[month] += 1
            task.status, task.sent_s = SENT, int(time.time())

    def remove(self, customer: str, userid: str = "zhangsan") -> bool:
        """Let a customer remove a member; return whether the sender took note."""
        self.strangers.add(customer)
        event = {"ToUserName": self.account, "FromUserName": "sys", "CreateTime": int(time.time()),
                 "MsgType": "event", "Event": "change_external_contact",
                 "ChangeType": "del_follow_user", "UserID": userid,
                 "ExternalUserID": customer}  # fmt: skip
        return self._await(self.tell(event))

    async def _token(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("corpid") != self.account:
            return says(40013)
        if request.query.get("corpsecret") != self.secret:
            return says(40001)
        if time.time() >= self.tokens.get(self._current, 0.0):
            self._current = self.new_token()
        lives_s = round(self.tokens[self._current] - time.time())
        return says(0, access_token=self._current, expires_in=lives_s)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await read_json(request)
        fault = self._fault(request, body)
        if fault or body is None:
            return says(fault)
        (customer,) = body["external_userid"]
        userid = body.get("sender") or self.members[0]
        what = {"userid": userid, "text": body["text"]["content"], "body": body}
        if customer in self.strangers:
            return says(0, fail_list=[customer], msgid="")
        return await self.take(request, self.who(customer, what), customer, what)

    def _fault(self, request: web.Request, body: dict[str, Any] | None) -> int:
        if code := self._token_fault(request):
            return code
        if body is None:
            return 47001
        customers, text = body.get("external_userid"), (body.get("text") or {}).get("content", "")
        if body.get("chat_type") != "single" or not customers:
            return 41048
        wrong = (
            (40096, any(not who.startswith("wm") or who in self.unknown for who in customers)),
            (self.answers.get(customers[0], 0), customers[0] in self.answers),
            (40003, body.get("sender", self.members[0]) not in self.members),
            (44004, not text and not body.get("attachments")),
            (45002, len(text.encode()) > TEXT_BYTES_MAX),
        )
        return next((code for code, is_wrong in wrong if is_wrong), 0)

    def _token_fault(self, request: web.Request) -> int:
        """Return what is wrong with a token; here 40014 is one that nobody knows."""
        code = self.token_fault(request)
        return 40014 if code == 40001 else code  # noqa: PLR2004 (codes are numbers)

    async def _task(self, request: web.Request) -> tuple[Task | None, web.Response]:
        body = await read_json(request) or {}
        code = self._token_fault(request)
        task = self.tasks.get(body.get("msgid", ""))
        return (None if code else task), says(code or (0 if task else 40058))

    async def _members(self, request: web.Request) -> web.StreamResponse:
        task, answer = await self._task(request)
        if task is None:
            return answer
        member = {"userid": task.userid, "status": 0 if task.status == OPEN else 2,
                  "send_time": task.sent_s}  # fmt: skip
        return says(0, next_cursor="", task_list=[member])

    async def _results(self, request: web.Request) -> web.StreamResponse:
        task, answer = await self._task(request)
        if task is None:
            return answer
        row = {"external_userid": task.customer, "userid": task.userid, "status": task.status}
        if task.sent_s:
            row["send_time"] = task.sent_s
        return says(0, next_cursor="", send_list=[row])

    async def _list(self, request: web.Request) -> web.StreamResponse:
        body = await read_json(request) or {}
        if code := self._token_fault(request):
            return says(code)
        first, last = body.get("start_time", 0), body.get("end_time", 0)
        found = [{"msgid": task.msgid, "create_time": task.created_s, "create_type": 0,
                  "text": {"content": task.text}}
                 for task in self.tasks.values() if first <= task.created_s <= last]  # fmt: skip
        begin, most = int(body.get("cursor") or 0), min(body.get("limit", 50), 100)
        following = str(begin + most) if begin + most < len(found) else ""
        return says(0, next_cursor=following, group_msg_list=found[begin : begin + most])

    async def _remind(self, request: web.Request) -> web.StreamResponse:
        task, answer = await self._task(request)
        if task is None:
            return answer
        if task.reminders >= REMINDERS_MAX:
            return says(45009)
        task.reminders += 1
        return answer

    async def _stop(self, request: web.Request) -> web.StreamResponse:
        task, answer = await self._task(request)
        if task is not None:
            task.is_stopped = True
        return answer


def _msgid(call: Call) -> str:
    return f"msgGCAAAXtWyujaWJHDDGi{call.ref.removeprefix('m-').zfill(8)}"
