"""Template messages against a WeChat that answers as its documents say."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.sender.adapters.wechat.account_making import (
    KEY,
    OPENID,
    due,
    listening,
    settings,
    tools_for,
    until,
)
from winback_sender.adapters.wechat.template import TemplateMessages, make
from winback_sender.contract.words import HARD, UNSENT, Status, Why
from winback_sender.errors import UserError
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.standins.stand_in import Fate, Receipts, Turn
from winback_sender.standins.wechat import WeChat


@pytest.fixture(params=["", KEY], ids=["clear", "sealed"])
def wechat(request: pytest.FixtureRequest) -> Iterator[WeChat]:
    with WeChat(encoding_key=request.param) as found:
        found.templates = {"tpl-1": ("thing1", "phrase2")}
        yield found


@pytest.fixture
def adapter(wechat: WeChat, tmp_path: Path) -> TemplateMessages:
    return make(tools_for(settings(wechat, "wechat_template", tmp_path)))


def refused(adapter: TemplateMessages, touch_id: str = "t1", **params: str) -> NotSentError:
    with pytest.raises(NotSentError) as caught:
        adapter.deliver(due(touch_id, **params))
    return caught.value


def test_a_touch_is_taken_and_arrives(wechat: WeChat, adapter: TemplateMessages) -> None:
    with listening(adapter, wechat) as heard:
        receipt = adapter.deliver(due())
        assert until(lambda: heard)

    assert (receipt.status, receipt.address) == (Status.ACCEPTED, OPENID)
    assert (heard[0].receipt.status, heard[0].ref) == (Status.DELIVERED, receipt.ref)
    (call,) = wechat.calls
    assert (call.touch_id, call.address) == ("t1", OPENID)
    assert call.what["data"] == {"thing1": {"value": "小林"}, "phrase2": {"value": "已到账"}}
    assert call.what["url"] == "https://shop.example/m"


@pytest.mark.parametrize("fate", [Fate.LOST_ANSWER, Fate.ERROR_AFTER, Fate.HTML, Fate.LOST_CALL])
def test_a_lost_answer_is_asked_for_again_and_nothing_is_sent_twice(
    wechat: WeChat, adapter: TemplateMessages, fate: Fate
) -> None:
    """Within 10 minutes the id makes a repeat harmless, so nothing is left unknown."""
    wechat.plan = lambda _, tried: Turn(Fate.OK if tried else fate)

    receipt = adapter.deliver(due())

    sent = [call for call in wechat.calls if call.was_sent]
    assert (receipt.status, len(sent)) == (Status.ACCEPTED, 1)
    assert receipt.ref == str(3_000_000_000 + int(sent[0].ref[2:]))


@pytest.mark.parametrize("second", [Fate.LOST_CALL, Fate.THROTTLED, Fate.REFUSED])
def test_what_the_second_call_cannot_say_stays_unknown(
    wechat: WeChat, adapter: TemplateMessages, second: Fate
) -> None:
    """A refusal of the second call says nothing of the first."""
    wechat.plan = lambda _, tried: Turn(second if tried else Fate.ERROR_BEFORE)

    assert adapter.deliver(due()) == Receipt(Status.UNKNOWN, reason="http_500", address=OPENID)


def test_the_result_settles_a_call_without_any_answer(
    wechat: WeChat, adapter: TemplateMessages
) -> None:
    wechat.plan = lambda _, tried: Turn(Fate.REFUSED if tried else Fate.ERROR_AFTER)
    with listening(adapter, wechat) as heard:
        wechat.find = lambda _: None  # type: ignore[method-assign]  # It has forgotten the id.
        assert adapter.deliver(due()).status == Status.UNKNOWN
        assert until(lambda: heard)
    assert (heard[0].touch_id, heard[0].receipt.status) == ("t1", Status.DELIVERED)


def test_busy_is_unknown_when_it_stays_so(wechat: WeChat, adapter: TemplateMessages) -> None:
    wechat.answers[OPENID] = -1
    assert adapter.deliver(due()) == Receipt(Status.UNKNOWN, reason="-1", address=OPENID)


def test_the_id_was_used_before(wechat: WeChat, adapter: TemplateMessages) -> None:
    wechat.answers[OPENID] = 45065
    assert adapter.deliver(due()).status == Status.ACCEPTED


def test_a_wechat_that_is_away_was_sent_nothing(wechat: WeChat, adapter: TemplateMessages) -> None:
    wechat.go_away()
    error = refused(adapter)
    assert (error.reason, error.retry) == (Why.UNAVAILABLE, True)


@pytest.mark.parametrize(
    ("code", "why", "outcome", "retry"),
    [
        (40003, Why.BAD_ADDRESS, HARD, False),
        (40037, Why.NO_TEMPLATE, UNSENT, False),
        (40249, Why.REFUSED, UNSENT, False),
        (43004, Why.BLOCKED, HARD, False),
        (43019, Why.BLOCKED, HARD, False),
        (43101, Why.NO_WINDOW, UNSENT, False),
        (43107, Why.REFUSED, UNSENT, True),
        (43108, Why.OVER_LIMIT, UNSENT, True),
        (43116, Why.REFUSED, UNSENT, False),
        (45009, Why.OVER_LIMIT, UNSENT, True),
        (45011, Why.OVER_LIMIT, UNSENT, True),
        (45168, Why.REFUSED, UNSENT, False),
        (47001, Why.BAD_VARIABLES, UNSENT, False),
        (47003, Why.BAD_VARIABLES, UNSENT, False),
        (48001, Why.REFUSED, UNSENT, True),
        (48002, Why.BLOCKED, HARD, False),
        (48004, Why.REFUSED, UNSENT, True),
        (50005, Why.BLOCKED, HARD, False),
    ],
)
def test_every_code_has_an_outcome(
    wechat: WeChat, adapter: TemplateMessages, *, code: int, why: Why, outcome: str, retry: bool
) -> None:
    wechat.answers[OPENID] = code
    error = refused(adapter)
    assert (error.reason, error.outcome, error.retry) == (why, outcome, retry)


def test_a_code_that_is_not_documented_is_unknown(
    wechat: WeChat, adapter: TemplateMessages
) -> None:
    wechat.answers[OPENID] = 99999
    assert adapter.deliver(due()).status == Status.UNKNOWN


def test_wechat_says_so_of_users_and_templates(wechat: WeChat, adapter: TemplateMessages) -> None:
    wechat.gone = {OPENID}
    assert refused(adapter).reason == Why.BLOCKED
    wechat.gone, wechat.refused_templates = set(), {(OPENID, "tpl-1")}
    assert refused(adapter).reason == Why.NO_WINDOW
    wechat.refused_templates, wechat.calls_a_day = set(), 0
    assert (refused(adapter).reason, refused(adapter).after_s) == (Why.OVER_LIMIT, 3_600.0)
    wechat.templates = {}
    assert refused(adapter).reason == Why.NO_TEMPLATE


def test_throttling_waits_a_minute(wechat: WeChat, adapter: TemplateMessages) -> None:
    wechat.plan = lambda _, __: Turn(Fate.THROTTLED)
    assert (refused(adapter).retry, refused(adapter).after_s) == (True, 60.0)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"first_name": "一" * 21}, Why.BAD_VARIABLES),
        ({"first_name": "换\n行"}, Why.BAD_VARIABLES),
        ({"first_name": ""}, Why.BAD_VARIABLES),
        ({"first_name": "\ud83d"}, Why.BAD_VARIABLES),
        ({"state": "already"}, Why.BAD_VARIABLES),
        ({"state": "六个汉字太长"}, Why.BAD_VARIABLES),
    ],
)
def test_values_that_wechat_would_refuse_make_no_call(
    wechat: WeChat, adapter: TemplateMessages, params: dict[str, str], reason: Why
) -> None:
    assert (refused(adapter, **params).reason, wechat.calls) == (reason, [])


def test_rare_characters_arrive_as_they_are(wechat: WeChat, adapter: TemplateMessages) -> None:
    adapter.deliver(due(first_name="𠮷😀"))
    assert wechat.calls[0].what["data"]["thing1"]["value"] == "𠮷😀"


@pytest.mark.parametrize(
    ("address", "reason"), [("o ada", Why.BAD_ADDRESS), ("+8613800138000", Why.BAD_ADDRESS)]
)
def test_an_address_that_is_no_openid_is_refused(
    wechat: WeChat, tmp_path: Path, address: str, reason: Why
) -> None:
    adapter = make(tools_for(settings(wechat, "wechat_template", tmp_path), address))
    assert (refused(adapter).reason, refused(adapter).outcome) == (reason, HARD)
    assert wechat.calls == []


def test_blocked_is_told_later(wechat: WeChat, adapter: TemplateMessages) -> None:
    wechat.refusing = {OPENID}
    with listening(adapter, wechat) as heard:
        adapter.deliver(due())
        assert until(lambda: heard)
    assert heard[0].receipt == Receipt(Status.FAILED, HARD, Why.BLOCKED)


def test_a_failure_of_wechat_itself_is_soft(wechat: WeChat, adapter: TemplateMessages) -> None:
    wechat.plan = lambda _, __: Turn(arrives=False)
    with listening(adapter, wechat) as heard:
        adapter.deliver(due())
        assert until(lambda: heard)
    assert heard[0].receipt == Receipt(Status.FAILED, "soft", "failed: system failed")


def test_results_come_twice_or_before_the_answer(wechat: WeChat, adapter: TemplateMessages) -> None:
    wechat.plan = lambda touch_id, _: Turn(
        receipts=Receipts.TWICE if touch_id == "t1" else Receipts.BEFORE_ANSWER
    )
    with listening(adapter, wechat) as heard:
        adapter.deliver(due())
        assert until(lambda: len(heard) == 2)
        second = adapter.deliver(due("t2"))
        assert (heard[2].ref, len(heard)) == (second.ref, 3)


class TestTheToken:
    """It is shared, renewed once, and never seen."""

    def test_one_token_serves_many_calls(self, wechat: WeChat, adapter: TemplateMessages) -> None:
        for number in range(3):
            adapter.deliver(due(f"t{number}"))
        assert len(wechat.tokens) == 1

    @pytest.mark.parametrize("gone", ["expire_tokens", "revoke_tokens"])
    def test_a_stale_token_is_renewed_and_the_touch_is_sent_once(
        self, wechat: WeChat, adapter: TemplateMessages, gone: str
    ) -> None:
        """42001, 40001: nothing was sent, so it is tried again."""
        adapter.deliver(due("t1"))
        getattr(wechat, gone)()
        assert adapter.deliver(due("t2")).status == Status.ACCEPTED
        assert [call.touch_id for call in wechat.calls] == ["t1", "t2"]

    def test_a_wrong_secret_waits_for_an_operator(self, wechat: WeChat, tmp_path: Path) -> None:
        environ = settings(wechat, "wechat_template", tmp_path, APP_SECRET="wrong")
        error = refused(make(tools_for(environ)))
        assert (error.reason, error.retry) == (Why.UNAVAILABLE, True)

    def test_it_is_in_no_log_and_no_error(
        self, wechat: WeChat, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        logging.getLogger().setLevel(logging.INFO)
        adapter = make(tools_for(settings(wechat, "wechat_template", tmp_path)))
        with caplog.at_level(logging.INFO):
            adapter.deliver(due("t1"))
            wechat.answers[OPENID] = 43004
            error = refused(adapter, "t2")
            wechat.go_away()
            away = refused(adapter, "t3")

        (token,) = wechat.tokens
        told = caplog.text + repr(error) + repr(away) + repr(away.__cause__)
        assert (token in told, wechat.secret in told, OPENID in told) == (False, False, False)


def test_without_a_way_to_a_token_it_does_not_start(wechat: WeChat, tmp_path: Path) -> None:
    environ = settings(wechat, "wechat_template", tmp_path, APP_SECRET="")
    with pytest.raises(UserError, match="credentials"):
        make(tools_for(environ))


def test_a_wrong_key_of_callbacks_does_not_start(wechat: WeChat, tmp_path: Path) -> None:
    environ = settings(wechat, "wechat_template", tmp_path, ENCODING_AES_KEY="short")
    with pytest.raises(UserError, match="EncodingAESKey has 43"):
        make(tools_for(environ))
