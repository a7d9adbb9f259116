"""The HTTP server of all roles: who is answered what, and who is cut off."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback_sender.http import site as sites
from winback_sender.http.guard import Guard, guard_of, is_loopback
from winback_sender.http.site import HEADERS, Answer, Asked, Page, Site, Whom, body_of

TOKEN = "a token of these tests"


async def tell(asked: Asked) -> Answer:
    return Answer(200, b"all" if asked.is_known else b"little")


async def echo(asked: Asked) -> Answer:
    return Answer(200, await body_of(asked.request))


async def fail(_asked: Asked) -> Answer:
    raise RuntimeError("the phone of ada is 13800138000")


async def talk(_asked: Asked) -> Answer:
    return Answer(200, b"x" * 8_000_000)


PAGES = {
    "/open": Page(tell, Whom.PROBES),
    "/closed": Page(tell),
    "/echo": Page(echo, Whom.PROBES, methods=("POST",)),
    "/called": Page(tell, Whom.ANYBODY),
    "/fail": Page(fail, Whom.PROBES),
    "/talk": Page(talk, Whom.PROBES),
}
Count = Callable[[], int]
"""Says how many connections the site has."""


def served(ask: Callable[[int, Count], Awaitable[bytes]], token: str = "") -> bytes:
    """Run a site for as long as one asks."""

    async def run() -> bytes:
        site = Site(PAGES, Guard(token), body_bytes_max=100)
        port = await site.start("127.0.0.1", 0)
        try:
            assert site._runner is not None
            server = site._runner.server
            assert server is not None
            async with asyncio.timeout(20):
                return await ask(port, lambda: len(server.connections))
        finally:
            await site.stop()

    return asyncio.run(run())


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 (the server has no event for it)
        await asyncio.sleep(0.005)


def said(raw: bytes, token: str = "") -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of the answer to what is sent; 0 = none."""

    async def ask(port: int, _count: Count) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(raw)
        answer = await reader.read()
        writer.close()
        return answer

    head, _, body = served(ask, token).partition(b"\r\n\r\n")
    if not head:
        return 0, {}, b""
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body


def request(method: str, path: str, *lines: str, host: str = "127.0.0.1", body: str = "") -> bytes:
    head = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *lines, "", ""]
    return "\r\n".join(head).encode() + body.encode()


def test_strangers_are_told_little_and_shown_the_door() -> None:
    assert said(request("GET", "/open"), TOKEN)[::2] == (200, b"little")
    status, headers, body = said(request("GET", "/closed"), TOKEN)
    assert (status, headers["WWW-Authenticate"], body) == (401, "Bearer", b"")


@pytest.mark.parametrize(
    ("word", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN} ", 200),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        (f"Bearer {TOKEN}x", 401),
        ("Bearer ", 401),
        ("Bearer ü", 401),
    ],
)
def test_who_shows_the_token_sees_all(word: str, status: int) -> None:
    assert said(request("GET", "/closed", f"Authorization: {word}"), TOKEN)[0] == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:6066", 200),
        ("localhost", 200),
        ("[::1]:6066", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("", 403),
    ],
)
def test_without_a_token_only_names_of_this_machine_are_answered(host: str, status: int) -> None:
    """A page in a browser here may have a name of its own lead to us."""
    assert said(request("GET", "/closed", host=host))[0] == status
    assert said(request("GET", "/open", host=host))[0] == (status if host else 200)
    assert said(request("GET", "/called", host=host))[0] == 200, "a provider proves itself"


def test_a_probe_that_names_no_host_is_told_little() -> None:
    """A browser always names one; balancers do not, in HTTP/1.0."""
    assert said(b"GET /open HTTP/1.0\r\n\r\n")[::2] == (200, b"little")
    assert said(b"GET /closed HTTP/1.0\r\n\r\n")[0] == 403


@pytest.mark.parametrize("host", ["10.1.2.3:6066", "worker", "winback.example:443", ""])
def test_with_a_token_the_name_says_nothing(host: str) -> None:
    """A kubelet asks by the address of the pod, Prometheus by the name of a service."""
    assert said(request("GET", "/open", host=host), TOKEN)[::2] == (200, b"little")
    bearer = f"Authorization: Bearer {TOKEN}"
    assert said(request("GET", "/closed", bearer, host=host), TOKEN)[::2] == (200, b"all")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (request("HEAD", "/open"), 200),
        (request("OPTIONS", "/open"), 405),
        (request("POST", "/open", "Content-Length: 0"), 405),
        (request("DELETE", "/open"), 405),
        (request("TRACE", "/open"), 405),
        (request("PATCH", "/echo"), 405),
        (request("GET", "/openx"), 404),
        (request("GET", "/open/../closed"), 404),
        (request("GET", "/fail"), 500),
        (request("POST", "/echo", "Content-Length: 100", body="x" * 100), 200),
        (request("POST", "/echo", "Content-Length: 101", body="x" * 101), 413),
        (request("POST", "/echo", "Content-Length: -1"), 400),
        (request("GET", "/open", f"X: {'x' * 9_000}"), 400),
        (request("GET", "/open", *(f"X-{n}: 1" for n in range(100))), 400),
        (request("GET", f"/open?{'x' * 9_000}"), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 ada 13800138000\r\n\r\n", 400),
    ],
)
def test_every_answer_is_bare_and_says_how_to_treat_it(
    raw: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    found, headers, body = said(raw)
    assert found == status
    assert HEADERS.items() <= headers.items()
    assert not any(word in body + str(headers).encode() for word in (b"aiohttp", b"Python", b"138"))
    assert "13800138000" not in caplog.text
    assert "Traceback" not in caplog.text
    if status == 405:
        assert "Allow" in headers


def test_who_says_nothing_or_never_ends_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "HEAD_WITHIN_S", 0.2)
    monkeypatch.setattr(sites, "BODY_WITHIN_S", 0.2)
    assert said(b"")[0] == 0
    assert said(b"GET /open HTTP/1.1\r\nHost: 127")[0] == 0
    assert said(request("POST", "/echo", "Content-Length: 50", body="x"))[0] == 408


def test_who_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "READ_WITHIN_S", 0.2)

    async def ask(port: int, count: Count) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.write(request("GET", "/talk"))
        await until(lambda: count() == 1)
        await until(lambda: count() == 0)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(8_000_000)
        return b""

    assert served(ask) == b""


def test_there_are_never_more_connections_than_can_be_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sites, "CONNECTIONS_MAX", 2)

    async def ask(port: int, count: Count) -> bytes:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await until(lambda: count() == 2)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request("GET", "/open"))
            refused = await reader.read()
        except ConnectionError:
            refused = b""
        for _, each in held:
            each.close()
        await until(lambda: count() == 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request("GET", "/open"))
        answered = await reader.read()
        writer.close()
        assert b" 200 " in answered
        return refused

    assert served(ask) == b""


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=20))
def test_only_the_token_is_the_token(word: str, host: str, token: str) -> None:
    known = Guard(TOKEN).knows(word, host)
    assert known == (word.lower().startswith("bearer ") and word[7:].strip() == TOKEN)
    assert Guard(TOKEN).knows(f"Bearer {TOKEN}", host)
    assert not Guard(f"{TOKEN}{token}!").knows(f"Bearer {TOKEN}{token}", host)


def test_what_is_reached_from_elsewhere_needs_a_token() -> None:
    assert guard_of("127.0.0.1", "", "X") == Guard("")
    assert guard_of("0.0.0.0", TOKEN, "X") == Guard(TOKEN)
    assert is_loopback("::1")
    assert is_loopback("127.9.9.9")
    assert not is_loopback("::")
    assert not is_loopback("127.0.0.1.example")
