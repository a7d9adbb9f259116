"""What an adapter of a provider is; all but `deliver` has a default that does nothing."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from winback_sender.contract.messages import TouchRequested
from winback_sender.receipt import Receipt


class Sent(NamedTuple):
    """A touch that was begun, as the journal knows it.

    Attributes:
        touch_id: Which.
        user_id: To whom.
        channel: Through which channel.
        ref: What the provider calls it, if it said so.
        at_ms: When it was begun, epoch ms UTC.
        receipt: What is known of it.
    """

    touch_id: str
    user_id: str
    channel: str
    ref: str
    at_ms: int
    receipt: Receipt


class Heard(NamedTuple):
    """A word on a touch that came later: a receipt, a reply, an outcome of staff.

    The touch is named by the first of these that is not empty: its id, the provider's name for it,
    or the address, of which the latest touch is meant.

    Attributes:
        receipt: The word.
        at_ms: When it happened, epoch ms UTC; 0 = now.
        touch_id: Which touch.
        ref: What the provider calls it.
        address: The phone number, openid, e-mail it came from.
    """

    receipt: Receipt
    at_ms: int = 0
    touch_id: str = ""
    ref: str = ""
    address: str = ""


class Request(NamedTuple):
    """A call of a provider to us; names of headers are in lower case."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Answer(NamedTuple):
    """What the provider is told, and what it has told us.

    What was heard is on disk before the answer leaves; if that fails the answer is 503.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    heard: Sequence[Heard] = ()


class Route(NamedTuple):
    """A path that a provider calls, such as ``/callbacks/aliyun/report``.

    Attributes:
        path: Where; it may have a secret in it, so it stands in no log.
        handle: Reads a call.
        is_guarded: Whether a stranger is told from the provider, by a signature or the path.
    """

    path: str
    handle: Callable[[Request], Answer]
    is_guarded: bool = True


class Limits(NamedTuple):
    """How much a provider takes, 0 = as much as comes.

    Attributes:
        per_s: Calls a second of the account.
        burst: So many at once.
        per_template_s: Calls a second of one template.
    """

    per_s: float = 0.0
    burst: int = 1
    per_template_s: float = 0.0


def _never(touch_id: str) -> bool:
    del touch_id
    return False


class Adapter(ABC):
    """One provider. `deliver` and `ask` are called from several threads at once.

    Attributes:
        name: As in ``--channel sms=NAME``; also the name of its rules in the channel law.
        limits: What the provider takes.
        is_revoked: Set by the kit: whether a touch was taken back, also after it was delivered,
            for what leaves in bulk later.
    """

    name: str
    limits: Limits = Limits()
    is_revoked: Callable[[str], bool] = staticmethod(_never)

    @abstractmethod
    def deliver(self, touch: TouchRequested) -> Receipt:
        """Send one touch.

        Raises:
            NotSentError: It surely did not leave.
            Exception: Anything else: it may have left.
        """

    def ask(self, sent: Sent) -> Receipt | None:
        """Ask the provider what became of a touch; None = it cannot say, or not yet."""
        del sent
        return None

    def routes(self) -> Sequence[Route]:
        """Return what the provider calls back."""
        return ()

    def collect(self) -> Iterable[Heard]:
        """Return what has come by other ways, such as files of staff; called every few seconds.

        What was returned is on disk when it is called again.
        """
        return ()

    def close(self) -> None:  # noqa: B027  # most hold nothing
        """Let go of connections and files."""
