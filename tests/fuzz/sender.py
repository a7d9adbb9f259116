# ruff: noqa: E501, ISC004 (tables of samples)
"""Targets: what a sender reads: touches, call-backs of providers, answers, lists of staff."""

import json
import logging
import tempfile
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from tests.fuzz.engine import CPU_MAX_S, Target
from tests.fuzz.mutate import Tongue
from tests.fuzz.tongues import JSON, TEXT, XML
from winback_sender.adapter import Answer, Heard, Request
from winback_sender.adapters import aliyun_callbacks, tencent_callbacks, wecom
from winback_sender.adapters.wechat.callbacks import read_event
from winback_sender.adapters.wechat.events import Events
from winback_sender.adapters.wechat.seal import Seal, SealError
from winback_sender.addresses.csv import CsvAddresses
from winback_sender.addresses.http import _Answer, _read
from winback_sender.call_lists.returned import read_returned
from winback_sender.engine.inbox import Unread, letter
from winback_sender.errors import UserError
from winback_sender.http.calls import Reply, UnclearError
from winback_sender.receipt import NotSentError
from winback_sender.webhooks.words_in import read_words

NOW_MS: Final = 1_700_000_000_000
TYPED: Final = "a message, or why it is none"
ANSWERED: Final = "an answer to the provider: 200 or 400"
TOUCH: Final = (
    b'{"type":"touch.requested","touch_id":"t1","case_id":"c1","user_id":"ada","step":1,'
    b'"steps_total":3,"channel":"sms","template_key":"care","params":{"name":"x"},"offer":{},'
    b'"not_before":"2023-11-14T22:13:20Z","expires_at":"2023-11-15T22:13:20.000Z",'
    b'"audience_local_timezone":"Asia/Shanghai","purpose":"care","risk":{"probability":0.9,'
    b'"horizon_days":30.0,"level":"high","reasons":[{"code":"silence","weight":1.5,"text":'
    b'{"en":"a","zh":"b"},"change":0.1}],"model_version":"v1","scored_at":"2023-11-14T22:13:20Z"},'
    b'"user":{"lifecycle_stage":"at_risk","value_tier":"top","value_net":100,"currency":"CNY",'
    b'"last_active_at":"2023-11-14T22:13:20Z","acquisition_source":"","traits":{"a":"b"}},'
    b'"priority":{"quadrant":"important_urgent","rank":0.5},"experiment":{"playbook":"p",'
    b'"variant":"v","holdout_share":0.1}}',
    b'{"type":"touch.revoked","touch_id":"t1","case_id":"c1","user_id":"ada","reason":"returned",'
    b'"revoked_at":"2023-11-14T22:13:20Z"}',
    b'{"type":"case.closed","case_id":"c1","user_id":"ada","outcome":"returned","touches":1,'
    b'"is_held_out":false,"opened_at":"2023-11-14T22:13:20Z","closed_at":"2023-11-14T22:13:20Z"}',
    b'{"type":"user.erased","user_id":"ada"}', b'{"type":"touch.renamed","touch_id":"t1"}',
)  # fmt: skip
REPORTS: Final = (
    b'[{"phone_number":"13800138000","send_time":"2023-11-14 22:13:20","report_time":'
    b'"2023-11-14 22:13:22","success":true,"err_code":"DELIVERED","err_msg":"x","sms_size":"1",'
    b'"biz_id":"b1","out_id":"t1"},{"success":false,"err_code":"MK:0001","biz_id":"b","out_id":7}]',
    b'{"success":"true","report_time":"20231114221320"}',
)
REPLIES: Final = (
    b'[{"phone_number":"13800138000","content":"TD","send_time":"2023-11-14 22:13:20"}]',
    b'{"phone_number":"+85251234567","content":"\xe9\x80\x80\xe8\xae\xa2"}',
)
TENCENT: Final = (
    b'[{"user_receive_time":"2023-11-14 22:13:20","nationcode":"86","mobile":"13800138000",'
    b'"report_status":"FAIL","errmsg":"MK:0001","description":"x","sid":"s1","ext":"t1"}]',
)
TENCENT_REPLIES: Final = (
    b'{"extend":"1","mobile":"13800138000","nationcode":"86","sign":"x","text":"T","time":1700000000}',
)
WORDS: Final = (
    b'{"status":"delivered","touch_id":"t1","at":"2023-11-14T22:13:20Z","provider_ref":"r"}',
    b'[{"status":"failed","outcome":"hard","touch_id":"t1","at":1700000000000},'
    b'{"status":"opted_out","address":"+8613800138000"}]',
    b'{"specversion":"1.0","id":"1","data":{"status":"replied","address":"a@example.com"}}',
)
EVENTS: Final = (
    b"<xml><ToUserName><![CDATA[gh]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName>"
    b"<CreateTime>1700000000</CreateTime><MsgType><![CDATA[event]]></MsgType>"
    b"<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event><MsgID>200163836</MsgID>"
    b"<Status><![CDATA[success]]></Status></xml>",
    b"<xml><FromUserName>o1</FromUserName><CreateTime>1700000000</CreateTime><MsgType>event"
    b"</MsgType><Event>subscribe_msg_popup_event</Event><SubscribeMsgPopupEvent><List><TemplateId>t"
    b"</TemplateId><SubscribeStatusString>accept</SubscribeStatusString></List><List><TemplateId>u"
    b"</TemplateId></List></SubscribeMsgPopupEvent></xml>",
    b"<xml><FromUserName>o1</FromUserName><MsgType>text</MsgType><Content>TD</Content></xml>",
    b'{"FromUserName":"o1","CreateTime":1700000000,"MsgType":"event","Event":'
    b'"subscribe_msg_sent_event","List":{"TemplateId":"t","MsgID":"1","ErrorCode":"0"}}',
    b"<xml><Event>change_external_contact</Event><ChangeType>del_follow_user</ChangeType>"
    b"<ExternalUserID>w</ExternalUserID><CreateTime>1700000000</CreateTime></xml>",
)
AES_KEY: Final = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
LISTS: Final = (
    "优先级,电话,结果（已接通）,备注,编号（勿改）\n1,'13800138000,已接通,x,t1\n2,1,拒绝,,t2\n".encode(),
    "priority;phone;result;id (do not change)\n1;1;reached;t1\n".encode("utf-16"),
    "结果\t编号\n占线\tt1\n".encode("gb18030"),
)
BOOK: Final = b"user_id,channel,address,x\nada,sms,+8613800138000,\nbob,mail,b@example.com,\n"


class _Nothing:
    """Stands for the files of windows and notices."""

    def __getattr__(self, _name: str) -> Callable[..., Any]:
        return lambda *_, **__: ()


def _touch(sample: bytes) -> str:
    headers = [("ce_time", sample[:30]), ("ce_dataschema", sample[-40:])] if len(sample) & 1 else []
    message = letter(0, 1, sample, headers, NOW_MS, b"ada").message
    if isinstance(message, Unread):
        return f"unread {message.reason} {message.detail[:60]}"
    return type(message).__name__


def _called(handle: Callable[[Request], Answer], sample: bytes) -> str:
    answer = handle(Request("POST", {}, {}, sample))
    assert answer.status in {200, 400}, f"status {answer.status}"
    for heard in answer.heard:
        _sound(heard)
    return f"{answer.status} {[heard.receipt.status.value for heard in answer.heard[:3]]}"


def _sound(heard: Heard) -> None:
    assert 0 <= heard.at_ms < 2**53, "an instant that cannot be"
    for text in (heard.touch_id, heard.ref, heard.address, *heard.receipt[1:]):
        text.encode()


def _event(sample: bytes) -> str:
    try:
        event = read_event(sample)
    except (ValueError, RecursionError) as error:
        return f"refused {str(error)[:40]}"
    nothing: Any = _Nothing()
    heard = [*Events(nothing, nothing, lambda: NOW_MS).hear(event), *wecom.hear(event)]
    for each in heard:
        _sound(each)
    return f"event {len(heard)} {str(event.get('Event'))[:20]}"


def _sealed(sample: bytes) -> str:
    try:
        return f"opened {len(Seal(AES_KEY, '').open(sample.decode('latin-1')))}"
    except SealError as error:
        return str(error)


def _words(sample: bytes) -> str:
    heard, faults = read_words(sample, NOW_MS)
    for each in heard:
        _sound(each)
    return f"{len(heard)} {[fault.what[:30] for fault in faults[:2]]}"


def _returned(sample: bytes) -> str:
    found = read_returned(sample, lambda touch_id: touch_id in {"t1", "t2"})
    return f"{len(found.results)} {[str(fault)[:40] for fault in found.faults[:2]]}"


def _address(sample: bytes) -> str:
    try:
        return f"answer {str(_read(Reply(200, {}, sample), _Answer))[:20]}"
    except NotSentError as error:
        return error.reason


def _reply(sample: bytes) -> str:
    status = 200 if len(sample) % 3 else 503
    try:
        Reply(status, {"retry-after": sample[:12].decode("latin-1")}, sample).json(dict[str, Any])
    except (NotSentError, UnclearError) as error:
        return error.reason
    return "read"


@cache
def _file() -> Path:
    """Return a file in memory where there is such a place."""
    folder = "/dev/shm" if Path("/dev/shm").is_dir() else None
    return Path(tempfile.mkdtemp(prefix="winback-fuzz-", dir=folder)) / "file"


def _book(sample: bytes) -> str:
    _file().write_bytes(sample)
    try:
        book = CsvAddresses(_file(), "gbk" if len(sample) % 3 == 0 else "utf-8")
    except UserError as error:
        return f"refused {error.message.replace(str(_file()), '')[:50]}"
    return f"{len(book.faults)} {book.resolve('ada', 'sms')}"


def _target(
    name: str, tongue: Tongue, seeds: Sequence[bytes], call: Callable[[bytes], str], promise: str,
    cpu_s: float = CPU_MAX_S,
) -> Target:  # fmt: skip
    def make() -> Callable[[bytes], str]:
        logging.disable(logging.WARNING)  # A hostile call is logged; here there are millions.
        return call

    return Target(name, "sender", tongue, lambda: seeds, make, promise, cpu_s=cpu_s)


TARGETS: Final = (
    _target("touch", JSON, TOUCH, _touch, TYPED),
    _target("aliyun-report", JSON, REPORTS, partial(_called, aliyun_callbacks.reports), ANSWERED),
    _target("aliyun-reply", JSON, REPLIES, partial(_called, aliyun_callbacks.replies), ANSWERED),
    _target("tencent-report", JSON, TENCENT, partial(_called, tencent_callbacks.reports), ANSWERED),
    _target("tencent-reply", JSON, TENCENT_REPLIES,
            partial(_called, tencent_callbacks.replies), ANSWERED),
    _target("webhook-words", JSON, WORDS, _words, "words, and what is wrong with the others"),
    _target("wechat-event", XML, EVENTS, _event, "an event, or ValueError; no entity is expanded"),
    _target("wechat-seal", TEXT, (Seal(AES_KEY, "x").close(b"<xml/>", b"0" * 16).encode(),), _sealed,
            "SealError"),
    _target("call-list", TEXT, LISTS, _returned, "results, and faults with their line", 0.1),
    _target("address-book", TEXT, (BOOK,), _book, "UserError, or faults with their line", 0.1),
    _target("address-answer", JSON, (b'{"address":"+8613800138000"}',), _address, "NotSentError"),
    _target("provider-reply", JSON, (json.dumps({"errcode": 0, "msgid": 5}).encode(),), _reply,
            "NotSentError or UnclearError"),
)  # fmt: skip
