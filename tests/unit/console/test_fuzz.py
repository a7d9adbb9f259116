"""Whatever is asked, no page breaks: hostile addresses and forms end in an answer of ours."""

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from served import Served

from streams.console.web.sessions import Pace

PATHS = st.sampled_from(["/now", "/recall", "/why", "/model", "/calls", "/health", "/people/x",
                         "/now.csv", "/why.csv", "/letters", "/static/console.css", "/login",
                         "/static/..%2f..%2fetc%2fpasswd", "/people/%00", "/%ff%fe"])  # fmt: skip
NAMES = st.sampled_from(["begin", "days", "by", "tier", "quadrant", "band", "closed", "place",
                         "source", "x", "reason"])  # fmt: skip
TEXT = st.one_of(
    st.text(max_size=40), st.integers().map(str),
    st.sampled_from(["-", "'", "' OR 1=1 --", "<script>", "٣", "9" * 400, "a/0/1", "\x00", "%",
                     "{{7*7}}", "../..", "\ud7ff"]),
)  # fmt: skip
ACTS = st.sampled_from(["opt-out", "erase", "order", "claim", "release", "outcome", "nothing"])
FIELDS = st.dictionaries(
    st.sampled_from(["name", "typed", "key", "value", "touch_id", "outcome", "back", "what"]),
    TEXT, max_size=5,
)  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("fuzz")) as found:
        for name in ("_pages", "_acts", "_tries"):  # Here somebody may ask as often as they like.
            setattr(found.door, name, Pace(1e9, 1e9))
        yield found


@pytest.fixture(scope="module")
def client(served: Served) -> httpx.Client:
    return served.client(signed_in=True)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(path=PATHS, query=st.dictionaries(NAMES, TEXT, max_size=4), host=st.booleans())
def test_no_address_breaks_a_page(
    client: httpx.Client, path: str, query: dict[str, str], *, host: bool
) -> None:
    asked = "&".join(f"{name}={quote(value, errors='replace')}" for name, value in query.items())
    headers = {"Accept-Language": "zh;q=x", "Cookie": "lang=xx; theme=7"} if host else {}
    answer = client.get(f"{path}?{asked}", headers=headers, follow_redirects=False)
    assert answer.status_code < 500, (path, query)
    assert "Traceback" not in answer.text
    assert "{{" not in answer.text
    assert "<script>" not in answer.text


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(act=ACTS, fields=FIELDS)
def test_no_form_breaks_a_page_or_does_what_is_not_asked(
    served: Served, client: httpx.Client, act: str, fields: dict[str, str]
) -> None:
    csrf = served.csrf(client)
    answer = client.post(f"/act/{act}", data={**fields, "csrf": csrf}, follow_redirects=False)
    assert answer.status_code in {303, 404}, (act, fields)
    if answer.status_code == 303:
        assert answer.headers["location"].startswith("/")
        assert not answer.headers["location"].startswith("//")


def test_what_is_no_http_is_refused(served: Served) -> None:
    import socket  # noqa: PLC0415 (this test alone)

    port = int(served.base.rsplit(":", 1)[1])
    for bytes_ in (b"\x16\x03\x01\x02\x00", b"GET / HTTP/9\r\n\r\n", b"GET /\r\n\r\n" * 3,
                   b"POST /find HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
                   b"GET /now HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n"):  # fmt: skip
        with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
            link.sendall(bytes_)
            link.shutdown(socket.SHUT_WR)
            answer = link.recv(4_096)
        assert not answer.startswith(b"HTTP/1.1 5"), answer[:80]
        assert b"Traceback" not in answer
