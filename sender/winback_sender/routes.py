"""Which adapter carries which channel: the words of ``--channel``."""

import difflib
import importlib
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

import msgspec

from winback_sender.adapter import Adapter
from winback_sender.adapters.roster import ROSTER
from winback_sender.errors import UserError
from winback_sender.settings import SENDER_PREFIX, SenderSettings
from winback_sender.settings_catalogue import catalogue, unknown
from winback_sender.tools import Tools

EVERY: Final = "*"
"""Stands for every channel that has no adapter of its own."""


class _Module(Protocol):
    def make(self, tools: Tools) -> Adapter: ...


def read_routes(words: Iterable[str]) -> dict[str, str]:
    """Return channel to name of its adapter.

    Args:
        words: ``CHANNEL=ADAPTER``, or ``ADAPTER`` alone, which carries every channel.

    Raises:
        UserError: An adapter is unknown or does not carry the channel, or a channel comes twice.
    """
    routes: dict[str, str] = {}
    for word in words:
        channel, _, name = word.strip().rpartition("=")
        if word.strip().startswith("="):
            raise UserError(f"--channel {word}: no channel is named", f"write --channel {name}")
        channel = channel.strip() or EVERY
        if name not in ROSTER:
            near = difflib.get_close_matches(name, ROSTER, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UserError(
                f"--channel {word}: no adapter is called {name!r}",
                f"{hint}`winback sender adapters` lists them",
            )
        carried = ROSTER[name].channels
        if channel == EVERY and len(carried) == 1:
            channel = carried[0]
        if carried and channel not in carried:
            raise UserError(
                f"--channel {word}: {name} carries {', '.join(carried)}, not {channel}",
                f"write --channel {carried[0]}={name}",
            )
        if channel in routes:
            raise UserError(
                f"--channel {word}: {channel} goes to {routes[channel]} already",
                "one channel has one adapter in a sender",
            )
        routes[channel] = name
    return routes


def make_adapters(routes: Mapping[str, str], tools: Tools) -> dict[str, Adapter]:
    """Return channel to adapter; one that carries several channels is made once.

    Raises:
        UserError: Settings are wrong, missing or unknown; all of an adapter are named at once.
    """
    _demand_known(tools.environ)
    made = {name: _module(name).make(tools) for name in dict.fromkeys(routes.values())}
    return {channel: made[name] for channel, name in routes.items()}


def settings_of(name: str) -> type[msgspec.Struct] | None:
    """Return the settings of an adapter, if it has any."""
    found: type[msgspec.Struct] | None = getattr(_module(name), "AdapterSettings", None)
    return found


def prefix_of(name: str) -> str:
    """Return the prefix of an adapter's variables: ``WINBACK_SENDER_ALIYUN_``."""
    return f"{SENDER_PREFIX}{name.upper()}_"


def _module(name: str) -> _Module:
    module: _Module = importlib.import_module(ROSTER[name].module)
    return module


def _demand_known(environ: Mapping[str, str]) -> None:
    """Refuse a misspelt variable; what belongs to an adapter is the adapter's to judge."""
    theirs = (f"{SENDER_PREFIX}ADDRESSES_", *map(prefix_of, ROSTER))
    general = {name: text for name, text in environ.items() if not name.startswith(theirs)}
    known = [
        *(entry.variable for entry in catalogue(SenderSettings, SENDER_PREFIX)),
        f"{SENDER_PREFIX}CHANNEL",  # of conformance: which channel a black box is to carry
    ]
    if faults := unknown(general, known, SENDER_PREFIX):
        raise UserError("; ".join(faults), "`winback sender settings` prints all settings")
