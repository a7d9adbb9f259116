"""Puts an adapter of a service account together from the environment."""

from typing import Final, TypeVar

from winback_sender.adapters.wechat import notices, windows
from winback_sender.adapters.wechat.account import WechatSettings, open_account, open_seal
from winback_sender.adapters.wechat.callbacks import Callbacks
from winback_sender.adapters.wechat.events import Events
from winback_sender.adapters.wechat.memory import open_memory
from winback_sender.adapters.wechat.notices import Notices
from winback_sender.adapters.wechat.service_account import ServiceAccount
from winback_sender.adapters.wechat.windows import Windows
from winback_sender.clock import now_ms
from winback_sender.contract.instants import SECOND_MS
from winback_sender.own_settings import load_own
from winback_sender.routes import prefix_of
from winback_sender.tools import Tools

CALL_TIMEOUTS: Final = 8
"""A call takes up to two time-outs to be answered, with a token, and once more."""

A = TypeVar("A", bound=ServiceAccount)


def open_service_account(kind: type[A], settings_kind: type[WechatSettings], tools: Tools) -> A:
    """Return an adapter of a kind.

    Raises:
        UserError: Settings are wrong or missing, or the file of windows cannot be used.
    """
    prefix = prefix_of(kind.name)
    settings = load_own(settings_kind, tools.environ, prefix)
    account = open_account(tools, kind.name, settings)
    seal = open_seal(settings.encoding_aes_key, settings.app_id, f"{prefix}ENCODING_AES_KEY")
    memory = open_memory(tools.environ, "wechat", windows.SCHEMA + notices.SCHEMA)
    allowed, sent = (
        Windows(memory),
        Notices(memory, round(settings.timeout_s * CALL_TIMEOUTS * SECOND_MS)),
    )
    events = Events(allowed, sent, now_ms)
    callbacks = None
    if settings.callback_token:
        callbacks = Callbacks(kind.name, settings.callback_token, seal, events.hear)
    return kind(tools, settings, account, allowed, sent, callbacks)
