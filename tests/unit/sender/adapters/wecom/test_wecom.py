"""WeCom: a task is accepted, and only a member makes a message of it."""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.unit.sender.adapters.wechat.account_making import due, listening, tools_for, until
from winback_sender.adapter import Heard, Sent
from winback_sender.adapters.wecom import WeCom as Adapter
from winback_sender.adapters.wecom import make
from winback_sender.contract.instants import iso
from winback_sender.contract.words import HARD, UNSENT, Status, Why
from winback_sender.errors import UserError
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.standins.stand_in import Fate, Receipts, Turn
from winback_sender.standins.wecom import WeCom
from winback_sender.templating.templates import ProviderTemplate

CUSTOMER = "wmAda_AAAXtWyujaWJHDDGi0mACAAAA"
TEMPLATE = ProviderTemplate(
    text="${first_name}，您好，会员权益已到账。", url="https://shop.example"
)
UNANSWERED = Turn(receipts=Receipts.NEVER)


def settings(wecom: WeCom, state: Path, **changed: str) -> dict[str, str]:
    own = {
        "CORP_ID": wecom.account, "CORP_SECRET": wecom.secret, "ENDPOINT": wecom.url,
        "CALLBACK_TOKEN": wecom.callback_token, "ENCODING_AES_KEY": wecom.encoding_key,
        "TIMEOUT_S": "0.5", "ASK_EVERY_S": "0.1", **changed,
    }  # fmt: skip
    environ = {f"WINBACK_SENDER_WECOM_{name}": text for name, text in own.items()}
    return {**environ, "WINBACK_SENDER_STATE": str(state)}


@pytest.fixture
def wecom() -> Iterator[WeCom]:
    with WeCom(lambda _, __: UNANSWERED) as found:
        yield found


@pytest.fixture
def adapter(wecom: WeCom, tmp_path: Path) -> Iterator[Adapter]:
    made = make(tools_for(settings(wecom, tmp_path), CUSTOMER, TEMPLATE))
    yield made
    made.close()


def refused(adapter: Adapter, touch_id: str = "t1", **params: str) -> NotSentError:
    with pytest.raises(NotSentError) as caught:
        adapter.deliver(due(touch_id, "wecom", **params))
    return caught.value


def collected(adapter: Adapter, within_s: float = 2.0) -> list[Heard]:
    """Return what is collected when the tasks are asked about the next time."""
    found: list[Heard] = []

    def collects() -> bool:
        found.extend(adapter.collect())
        return bool(found)

    until(collects, within_s)
    return found


def results(adapter: Adapter, within_s: float = 2.0) -> list[Receipt]:
    return [heard.receipt for heard in collected(adapter, within_s)]


def test_a_task_is_accepted_and_the_member_sends_it(wecom: WeCom, adapter: Adapter) -> None:
    receipt = adapter.deliver(due("t1", "wecom"))
    ((msgid, task),) = wecom.tasks.items()
    assert receipt == Receipt(Status.ACCEPTED, ref=msgid, address=CUSTOMER)
    assert (task.text, task.userid) == ("小林，您好，会员权益已到账。", "zhangsan")
    assert results(adapter, 0.3) == []

    wecom.confirm(msgid)
    (heard,) = collected(adapter)
    assert (heard.ref, heard.receipt.status) == (msgid, Status.SENT)
    assert heard.at_ms == task.sent_s * 1_000
    assert results(adapter, 0.3) == []


@pytest.mark.parametrize(
    ("address", "sender", "userid"),
    [(CUSTOMER, "", "zhangsan"), (f"lisi/{CUSTOMER}", "", "lisi"), (CUSTOMER, "lisi", "lisi")],
)
def test_the_member_is_named_by_the_address_or_by_a_setting(
    wecom: WeCom, tmp_path: Path, address: str, sender: str, userid: str
) -> None:
    environ = settings(wecom, tmp_path, SENDER=sender)
    receipt = make(tools_for(environ, address, TEMPLATE)).deliver(due("t1", "wecom"))
    assert (wecom.calls[0].what["userid"], receipt.address) == (userid, CUSTOMER)


@pytest.mark.parametrize(
    ("is_stranger", "quota", "expected"),
    [
        (True, 0, Receipt(Status.FAILED, HARD, Why.BLOCKED)),
        (False, 1, Receipt(Status.FAILED, UNSENT, Why.OVER_LIMIT)),
    ],
)
def test_a_task_fails_when_the_customer_is_gone_or_had_enough(
    wecom: WeCom, adapter: Adapter, *, is_stranger: bool, quota: int, expected: Receipt
) -> None:
    first = adapter.deliver(due("t1", "wecom")).ref
    wecom.quota = quota
    wecom.confirm(first)
    assert [found.status for found in results(adapter)] == [Status.SENT]

    second = adapter.deliver(due("t2", "wecom")).ref
    wecom.strangers = {CUSTOMER} if is_stranger else set()
    wecom.confirm(second)
    assert results(adapter) == [expected._replace(ref=second)]


def test_a_customer_who_has_removed_the_member_gets_no_task(wecom: WeCom, adapter: Adapter) -> None:
    """``fail_list``: it may be another reason too, so the channel is not given up."""
    wecom.strangers = {CUSTOMER}
    error = refused(adapter)
    assert (error.reason, error.outcome, wecom.tasks) == (Why.REFUSED, UNSENT, {})


def test_removing_the_member_is_an_opt_out(wecom: WeCom, adapter: Adapter) -> None:
    with listening(adapter, wecom) as heard:
        assert wecom.remove(CUSTOMER)
    assert [(found.receipt.status, found.address) for found in heard] == [
        (Status.OPTED_OUT, CUSTOMER)
    ]


def test_an_expired_task_is_stopped(wecom: WeCom, adapter: Adapter) -> None:
    """A member who confirms next week would send what nobody wants any more."""
    soon = iso(time.time_ns() // 1_000_000 + 300)
    touch = msgspec.structs.replace(due("t1", "wecom"), expires_at=soon)
    ref = adapter.deliver(touch).ref
    assert results(adapter) == [Receipt(Status.FAILED, UNSENT, Why.EXPIRED, ref)]
    wecom.confirm(ref)
    assert wecom.tasks[ref].status == 0


@pytest.mark.parametrize("fate", [Fate.LOST_ANSWER, Fate.ERROR_AFTER, Fate.HTML])
def test_a_task_whose_answer_was_lost_is_found(wecom: WeCom, adapter: Adapter, fate: Fate) -> None:
    wecom.plan = lambda _, __: UNANSWERED._replace(fate=fate)
    at_ms = time.time_ns() // 1_000_000
    receipt = adapter.deliver(due("t1", "wecom"))
    assert (receipt.status, receipt.address) == (Status.UNKNOWN, CUSTOMER)

    sent = Sent("t1", "ada", "wecom", "", at_ms, receipt)
    found = adapter.ask(sent)
    assert found == Receipt(Status.ACCEPTED, ref=next(iter(wecom.tasks)), address=CUSTOMER)
    assert adapter.ask(sent) is None  # It is that touch's now, and of no other.
    wecom.confirm(found.ref)
    assert [receipt.status for receipt in results(adapter)] == [Status.SENT]


def test_the_task_of_another_touch_is_not_taken_for_it(wecom: WeCom, adapter: Adapter) -> None:
    """Both went to one customer in one minute; only one of the calls arrived."""
    fates = {"first": Fate.ERROR_BEFORE, "second": Fate.ERROR_AFTER}
    wecom.who = lambda _, what: "first" if "first" in what["text"] else "second"  # type: ignore[method-assign]
    wecom.plan = lambda touch_id, _: UNANSWERED._replace(fate=fates[touch_id])
    at_ms = time.time_ns() // 1_000_000
    lost = [adapter.deliver(due(name, "wecom", first_name=name)) for name in fates]
    asked = [
        adapter.ask(Sent(name, "ada", "wecom", "", at_ms, receipt))
        for name, receipt in zip(fates, lost, strict=True)
    ]
    assert asked == [None, Receipt(Status.ACCEPTED, ref=next(iter(wecom.tasks)), address=CUSTOMER)]
    assert adapter.ask(Sent("never begun", "ada", "wecom", "", at_ms, lost[0])) is None


def test_a_task_that_never_was_stays_unknown(wecom: WeCom, adapter: Adapter) -> None:
    wecom.plan = lambda _, __: Turn(Fate.ERROR_BEFORE)
    receipt = adapter.deliver(due("t1", "wecom"))
    sent = Sent("t1", "ada", "wecom", "", time.time_ns() // 1_000_000, receipt)
    assert (receipt.status, adapter.ask(sent)) == (Status.UNKNOWN, None)
    wecom.go_away()
    assert adapter.ask(sent) is None


def test_a_known_task_can_be_asked_about(wecom: WeCom, adapter: Adapter) -> None:
    receipt = adapter.deliver(due("t1", "wecom"))
    sent = Sent("t1", "ada", "wecom", receipt.ref, 0, receipt)
    assert adapter.ask(sent) is None
    wecom.confirm(receipt.ref)
    assert adapter.ask(sent) == Receipt(Status.SENT, ref=receipt.ref)


def test_a_member_is_reminded_once(wecom: WeCom, tmp_path: Path) -> None:
    environ = settings(wecom, tmp_path, REMIND_AFTER_S="0.2")
    adapter = make(tools_for(environ, CUSTOMER, TEMPLATE))
    ref = adapter.deliver(due("t1", "wecom")).ref
    results(adapter, 0.5)
    assert wecom.tasks[ref].reminders == 1


@pytest.mark.parametrize(("quota", "most"), [("day", 1), ("week", 7)])
def test_the_quota_of_a_customer_is_kept_without_a_call(
    wecom: WeCom, tmp_path: Path, quota: str, most: int
) -> None:
    adapter = make(tools_for(settings(wecom, tmp_path, QUOTA=quota), CUSTOMER, TEMPLATE))
    for number in range(most):
        adapter.deliver(due(f"t{number}", "wecom"))
    error = refused(adapter, "more")
    assert (error.reason, error.retry, error.after_s > 0) == (Why.OVER_LIMIT, True, True)
    assert len(wecom.calls) == most


def test_what_was_not_sent_is_not_counted(wecom: WeCom, tmp_path: Path) -> None:
    adapter = make(tools_for(settings(wecom, tmp_path, QUOTA="day"), CUSTOMER, TEMPLATE))
    wecom.answers[CUSTOMER] = 45009
    refused(adapter, "t1")
    wecom.answers.clear()
    assert adapter.deliver(due("t1", "wecom")).status == Status.ACCEPTED


def test_two_processes_count_together(wecom: WeCom, tmp_path: Path) -> None:
    environ = settings(wecom, tmp_path, QUOTA="day")
    one, other = (make(tools_for(environ, CUSTOMER, TEMPLATE)) for _ in range(2))
    one.deliver(due("t1", "wecom"))
    assert refused(other, "t2").reason == Why.OVER_LIMIT


@pytest.mark.parametrize(
    ("code", "why", "outcome", "retry"),
    [
        (40003, Why.REFUSED, UNSENT, False),
        (40058, Why.BAD_VARIABLES, UNSENT, False),
        (40096, Why.BAD_ADDRESS, HARD, False),
        (41048, Why.REFUSED, UNSENT, False),
        (45002, Why.BAD_VARIABLES, UNSENT, False),
        (45009, Why.OVER_LIMIT, UNSENT, True),
        (45033, Why.OVER_LIMIT, UNSENT, True),
        (48002, Why.REFUSED, UNSENT, True),
        (60011, Why.REFUSED, UNSENT, True),
        (60020, Why.REFUSED, UNSENT, True),
        (60111, Why.REFUSED, UNSENT, False),
        (84061, Why.BLOCKED, HARD, False),
        (85002, Why.REFUSED, UNSENT, False),
    ],
)
def test_every_code_has_an_outcome(
    wecom: WeCom, adapter: Adapter, *, code: int, why: Why, outcome: str, retry: bool
) -> None:
    wecom.answers[CUSTOMER] = code
    error = refused(adapter)
    assert (error.reason, error.outcome, error.retry) == (why, outcome, retry)


def test_busy_is_unknown(wecom: WeCom, adapter: Adapter) -> None:
    """Two tasks would be two messages."""
    wecom.answers[CUSTOMER] = -1
    receipt = adapter.deliver(due("t1", "wecom"))
    assert receipt == Receipt(Status.UNKNOWN, reason="-1", address=CUSTOMER)


def test_throttled_is_tried_again_soon(wecom: WeCom, adapter: Adapter) -> None:
    wecom.plan = lambda _, __: Turn(Fate.THROTTLED)
    error = refused(adapter)
    assert (error.reason, error.retry, error.after_s) == (Why.OVER_LIMIT, True, 1.0)


@pytest.mark.parametrize("gone", ["expire_tokens", "revoke_tokens"])
def test_a_stale_token_is_renewed(wecom: WeCom, adapter: Adapter, gone: str) -> None:
    """42001, 40014: nothing was done."""
    adapter.deliver(due("t1", "wecom"))
    getattr(wecom, gone)()
    assert adapter.deliver(due("t2", "wecom")).status == Status.ACCEPTED
    assert len(wecom.tasks) == 2


@pytest.mark.parametrize("changed", [{"CORP_SECRET": "wrong"}, {"CORP_ID": "wrong"}])
def test_wrong_credentials_wait_for_an_operator(
    wecom: WeCom, tmp_path: Path, changed: dict[str, str]
) -> None:
    adapter = make(tools_for(settings(wecom, tmp_path, **changed), CUSTOMER, TEMPLATE))
    assert (refused(adapter).reason, refused(adapter).retry) == (Why.UNAVAILABLE, True)


@pytest.mark.parametrize(
    ("params", "address", "reason"),
    [
        ({"first_name": "长" * 2_000}, CUSTOMER, Why.BAD_VARIABLES),
        ({"first_name": "\ud83d"}, CUSTOMER, Why.BAD_VARIABLES),
        ({}, "no address", Why.BAD_ADDRESS),
        ({}, "a/b/c", Why.BAD_ADDRESS),
    ],
)
def test_what_cannot_be_makes_no_call(
    wecom: WeCom, tmp_path: Path, params: dict[str, str], address: str, reason: Why
) -> None:
    adapter = make(tools_for(settings(wecom, tmp_path), address, TEMPLATE))
    assert (refused(adapter, **params).reason, wecom.calls) == (reason, [])


def test_a_variable_that_nobody_gave_is_missing(wecom: WeCom, tmp_path: Path) -> None:
    template = ProviderTemplate(text="${nickname}，您好")
    adapter = make(tools_for(settings(wecom, tmp_path), CUSTOMER, template))
    assert (refused(adapter).reason, wecom.calls) == (Why.BAD_VARIABLES, [])


def test_callbacks_need_a_key(wecom: WeCom, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="needs WINBACK_SENDER_WECOM_ENCODING_AES_KEY"):
        make(tools_for(settings(wecom, tmp_path, ENCODING_AES_KEY="")))
