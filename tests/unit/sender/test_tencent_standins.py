"""WeChat's and WeCom's stand-ins answer as the documents say."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from winback_sender.standins.wechat import WeChat
from winback_sender.standins.wecom import WeCom

OPENID, CUSTOMER = "oAda_1234567890", "wmAda_AAAX"
ROOT = "/cgi-bin/externalcontact/"


@pytest.fixture
def wechat() -> Iterator[WeChat]:
    with WeChat() as found:
        found.templates = {"tpl-1": ("thing1", "phrase2")}
        yield found


@pytest.fixture
def wecom() -> Iterator[WeCom]:
    with WeCom() as found:
        yield found


def token(wechat: WeChat, **changed: Any) -> dict[str, Any]:
    asked = {"grant_type": "client_credential", "appid": wechat.account, "secret": wechat.secret}
    url = f"{wechat.url}/cgi-bin/stable_token"
    answer: dict[str, Any] = httpx.post(url, json={**asked, **changed}).json()
    return answer


def call(provider: WeChat | WeCom, path: str, body: Any, access: str | None = None) -> Any:
    good = provider.new_token() if access is None else access
    query = {"access_token": good} if good else {}
    content = body if isinstance(body, bytes) else None
    return httpx.post(
        f"{provider.url}{path}", params=query, content=content, json=None if content else body
    ).json()


def template(wechat: WeChat, **changed: Any) -> int:
    body = {
        "touser": OPENID, "template_id": "tpl-1", "client_msg_id": "t1",
        "data": {"thing1": {"value": "小林"}, "phrase2": {"value": "已到账"}},
    }  # fmt: skip
    answer = call(wechat, "/cgi-bin/message/template/send", {**body, **changed})
    return int(answer["errcode"])


def custom(wechat: WeChat, text: str = "您好", **changed: Any) -> int:
    body = {"touser": OPENID, "msgtype": "text", "text": {"content": text}, **changed}
    return int(call(wechat, "/cgi-bin/message/custom/send", body)["errcode"])


def task(wecom: WeCom, **changed: Any) -> Any:
    body = {
        "chat_type": "single", "external_userid": [CUSTOMER], "text": {"content": "您好"},
        **changed,
    }  # fmt: skip
    return call(wecom, f"{ROOT}add_msg_template", body)


class TestWeChat:
    def test_a_token_is_stable_until_it_is_forced(self, wechat: WeChat) -> None:
        first = token(wechat)
        assert (7_190 < first["expires_in"] <= 7_200, token(wechat)["access_token"]) == (
            True, first["access_token"],
        )  # fmt: skip
        assert token(wechat, force_refresh=True)["access_token"] != first["access_token"]
        sent = call(wechat, "/cgi-bin/message/custom/send", {}, first["access_token"])
        assert sent["errcode"] == 40001

    def test_40125_a_wrong_secret(self, wechat: WeChat) -> None:
        assert token(wechat, secret="wrong")["errcode"] == 40125

    def test_41001_40001_42001_of_tokens(self, wechat: WeChat) -> None:
        path, good = "/cgi-bin/message/template/send", wechat.new_token()
        assert call(wechat, path, {}, "")["errcode"] == 41001
        assert call(wechat, path, {}, "made up")["errcode"] == 40001
        wechat.expire_tokens()
        assert call(wechat, path, {}, good)["errcode"] == 42001

    def test_47001_of_what_is_not_json(self, wechat: WeChat) -> None:
        for body in (b"{", b"[]"):
            assert call(wechat, "/cgi-bin/message/template/send", body)["errcode"] == 47001

    @pytest.mark.parametrize(
        ("changed", "code"),
        [
            ({"touser": "+8613800138000"}, 40003),
            ({"touser": None}, 40003),
            ({"template_id": "tpl-2"}, 40037),
            ({"data": {"thing1": {"value": "小林"}}}, 47003),
            ({"data": {"thing1": {"value": "长" * 21}, "phrase2": {"value": "好"}}}, 47003),
            ({"data": {"thing1": {"value": "小林"}, "phrase2": {"value": "six"}}}, 47003),
            ({"data": {"thing1": {"value": ""}, "phrase2": {"value": "好"}}}, 47003),
        ],
    )
    def test_what_is_wrong_is_refused(
        self, wechat: WeChat, changed: dict[str, Any], code: int
    ) -> None:
        assert (template(wechat, **changed), wechat.calls) == (code, [])

    def test_43004_43101_45009_of_users_and_quotas(self, wechat: WeChat) -> None:
        wechat.refused_templates = {(OPENID, "tpl-1")}
        assert template(wechat) == 43101
        wechat.gone = {OPENID}
        assert template(wechat) == 43004
        wechat.gone, wechat.refused_templates, wechat.calls_a_day = set(), set(), 1
        assert [template(wechat, client_msg_id=touch) for touch in "ab"] == [0, 45009]

    def test_an_id_sends_once_in_ten_minutes(self, wechat: WeChat) -> None:
        assert [template(wechat) for _ in range(3)] == [0, 0, 0]
        assert len(wechat.calls) == 1
        wechat._calls[0] = wechat.calls[0]._replace(at_ms=wechat.calls[0].at_ms - 600_001)
        assert (template(wechat), len(wechat.calls)) == (0, 2)

    def test_another_openid_is_another_message(self, wechat: WeChat) -> None:
        assert (template(wechat), template(wechat, touser="oBob_123456789")) == (0, 0)
        assert len(wechat.calls) == 2

    def test_43101_one_consent_is_one_notice(self, wechat: WeChat) -> None:
        wechat.consents = Counter({(OPENID, "tpl-1"): 1})
        data = {"thing1": {"value": "小林"}, "phrase2": {"value": "已到账"}}
        body = {"touser": OPENID, "template_id": "tpl-1", "data": data}
        path = "/cgi-bin/message/subscribe/bizsend"
        assert [call(wechat, path, body)["errcode"] for _ in range(2)] == [0, 43101]

    def test_45015_45047_of_windows(self, wechat: WeChat) -> None:
        assert custom(wechat) == 45015
        wechat.say(OPENID, "在吗")
        assert [custom(wechat) for _ in range(6)] == [0, 0, 0, 0, 0, 45047]
        wechat.do(OPENID, "CLICK")
        assert [custom(wechat) for _ in range(4)] == [0, 0, 0, 45047]
        wechat.close_windows(OPENID)
        assert custom(wechat) == 45015

    def test_44004_45002_of_texts(self, wechat: WeChat) -> None:
        wechat.say(OPENID, "在吗")
        assert (custom(wechat, ""), custom(wechat, "长" * 683)) == (44004, 45002)


class TestWeCom:
    def test_40013_40001_of_credentials(self, wecom: WeCom) -> None:
        query = {"corpid": wecom.account, "corpsecret": "wrong"}
        url = f"{wecom.url}/cgi-bin/gettoken"
        assert httpx.get(url, params=query).json()["errcode"] == 40001
        assert httpx.get(url).json()["errcode"] == 40013

    def test_41001_40014_42001_of_tokens(self, wecom: WeCom) -> None:
        path, good = f"{ROOT}add_msg_template", wecom.new_token()
        assert call(wecom, path, {}, "")["errcode"] == 41001
        assert call(wecom, path, {}, "made up")["errcode"] == 40014
        wecom.expire_tokens()
        assert call(wecom, path, {}, good)["errcode"] == 42001

    @pytest.mark.parametrize(
        ("changed", "code"),
        [
            ({"external_userid": []}, 41048),
            ({"chat_type": "group"}, 41048),
            ({"external_userid": ["oAda"]}, 40096),
            ({"sender": "nobody"}, 40003),
            ({"text": {"content": ""}}, 44004),
            ({"text": {"content": "长" * 1_334}}, 45002),
        ],
    )
    def test_what_is_wrong_is_refused(
        self, wecom: WeCom, changed: dict[str, Any], code: int
    ) -> None:
        assert (task(wecom, **changed)["errcode"], wecom.calls) == (code, [])

    def test_who_cannot_be_sent_to_is_in_the_fail_list(self, wecom: WeCom) -> None:
        wecom.strangers = {CUSTOMER}
        assert (task(wecom)["fail_list"], wecom.tasks) == ([CUSTOMER], {})

    def test_a_fourth_reminder_is_too_many(self, wecom: WeCom) -> None:
        asked = {"msgid": task(wecom)["msgid"]}
        path = f"{ROOT}remind_groupmsg_send"
        assert [call(wecom, path, asked)["errcode"] for _ in range(4)] == [0, 0, 0, 45009]

    @pytest.mark.parametrize(
        "path", ["get_groupmsg_task", "get_groupmsg_send_result", "remind_groupmsg_send",
                 "cancel_groupmsg_send"]
    )  # fmt: skip
    def test_40058_of_a_task_that_is_none(self, wecom: WeCom, path: str) -> None:
        assert call(wecom, ROOT + path, {"msgid": "none"})["errcode"] == 40058

    def test_the_tasks_of_a_time_come_in_pages(self, wecom: WeCom) -> None:
        made = [task(wecom)["msgid"] for _ in range(3)]
        created_s = wecom.tasks[made[0]].created_s
        asked = {"start_time": created_s - 1, "end_time": created_s + 5, "limit": 2}
        path = f"{ROOT}get_groupmsg_list_v2"
        first = call(wecom, path, {**asked, "cursor": ""})
        rest = call(wecom, path, {**asked, "cursor": first["next_cursor"]})
        rows = first["group_msg_list"] + rest["group_msg_list"]
        assert ([row["msgid"] for row in rows], rest["next_cursor"]) == (made, "")
