"""Where a sender keeps what it remembers, and what its consumer group is called."""

import os
from collections.abc import Iterable
from pathlib import Path

from winback_sender.routes import EVERY
from winback_sender.settings import SenderSettings, Settings


def group_of(settings: Settings, own: SenderSettings, channels: Iterable[str]) -> str:
    """Return the consumer group: as set, or the deployment and the channels that are sent."""
    names = [channel.replace(EVERY, "every") for channel in sorted(channels)]
    return own.group or "-".join([settings.app_id, "sender", *names])


def journal_path(own: SenderSettings, group: str) -> Path:
    """Return the file of the journal that all senders of a group share."""
    return state_directory(own) / f"{group}.sqlite"


def state_directory(own: SenderSettings) -> Path:
    """Return the directory of all that senders remember on this machine."""
    if own.state:
        return Path(own.state).expanduser()
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser() / "winback" / "senders"
