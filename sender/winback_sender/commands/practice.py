"""A place to try a sender: topics of its own, a provider and an address book that stand in."""

import os
import secrets
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

import msgspec

from winback_sender.cluster import Cluster
from winback_sender.conformance.wire import Topics, topics_of_its_own
from winback_sender.errors import Exit, UserError
from winback_sender.settings import SENDER_PREFIX, Settings
from winback_sender.settings_catalogue import PREFIX
from winback_sender.standins.postbox import Postbox
from winback_sender.standins.stand_in import Call

STOP_S_MAX: Final = 10.0
ADDRESS: Final = "13800138000"
"""Of everybody."""


@contextmanager
def practice(
    settings: Settings, cluster: Cluster, channel: str, command: str, say: Callable[[str], None]
) -> Iterator[Settings]:
    """Start a sender, with a practice provider that takes everything, and end it afterwards.

    Args:
        settings: Those in force.
        cluster: Where Kafka is.
        channel: What it is to send.
        command: Starts it; it finds everything in its environment, as under conformance.
        say: Told of every message that reaches the provider.

    Yields:
        Settings with the topics that were made for it.

    Raises:
        UserError: It cannot be started, or Kafka refuses the topics.
    """
    name = f"winback-try-{secrets.token_hex(4)}"
    topics = Topics(f"{name}-touches", f"{name}-feedback", f"{name}-dead-letters")

    with ExitStack() as stack:
        stack.enter_context(topics_of_its_own(cluster, topics, name))
        postbox = stack.enter_context(Postbox(knows=lambda _user, _channel: ADDRESS))
        state = stack.enter_context(tempfile.TemporaryDirectory(prefix="winback-try-"))
        environ = {
            f"{PREFIX}KAFKA_BOOTSTRAP": str(cluster),
            f"{PREFIX}TOPIC_TOUCHES": topics.touches,
            f"{PREFIX}TOPIC_FEEDBACK": topics.feedback,
            f"{PREFIX}TOPIC_DEAD_LETTERS": topics.dead_letters,
            f"{SENDER_PREFIX}GROUP": name,
            f"{SENDER_PREFIX}STATE": state,
            f"{SENDER_PREFIX}CHANNEL": channel,
            f"{SENDER_PREFIX}WEB_PORT": "0",
            f"{SENDER_PREFIX}ADDRESSES": postbox.addresses_url,
            "ADDRESSES_URL": postbox.addresses_url,
            "PROVIDER_URL": postbox.url,
        }
        process = _start(command, environ)
        stack.callback(_stop, process)
        yield msgspec.structs.replace(
            settings, topic_touches=topics.touches, topic_feedback=topics.feedback,
            topic_dead_letters=topics.dead_letters,
        )  # fmt: skip
        for call in postbox.calls:
            say(_line(call))


def _line(call: Call) -> str:
    variables = {name: value for name, value in dict(call.what).items() if name != "template"}
    return f"the provider got {call.what['template']} {variables or ''} for {call.address}"


def _start(command: str, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 (the command is the user's own)
            shlex.split(command), env={**os.environ, **environ}, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise UserError(
            f"{command!r} cannot be started: {error.strerror}", "", Exit.FAILED
        ) from error


def _stop(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_S_MAX)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
