"""HTTP calls to providers that say whether the request has left.

After a failure one question decides whether a touch may be tried again: can the provider have it?
It cannot while the last byte of the request is still here; from then on the touch is *unknown*.

=================================================  =========================================
what happened                                      what is raised
=================================================  =========================================
no name, no route, refused, no TLS, no connection  `NotSentError`, to be tried again
broken off before the last byte was handed over    `NotSentError`, to be tried again
a value that no request can carry                  `NotSentError`
silence, or broken off, after that                 `UnclearError`, ``timed_out``
an answer that was cut, too long, not compressed   `UnclearError`, ``unreadable_answer``
as it says
=================================================  =========================================

Nothing that is raised or logged names more than the host: paths and queries carry tokens.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Final, NamedTuple, TypeVar

import httpx

from winback_sender.contract.words import Status, Why
from winback_sender.http.decoding import UNREADABLE, decoder
from winback_sender.http.transport import Progress, proxy_of, trust
from winback_sender.logs import get_logger
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.settings import SENDER_PREFIX, SenderSettings
from winback_sender.settings_catalogue import load
from winback_sender.tools import Tools

log = get_logger(__name__)

ANSWER_BYTES_MAX: Final = 1_048_576
"""No answer of a provider is longer; one that is does not fill our memory."""
KEEP_ALIVE_S: Final = 5.0
"""A quiet connection is given up sooner than any server does it: one that a server closes while a
request is on its way makes a touch unknown."""
RETRY_AFTER_S_MAX: Final = 3_600.0

UNBEGUN: Final = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError,
    httpx.UnsupportedProtocol,
)  # fmt: skip
"""No connection, no TLS, no way through the proxy."""
AGENT: Final = "winback-sender"
ONE: Final = httpx.Limits(max_connections=1, keepalive_expiry=KEEP_ALIVE_S)

T = TypeVar("T")


class UnclearError(Exception):
    """The request has left, and no answer came that says what became of it.

    Args:
        reason: One of `words.Why`, or ``http_502``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def receipt(self, address: str = "") -> Receipt:
        """Return what is known of a touch that was sent to an address: that it may have left."""
        return Receipt(Status.UNKNOWN, "", self.reason, address=address)


class Unreadable(UnclearError):  # noqa: N818 (it names what the answer is)
    """The answer is not the provider's protocol."""

    def __init__(self, reason: str = Why.UNREADABLE) -> None:
        super().__init__(reason)


class Reply(NamedTuple):
    """An answer, whatever its status; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after_s(self) -> float:
        """Seconds that the provider asks to wait; 0 = it does not say, or says a date."""
        text = self.headers.get("retry-after", "").strip()
        return min(float(text), RETRY_AFTER_S_MAX) if text.isascii() and text.isdigit() else 0.0

    def json(self, kind: type[T]) -> T:
        """Return the body as a type; a provider's own error is JSON too, so look at it first.

        Raises:
            NotSentError: Not readable, but 429 says it all.
            Unreadable: Not readable: HTML with 200, cut, another form; ``http_…`` from 500 on.
        """
        try:
            return decoder(kind).decode(self.body)
        except UNREADABLE:
            is_broken = self.status >= httpx.codes.INTERNAL_SERVER_ERROR
        if self.status == httpx.codes.TOO_MANY_REQUESTS:
            raise NotSentError(Why.UNAVAILABLE, retry=True, after_s=self.retry_after_s)
        raise Unreadable(f"http_{self.status}" if is_broken else Why.UNREADABLE)


class Calls:
    """The connections to one provider; made once for an adapter, used by all its threads.

    A thread takes a connection for itself and puts it back: one pool for 64 threads looks at all of
    its connections before each call, which costs four times as much as the call.

    Args:
        provider: Its name, for logs.
        endpoint: Where it is, ``https://host[:port][/path]``; calls name what follows.
        timeout_s: Of each of: connecting, sending, waiting for the answer; twice that of the whole
            answer.
        parallel: Connections that are kept.
    """

    def __init__(self, provider: str, endpoint: str, timeout_s: float, parallel: int) -> None:
        for library in ("httpx", "httpcore"):  # They log whole addresses, and so tokens.
            logging.getLogger(library).setLevel(logging.WARNING)
        self._provider = provider
        self._endpoint = endpoint.rstrip("/")
        self._host = httpx.URL(endpoint).host
        self._timeout_s = timeout_s
        self._timeouts = httpx.Timeout(timeout_s).as_dict()
        self._parallel = parallel
        self._proxy = proxy_of(endpoint)
        self._idle: list[httpx.HTTPTransport] = []

    def post(
        self,
        path: str,
        content: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Reply:
        """Call with a body; nothing is followed and nothing is tried twice.

        Raises:
            NotSentError: The provider cannot have it.
            UnclearError: It may have it.
        """
        return self._call("POST", path, content, headers, query)

    def get(
        self,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Reply:
        """Call without a body; raises as `post` does."""
        return self._call("GET", path, b"", headers, query)

    def close(self) -> None:
        """Close the connections; a call under way closes its own."""
        self._parallel = 0
        while self._idle:
            self._idle.pop().close()

    def _call(
        self,
        method: str,
        path: str,
        content: bytes,
        headers: Mapping[str, str] | None,
        query: Mapping[str, str] | None,
    ) -> Reply:
        progress = Progress()
        try:
            request = httpx.Request(
                method, self._endpoint + path, params=query, content=content,
                headers={"user-agent": AGENT, "accept": "*/*", **(headers or {})},
                extensions={"timeout": self._timeouts, "trace": progress},
            )  # fmt: skip
        except (httpx.InvalidURL, ValueError):
            raise NotSentError(Why.BAD_VARIABLES) from None
        deadline_s = time.monotonic() + 2 * self._timeout_s
        try:
            with self._connection() as connection:
                response = connection.handle_request(request)
                progress.is_answered = True
                with closing(response):
                    body = _read(response, deadline_s)
                return Reply(response.status_code, response.headers, body)
        except httpx.RequestError as error:
            verdict = _verdict(error, progress)
            has_left = isinstance(verdict, UnclearError)
            log.warning("call_failed", provider=self._provider, host=self._host,
                        error=type(error).__name__, has_left=has_left)  # fmt: skip
            raise verdict from None

    @contextmanager
    def _connection(self) -> Iterator[httpx.HTTPTransport]:
        try:
            connection = self._idle.pop()  # The one that was used last: the others may grow old.
        except IndexError:
            connection = httpx.HTTPTransport(verify=trust(), limits=ONE, proxy=self._proxy)
        try:
            yield connection
        finally:
            if len(self._idle) < self._parallel:
                self._idle.append(connection)
            else:
                connection.close()


def make_calls(tools: Tools, provider: str, endpoint: str, timeout_s: float) -> Calls:
    """Return the connections of an adapter, as many as the kit sends touches at once."""
    parallel = load(SenderSettings, tools.environ, SENDER_PREFIX).parallel
    return Calls(provider, endpoint, timeout_s, parallel)


@contextmanager
def sends_nothing() -> Iterator[None]:
    """Hold calls that send no touch, such as fetching a token: a failure is tried again."""
    try:
        yield
    except UnclearError:
        raise NotSentError(Why.UNAVAILABLE, retry=True) from None


def _verdict(error: httpx.RequestError, progress: Progress) -> Exception:
    """Return what a failure means for the touch."""
    if isinstance(error, httpx.LocalProtocolError):
        return NotSentError(Why.BAD_VARIABLES)
    if isinstance(error, UNBEGUN) or progress.is_cut:
        return NotSentError(Why.UNAVAILABLE, retry=True)
    is_cut = progress.is_answered and not isinstance(error, httpx.TimeoutException)
    return Unreadable() if is_cut else UnclearError(Why.TIMED_OUT)


def _read(response: httpx.Response, deadline_s: float) -> bytes:
    """Return a whole body, which may neither be endless nor come drop by drop."""
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise Unreadable
        if time.monotonic() > deadline_s:
            raise UnclearError(Why.TIMED_OUT)
    return bytes(body)
