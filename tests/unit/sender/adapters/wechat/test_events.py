"""What WeChat tells: replies, opt-outs, results, and what users said of templates."""

from pathlib import Path
from typing import Any

import pytest

from winback_sender.adapter import Heard
from winback_sender.adapters.wechat import notices
from winback_sender.adapters.wechat.events import Events
from winback_sender.adapters.wechat.memory import Memory
from winback_sender.adapters.wechat.notices import Notices
from winback_sender.adapters.wechat.windows import SCHEMA, OpenedBy, Windows
from winback_sender.contract.words import HARD, Status, Why
from winback_sender.receipt import NotSentError, Receipt

OPENID, TEMPLATE = "oAda_1234567890", "tpl-1"
AT_S = 1_700_000_000
NOW_MS = AT_S * 1_000 + 500
CALL_MS = 4_000


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "wechat.sqlite", "key", SCHEMA + notices.SCHEMA)


@pytest.fixture
def windows(memory: Memory) -> Windows:
    return Windows(memory)


def hear(windows: Windows, kind: str = "event", **more: Any) -> list[Heard]:
    event = {"ToUserName": "gh_1", "FromUserName": OPENID, "CreateTime": str(AT_S), "MsgType": kind}
    events = Events(windows, Notices(windows._memory, CALL_MS), lambda: NOW_MS)
    return events.hear({**event, **more})


def sending(
    memory: Memory,
    touch_id: str,
    template: str = TEMPLATE,
    *,
    openid: str = OPENID,
    at_ms: int = NOW_MS,
    msgid: str = "",
) -> None:
    notices_ = Notices(memory, CALL_MS)
    with notices_.sending(openid, template, touch_id, at_ms):
        if msgid:
            notices_.answered(touch_id, msgid)


@pytest.mark.parametrize(
    "text", ["退订", "TD", " td。", "ＴＤ", "R", "r!", "T", "取消订阅", "stop"]
)
def test_words_of_refusal_are_an_opt_out(windows: Windows, text: str) -> None:
    assert hear(windows, "text", Content=text) == [
        Heard(Receipt(Status.OPTED_OUT), AT_S * 1_000, address=OPENID)
    ]


@pytest.mark.parametrize(
    ("kind", "text"), [("text", "还有优惠吗"), ("text", "TDX"), ("image", ""), ("voice", "")]
)
def test_any_other_message_is_a_reply(windows: Windows, kind: str, text: str) -> None:
    (heard,) = hear(windows, kind, Content=text)
    assert (heard.receipt.status, heard.address) == (Status.REPLIED, OPENID)


def test_leaving_the_account_is_an_opt_out(windows: Windows) -> None:
    hear(windows, "text", Content="hi")
    assert hear(windows, Event="unsubscribe") == [
        Heard(Receipt(Status.OPTED_OUT, "", Why.BLOCKED), AT_S * 1_000, address=OPENID)
    ]
    assert windows.left(OPENID, NOW_MS) == 0


@pytest.mark.parametrize(
    ("status", "receipt"),
    [
        ("success", Receipt(Status.DELIVERED)),
        ("failed:user block", Receipt(Status.FAILED, HARD, Why.BLOCKED)),
        ("failed: user block", Receipt(Status.FAILED, HARD, Why.BLOCKED)),
        ("failed: system failed", Receipt(Status.FAILED, "soft", "failed: system failed")),
        ("", Receipt(Status.FAILED, "soft", "")),
    ],
)
def test_the_result_of_a_template_names_its_message(
    windows: Windows, status: str, receipt: Receipt
) -> None:
    told = hear(windows, Event="TEMPLATESENDJOBFINISH", MsgID="200163836", Status=status)
    assert told == [Heard(receipt, AT_S * 1_000, ref="200163836")]


def finished(windows: Windows, msgid: str) -> str | None:
    """Return whose a result is, None = it waits."""
    heard = hear(windows, Event="TEMPLATESENDJOBFINISH", MsgID=msgid, Status="success")
    assert all(found.ref == msgid for found in heard)
    return heard[0].touch_id if heard else None


def test_a_result_is_that_of_the_call_whose_answer_is_missing(
    memory: Memory, windows: Windows
) -> None:
    """The sender was killed between the call and the answer: nobody knows WeChat's id."""
    sending(memory, "t1")
    assert [finished(windows, msgid) for msgid in ("1", "1", "2")] == ["t1", "t1", ""]


def test_a_result_of_another_system_is_not_ours(memory: Memory, windows: Windows) -> None:
    sending(memory, "t1", msgid="1")
    sending(memory, "t0", "old", at_ms=NOW_MS - 121_000)
    sending(memory, "t3", openid="oBob")
    assert [finished(windows, msgid) for msgid in ("7", "1")] == ["", "t1"]


@pytest.mark.parametrize(("answer", "whose"), [("7", "t2"), ("8", "t1")])
def test_a_result_waits_for_the_answer_of_a_call_under_way(
    memory: Memory, windows: Windows, answer: str, whose: str
) -> None:
    """The first call was not answered; the second is just being made."""
    notices_ = Notices(memory, CALL_MS)
    sending(memory, "t1", at_ms=NOW_MS - 1_000)
    notices_.answered("t1", "")
    sending(memory, "t2")
    assert finished(windows, "7") is None
    assert notices_.late(NOW_MS + 100) == []
    notices_.answered("t2", answer)
    assert [heard.touch_id for heard in notices_.late(NOW_MS + 200)] == [whose]
    assert notices_.late(NOW_MS + 300) == []


def test_a_call_of_a_sender_that_was_killed_is_under_way_for_a_while_only(
    memory: Memory, windows: Windows
) -> None:
    sending(memory, "t1", at_ms=NOW_MS - 1_000)
    sending(memory, "t2")
    assert finished(windows, "7") is None
    notices_ = Notices(memory, CALL_MS)
    assert notices_.late(NOW_MS + CALL_MS - 1_000) == []
    (heard,) = notices_.late(NOW_MS + CALL_MS)
    assert (heard.touch_id, heard.receipt.status) == ("t2", Status.DELIVERED)


def test_what_was_not_sent_has_no_result(memory: Memory, windows: Windows) -> None:
    def refused() -> None:
        with Notices(memory, CALL_MS).sending(OPENID, TEMPLATE, "t1", NOW_MS):
            raise NotSentError

    with pytest.raises(NotSentError):
        refused()
    assert finished(windows, "7") == ""


def result(code: str, status: str = "success", template: str = TEMPLATE) -> dict[str, Any]:
    return {"TemplateId": template, "MsgID": "1", "ErrorCode": code, "ErrorStatus": status}


def test_the_result_of_a_notice_names_its_message(memory: Memory, windows: Windows) -> None:
    sending(memory, "t1", msgid="1")
    kind = "subscribe_msg_sent_event"
    for place in ({"SubscribeMsgSentEvent": {"List": result("0")}}, {"List": [result("0")]}):
        assert hear(windows, Event=kind, **place) == [
            Heard(Receipt(Status.DELIVERED), AT_S * 1_000, touch_id="t1", ref="1")
        ]
    (failed,) = hear(windows, Event=kind, List=result("1", "system failed"))
    assert failed.receipt == Receipt(Status.FAILED, "soft", "system failed")


@pytest.mark.parametrize(("template", "touch_id"), [(TEMPLATE, "t1"), ("order", "")])
def test_without_its_name_a_notice_is_known_by_its_template(
    memory: Memory, windows: Windows, template: str, touch_id: str
) -> None:
    sending(memory, "t1")
    event = {"Event": "subscribe_msg_sent_event", "List": result("0", "", template)}
    assert [heard.touch_id for heard in hear(windows, **event)] == [touch_id]


def choice(word: str) -> dict[str, Any]:
    return {"TemplateId": TEMPLATE, "SubscribeStatusString": word, "PopupScene": "2"}


def test_the_last_word_on_a_template_counts(windows: Windows) -> None:
    hear(windows, Event="subscribe_msg_change_event", List=choice("reject"))
    assert windows.is_refused(OPENID, TEMPLATE)
    assert not windows.is_refused("oBob", TEMPLATE)
    hear(windows, Event="subscribe_msg_popup_event", CreateTime=str(AT_S - 60),
         SubscribeMsgPopupEvent={"List": [choice("accept")]})  # fmt: skip
    assert windows.is_refused(OPENID, TEMPLATE)
    hear(windows, Event="subscribe_msg_popup_event", List=[choice("accept"), choice("accept")])
    assert not windows.is_refused(OPENID, TEMPLATE)


@pytest.mark.parametrize(
    ("event", "left"),
    [("CLICK", 3), ("scancode_waitmsg", 3), ("subscribe", 3), ("SCAN", 3), ("VIEW", 0)],
)
def test_events_open_short_windows(windows: Windows, event: str, left: int) -> None:
    assert hear(windows, Event=event) == []
    assert windows.left(OPENID, NOW_MS) == left
    assert windows.left(OPENID, NOW_MS + 60_000) == 0


@pytest.mark.parametrize(
    "event",
    [
        {"MsgType": "event", "Event": "LOCATION", "FromUserName": "o"},
        {"MsgType": "event", "FromUserName": "o"},
        {"FromUserName": "", "MsgType": "text"},
        {"FromUserName": {"x": 1}, "MsgType": "text"},
        {},
    ],
)
def test_what_says_nothing_of_touches_is_passed_over(
    windows: Windows, event: dict[str, Any]
) -> None:
    assert Events(windows, Notices(windows._memory, CALL_MS), lambda: NOW_MS).hear(event) == []


@pytest.mark.parametrize("instant", ["", "soon", "9" * 5_000, str(AT_S + 10**9)])
def test_an_instant_that_cannot_be_is_now(windows: Windows, instant: str) -> None:
    (heard,) = hear(windows, "text", Content="hi", CreateTime=instant)
    assert heard.at_ms == NOW_MS
    assert windows.left(OPENID, NOW_MS + 48 * 3_600_000) == 0


class TestWindows:
    """5 messages in 48 h after a message of the user."""

    def test_a_window_is_used_up_and_opened_anew(self, windows: Windows) -> None:
        windows.opened(OPENID, OpenedBy.MESSAGE, NOW_MS)
        taken = [windows.take(OPENID, NOW_MS) for _ in range(6)]
        assert taken == [OpenedBy.MESSAGE] * 5 + [None]
        windows.opened(OPENID, OpenedBy.MESSAGE, NOW_MS)  # The call-back came twice.
        assert windows.take(OPENID, NOW_MS) is None
        windows.opened(OPENID, OpenedBy.MESSAGE, NOW_MS + 1)
        assert windows.left(OPENID, NOW_MS + 1) == 5

    def test_the_window_that_ends_first_is_used_first(self, windows: Windows) -> None:
        windows.opened(OPENID, OpenedBy.MESSAGE, NOW_MS)
        windows.opened(OPENID, OpenedBy.MENU, NOW_MS)
        assert [windows.take(OPENID, NOW_MS) for _ in range(4)] == [
            *[OpenedBy.MENU] * 3, OpenedBy.MESSAGE,
        ]  # fmt: skip

    def test_it_is_over_to_the_millisecond(self, windows: Windows) -> None:
        windows.opened(OPENID, OpenedBy.MESSAGE, NOW_MS)
        end_ms = NOW_MS + 48 * 3_600_000
        assert windows.take(OPENID, end_ms - 1) == OpenedBy.MESSAGE
        assert windows.take(OPENID, end_ms) is None

    def test_what_did_not_leave_is_given_back_and_never_more(self, windows: Windows) -> None:
        windows.opened(OPENID, OpenedBy.MENU, NOW_MS)
        windows.take(OPENID, NOW_MS)
        for _ in range(2):
            windows.give_back(OPENID, OpenedBy.MENU)
        assert windows.left(OPENID, NOW_MS) == 3

    def test_processes_share_it_and_no_openid_stands_in_it(self, tmp_path: Path) -> None:
        path = tmp_path / "wechat.sqlite"
        one, other = (Windows(Memory(path, "key", SCHEMA)) for _ in range(2))
        one.opened(OPENID, OpenedBy.MENU, NOW_MS)
        taken = [found.take(OPENID, NOW_MS) for found in (one, other, one, other)]
        assert taken == [OpenedBy.MENU] * 3 + [None]
        one.close()
        other.close()
        assert OPENID.encode() not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_what_is_remembered_of_an_openid_outlives_a_change_of_the_key(tmp_path: Path) -> None:
    path, schema = tmp_path / "wechat.sqlite", SCHEMA + notices.SCHEMA
    before = Memory(path, "key", schema)
    Windows(before).opened(OPENID, OpenedBy.MESSAGE, NOW_MS)
    Windows(before).chosen(OPENID, TEMPLATE, NOW_MS, is_refused=True)
    named = before.hashed(OPENID)
    before.close()
    after = Memory(path, "next", schema, ["key"])
    windows = Windows(after)
    assert windows.left(OPENID, NOW_MS) == 5
    assert windows.is_refused(OPENID, TEMPLATE)
    assert windows.take(OPENID, NOW_MS) is OpenedBy.MESSAGE
    windows.opened(OPENID, OpenedBy.MENU, NOW_MS)
    assert after.is_hash_of(named, OPENID)
    after.close()
    alone = Windows(Memory(path, "next", schema))
    assert alone.left(OPENID, NOW_MS) == 4 + 3, "it has its new name in the whole file"
    assert alone.is_refused(OPENID, TEMPLATE)
    alone.close()
