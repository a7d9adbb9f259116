# ruff: noqa: E501, ISC004 (tables of samples)
"""Fuzzing what listens: the sender's call-backs and the pages of sender and worker, over sockets.

The servers are the real ones, the adapters' call-backs too; only what is heard goes nowhere. A
request is bytes, mostly HTTP. Whoever asks is told 2xx or 4xx, or cut off; never 5xx, never nothing
for long, and the next one is answered as if nothing had been.
"""

import asyncio
import hashlib
import logging
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any, Final, NamedTuple

from streams.runtime.health import Health, HealthServer
from streams.runtime.metrics import Metrics
from tests.fuzz.mutate import Mutator, Tongue
from tests.fuzz.sender import AES_KEY, EVENTS, NOW_MS, REPLIES, REPORTS, TENCENT, WORDS, _Nothing
from tests.fuzz.tongues import JSON, NUMBERS, TEXTS, XML
from winback_sender.adapter import Adapter, Heard, Route
from winback_sender.adapters import aliyun_callbacks, tencent_callbacks
from winback_sender.adapters.wechat.callbacks import Callbacks
from winback_sender.adapters.wechat.events import Events
from winback_sender.adapters.wechat.seal import Seal
from winback_sender.contract.messages import TouchRequested
from winback_sender.engine.lane import Lane, Lanes
from winback_sender.engine.metrics import Meter
from winback_sender.engine.web import Web
from winback_sender.receipt import Receipt
from winback_sender.webhooks.signatures import Signer
from winback_sender.webhooks.words_in import answer_words

PATIENCE_S: Final = 4.0
"""Longer than any answer takes, also on a machine that has much else to do."""
QUIET_S: Final = 0.2
"""Of a server that waits for more of a request."""
ANSWER_MAX: Final = 262_144
TOKEN: Final = "t"
SIGNER: Final = Signer("whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=", "SECRET")
SIGNED: Final = (
    "timestamp=1700000000&nonce=n&signature="
    + hashlib.sha1("".join(sorted((TOKEN, "1700000000", "n"))).encode()).hexdigest()
)
_STATUS: Final = re.compile(rb"HTTP/\d\.\d (\d{3})")
_LENGTH: Final = re.compile(rb"(?i)content-length: (\d+)")
_HEADERS: Final = (b"x-content-type-options: nosniff", b"cache-control: no-store")


class Called(Adapter):
    """All call-backs that there are."""

    name = "called"

    def deliver(self, touch: TouchRequested) -> Receipt:
        """Nothing leaves here."""
        raise AssertionError(touch)

    def routes(self) -> Sequence[Route]:
        nothing: Any = _Nothing()
        hear = Events(nothing, nothing, lambda: NOW_MS).hear
        sealed = Callbacks("sealed", TOKEN, Seal(AES_KEY, "x"), hear)
        return [
            Route("/callbacks/aliyun/report", aliyun_callbacks.reports),
            Route("/callbacks/aliyun/reply", aliyun_callbacks.replies),
            Route("/callbacks/tencent/report", tencent_callbacks.reports),
            Route("/callbacks/wechat", Callbacks("wechat", TOKEN, None, hear).handle),
            Route("/callbacks/sealed", sealed.handle),
            Route("/callbacks/webhook", lambda asked: answer_words(SIGNER, asked, lambda: NOW_MS)),
        ]


def _post(path: str, body: bytes, *headers: str) -> bytes:
    head = "".join(f"{line}\r\n" for line in (f"POST {path} HTTP/1.1", "Host: localhost", *headers))
    return head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


SEEDS: Final = (
    b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nCookie: a=b\r\n\r\n",
    b"HEAD /health/live HTTP/1.0\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    f"GET /callbacks/wechat?{SIGNED}&echostr=e HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(),
    f"GET /callbacks/sealed?{SIGNED}&msg_signature=x&echostr=e HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
    *(_post(f"/callbacks/wechat?{SIGNED}", event, "Content-Type: text/xml") for event in EVENTS),
    *(_post(f"/callbacks/wechat?{SIGNED}", attack) for attack in XML.attacks[:5]),
    *(_post("/callbacks/aliyun/report", body, "Content-Type: application/json") for body in REPORTS),
    *(_post("/callbacks/aliyun/reply", body) for body in REPLIES),
    *(_post("/callbacks/tencent/report", body) for body in TENCENT),
    *(_post("/callbacks/webhook", body, "webhook-id: m", "webhook-timestamp: 1700000000",
            "webhook-signature: v1,x") for body in WORDS),
    _post("/callbacks/sealed", b"<xml><Encrypt>YQ==</Encrypt></xml>", "Expect: 100-continue"),
    b"POST /callbacks/aliyun/report HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\n[{},{\r\n2;x=y\r\n}]\r\n0\r\nTrailer: x\r\n\r\n",
    b"POST /callbacks/aliyun/report HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n"
    b"Content-Length: 24\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\x02\xff\xab\xae\x05\0\x43\xbf\xa6\xa3\x02\0\0\0",
)  # fmt: skip
HTTP: Final = Tongue(
    re.compile(rb"\r\n|[A-Za-z0-9._/-]+|.", re.DOTALL),
    (
        *(text for text in TEXTS if len(text) < 600), *NUMBERS[:30], *JSON.evil[:20],
        b"\r\n", b"\n", b"\r", b"\r\n\r\n", b":", b" ", b"\t", b"\0", b"\xff", b"%00", b"%0d%0aX: y", b"%",
        b"%2e%2e%2f", b"//", b"/../", b"?", b"#", b"&", b"=", b";", b"HTTP/1.1", b"HTTP/0.9", b"HTTP/2.0",
        b"HTTP/9.9", b"PRI * HTTP/2.0", b"GET", b"POST", b"PUT", b"DELETE", b"TRACE", b"CONNECT", b"PATCH",
        b"BREW", b"http://evil/", b"localhost:99999", b"[::1", b"Host: evil\r\n", b"Content-Length: 5\r\n",
        b"Content-Length: -1\r\n", b"Content-Length: 99999999999999999999\r\n", b"Content-Length: 4194305\r\n",
        b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: xchunked\r\n", b"Transfer-Encoding: gzip\r\n",
        b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n", b"Expect: 100-continue\r\n",
        b"Content-Encoding: deflate\r\n", b"Content-Encoding: br\r\n", b"Content-Encoding: zstd\r\n",
        b"Content-Type: multipart/form-data; boundary=x\r\n", b"Content-Type: text/xml; charset=utf-7\r\n",
        b"Content-Type: application/json; charset=nope\r\n", b"Range: bytes=0-99999999999\r\n",
        b"Authorization: Bearer \xff\r\n", b"Authorization: Basic Og==\r\n", b"X-Forwarded-For: 127.0.0.1\r\n",
        b"Cookie: " + b"a=b;" * 50 + b"\r\n", b"ffffffff\r\n", b"-1\r\n", b"0\r\n\r\n", b" folded\r\n", b"<", b">",
    ),
    (
        b"x" * 9_000, b"X: y\r\n" * 80, b"X-Long: " + b"z" * 9_000 + b"\r\n", b"/" * 9_000, b"a=b&" * 3_000,
        b"%41" * 4_000, b"[" * 20_000, b"[" + b"{}," * 6_000 + b"{}]", b"9" * 5_000, b"<a>" * 5_000,
    ),
    (b"", b"\0" * 300, b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", b"GET", b"\r\n" * 500, b"x" * 70_000),
)  # fmt: skip


class Reply(NamedTuple):
    """What came back.

    Attributes:
        statuses: Of all answers on the connection.
        seconds: Until it was closed.
        wrong: What must not be, empty = nothing.
    """

    statuses: tuple[int, ...]
    seconds: float
    wrong: str


@contextmanager
def sender() -> Iterator[int]:
    """Serve the call-backs of all providers; yield the port."""
    logging.disable(logging.WARNING)
    lanes = Lanes({"sms": Called()}, Random(1))

    def hear(_lane: Lane, heard: list[Heard]) -> None:
        assert all(word.at_ms >= 0 for word in heard)

    page = Web("127.0.0.1", 0, lanes, Meter(), hear, is_alive=lambda: "", is_ready=lambda: "")
    page.start()
    try:
        yield page.port
    finally:
        page.stop(5.0)
        logging.disable(logging.NOTSET)


@contextmanager
def worker() -> Iterator[int]:
    """Serve the pages of a worker; yield the port."""
    logging.disable(logging.WARNING)
    loop, made = asyncio.new_event_loop(), threading.Event()
    ports: list[int] = []
    health = Health(is_ready=True, is_waiting=False, progress=1, facts={"partitions": [0]})
    server = HealthServer("127.0.0.1", 0, "", Metrics(), lambda: health)

    def run() -> None:
        asyncio.set_event_loop(loop)
        ports.append(loop.run_until_complete(server.start()))
        made.set()
        loop.run_forever()
        loop.run_until_complete(server.stop())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert made.wait(10)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        logging.disable(logging.NOTSET)


def requests(seed: str) -> Iterator[bytes]:
    """Yield requests; of half of them the length is right, so that their bodies are read."""
    chance = Random(seed)
    mutator = Mutator(HTTP, SEEDS, chance)
    while True:
        made = mutator.make()
        head, apart, body = made.partition(b"\r\n\r\n")
        if apart and chance.random() < 0.5:
            head = re.sub(rb"(?i)content-length:[^\r]*", b"Content-Length: %d" % len(body), head)
            if b"/callbacks/webhook" in head and chance.random() < 0.7:
                signed = SIGNER.headers("m", NOW_MS // 1_000, body)["webhook-signature"].encode()
                head = re.sub(rb"(?i)(webhook-signature:)[^\r]*", rb"\1 " + signed, head)
            made = head + apart + body
        yield made


def ask(port: int, request: bytes) -> Reply:
    """Send a request and read the answer; of one that is not whole, say that nothing more comes."""
    begin = time.monotonic()
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
            connection.sendall(request)
            connection.settimeout(QUIET_S)
            try:
                while not _is_whole(answer) and (piece := connection.recv(65_536)):
                    answer += piece
            except TimeoutError:
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(PATIENCE_S)
                while len(answer) < ANSWER_MAX and (piece := connection.recv(65_536)):
                    answer += piece
    except TimeoutError:
        return Reply((), PATIENCE_S, f"no end within {PATIENCE_S:g} s, after {answer[:80]!r}")
    except OSError:
        pass  # Cut off: also an answer.
    statuses = tuple(map(int, _STATUS.findall(answer)))
    return Reply(statuses, time.monotonic() - begin, _wrong(answer, statuses))


def _is_whole(answer: bytes) -> bool:
    """Return whether an answer has come to its end."""
    head, apart, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(apart and length) and len(body) >= int(length[1])  # type: ignore[index]


def _wrong(answer: bytes, statuses: tuple[int, ...]) -> str:
    if any(status >= 500 for status in statuses):
        return f"status {statuses}"
    if answer and not statuses:
        return f"an answer that is no HTTP: {answer[:60]!r}"
    low = answer.lower()
    if b"traceback" in low or b"aiohttp" in low or b"python" in low.partition(b"\r\n\r\n")[0]:
        return f"it tells strangers how it is made: {answer[:200]!r}"
    if statuses and 100 not in statuses and not all(each in low for each in _HEADERS):
        return f"headers are missing: {answer[:200]!r}"
    return ""


def besiege(
    port: int, seed: str, seconds: float, count: int = 1 << 62
) -> tuple[Counter[int], list[str]]:
    """Ask for a time; return how often which status came, and all that must not be."""
    statuses: Counter[int] = Counter()
    wrong: dict[str, str] = {}
    end = time.monotonic() + seconds
    for number, request in enumerate(requests(seed)):
        if number >= count or time.monotonic() > end:
            break
        reply = ask(port, request)
        statuses.update(reply.statuses or (0,))
        if reply.wrong:
            wrong.setdefault(
                reply.wrong[:40],
                f"{reply.wrong}: seed {seed!r}, number {number}: {request[:3_000]!r}",
            )
    return statuses, list(wrong.values())


def hang(port: int, connections: int) -> list[socket.socket]:
    """Open connections that never finish their request, each at another place of it."""
    pieces = [
        b"", b"G", b"GET /metrics HTTP/1.1\r\nHost: x\r\n", b"POST /callbacks/aliyun/report HTTP/1.1\r\n"
        b"Host: x\r\nContent-Length: 1000\r\n\r\n[", b"POST /callbacks/aliyun/report HTTP/1.1\r\nHost: x\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n[{}",
    ]  # fmt: skip
    held = []
    for number in range(connections):
        connection = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        connection.sendall(pieces[number % len(pieces)])
        held.append(connection)
    return held
