"""What the three kinds of messages of a service account share: address, template, call, call-back.

WeChat calls one address of an account, whatever the kind, so each of them hears everything. An
account whose call-backs go to another system forwards them as they come, with their query.
"""

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from winback_sender.adapter import Adapter, Heard, Route
from winback_sender.adapters.callbacks import callback_base
from winback_sender.adapters.wechat.account import Account, Json, WechatSettings
from winback_sender.adapters.wechat.callbacks import Callbacks
from winback_sender.adapters.wechat.codes import WECHAT, judge
from winback_sender.adapters.wechat.notices import Notices
from winback_sender.adapters.wechat.windows import Windows
from winback_sender.addresses.needed import address_for
from winback_sender.clock import now_ms
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import HARD, Status, Why
from winback_sender.http.calls import UnclearError
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.templating.templates import ProviderTemplate
from winback_sender.tools import Tools

_OPENID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ServiceAccount(Adapter):
    """A service account.

    Args:
        tools: Address book and templates.
        settings: Of the account.
        account: Makes its calls.
        windows: What openids allow.
        notices: What is on its way.
        callbacks: What WeChat calls; None = nothing is taken.
    """

    path: str
    """Of the call that sends."""

    def __init__(
        self,
        tools: Tools,
        settings: WechatSettings,
        account: Account,
        windows: Windows,
        notices: Notices,
        callbacks: Callbacks | None,
    ) -> None:
        self._tools = tools
        self._settings = settings
        self._account = account
        self._callbacks = callbacks
        self.windows = windows
        self.notices = notices

    def routes(self) -> Sequence[Route]:
        """Return the address that is set at WeChat."""
        if self._callbacks is None:
            return ()
        return (Route(callback_base(self.name, ""), self._callbacks.handle),)

    def collect(self) -> Iterable[Heard]:
        """Return results of which it has become clear whose they are."""
        return self.notices.late(now_ms())

    def close(self) -> None:
        """Close the connections and the file."""
        self._account.close()
        self.windows.close()

    def _template(self, touch: TouchRequested) -> tuple[ProviderTemplate, dict[str, str]]:
        """Return the template of a touch, and its variables by WeChat's names.

        Raises:
            NotSentError: There is none, or a variable is missing.
        """
        template = self._tools.templates.lookup(self.name, touch.template_key)
        return template, self._tools.templates.values(template, touch.params)

    def _openid(self, touch: TouchRequested) -> str:
        """Return the openid of a touch.

        Raises:
            NotSentError: There is none.
        """
        openid = address_for(touch, self._tools.addresses).strip()
        if not _OPENID.fullmatch(openid):
            raise NotSentError(Why.BAD_ADDRESS, HARD)
        return openid

    def _send(self, body: Json, openid: str) -> Receipt:
        """Call once.

        Raises:
            NotSentError: Nothing was sent.
        """
        try:
            code, answer = self._account.call(self.path, body)
        except UnclearError as error:
            return error.receipt(openid)
        if code:
            return self._refused(code, openid)
        return Receipt(Status.ACCEPTED, ref=str(answer.get("msgid", "")), address=openid)

    def _answered(self, touch: TouchRequested, receipt: Receipt) -> Receipt:
        """Take note of what WeChat calls the message of a touch, if it said so."""
        with suppress(sqlite3.Error):  # The kit knows the name all the same.
            self.notices.answered(touch.touch_id, receipt.ref)
        return receipt

    def _refused(self, code: int, openid: str) -> Receipt:
        return judge(code, WECHAT, self.name, self._settings.pause_s, openid)


def data_of(values: Mapping[str, str]) -> dict[str, Any]:
    """Return variables as ``template/send`` and ``subscribe/bizsend`` take them."""
    return {name: {"value": value} for name, value in values.items()}


def link_of(template: ProviderTemplate, url_field: str) -> dict[str, Any]:
    """Return where a click leads: a page, or a mini-program, which goes first if both are set."""
    link: dict[str, Any] = {url_field: template.url} if template.url else {}
    if app_id := template.extra.get("miniprogram_appid"):
        pagepath = template.extra.get("miniprogram_pagepath", "")
        link["miniprogram"] = {"appid": app_id, "pagepath": pagepath}
    return link
