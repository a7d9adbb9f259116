"""The sender's page: health, metrics, and call-backs that are on disk before they are answered."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from random import Random

import pytest

from winback_sender.adapter import Adapter, Answer, Heard, Request, Route
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status
from winback_sender.engine.lane import Lane, Lanes
from winback_sender.engine.metrics import CODES_MAX, METRICS, Meter
from winback_sender.engine.metrics import page as metrics_page
from winback_sender.engine.web import Web
from winback_sender.errors import UserError
from winback_sender.instruments import PROCESS
from winback_sender.receipt import Receipt


class Provider(Adapter):
    """Is called back with the id of a touch."""

    name = "postbox"

    def deliver(self, touch: TouchRequested) -> Receipt:
        return Receipt(Status.ACCEPTED, ref=touch.touch_id)

    is_guarded = True

    def routes(self) -> Sequence[Route]:
        return [Route("/callbacks/postbox", self._heard, self.is_guarded)]

    def _heard(self, request: Request) -> Answer:
        assert (request.method, request.query["key"]) == ("POST", "k")
        assert request.headers["x-signature"] == "s"
        word = Heard(Receipt(Status.DELIVERED), touch_id=json.loads(request.body)["id"])
        return Answer(202, b"taken", "text/plain", [word])


class Page:
    """A web page with what it was told."""

    def __init__(self) -> None:
        self.complaint = ""
        self.kept: list[Heard] = []
        self.meter = Meter()
        self.is_disk_full = False
        lanes = Lanes({"sms": Provider()}, Random(1))
        self.web = Web(
            "127.0.0.1", 0, lanes, self.meter, self._hear,
            is_alive=lambda: "", is_ready=lambda: self.complaint,
        )  # fmt: skip
        self.web.start()

    def _hear(self, _lane: Lane, heard: list[Heard]) -> None:
        if self.is_disk_full:
            raise OSError
        self.kept += heard

    def call(self, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        url = f"http://127.0.0.1:{self.web.port}{path}"
        request = urllib.request.Request(url, body, {"X-Signature": "s"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


@pytest.fixture
def page() -> Iterator[Page]:
    made = Page()
    yield made
    made.web.stop(5.0)


def test_a_call_back_is_on_disk_before_it_is_answered(page: Page) -> None:
    assert page.call("/callbacks/postbox?key=k", b'{"id": "t1"}') == (202, b"taken")
    assert page.kept == [Heard(Receipt(Status.DELIVERED), touch_id="t1")]


def test_what_could_not_be_kept_is_asked_for_again(page: Page) -> None:
    page.is_disk_full = True
    assert page.call("/callbacks/postbox?key=k", b'{"id": "t1"}')[0] == 503


@pytest.mark.parametrize(
    ("host", "is_guarded", "token", "refused"),
    [
        ("0.0.0.0", False, "t" * 16, "anybody may call what postbox calls back"),
        ("", False, "t" * 16, "anybody may call"),
        ("0.0.0.0", True, "", "WINBACK_WEB_TOKEN is not set"),
        ("shop.example", True, "", "WINBACK_WEB_TOKEN is not set"),
        ("0.0.0.0", True, "t" * 16, ""),
        ("::1", False, "", ""),
        ("localhost", False, "", ""),
    ],
)
def test_who_listens_to_others_knows_a_provider_from_a_stranger(
    *, host: str, is_guarded: bool, token: str, refused: str
) -> None:
    provider = Provider()
    provider.is_guarded = is_guarded
    with pytest.raises(UserError, match=refused) if refused else nullcontext():
        Web(
            host, 0, Lanes({"sms": provider}, Random(1)), Meter(), lambda *_: None,
            token=token, is_alive=str, is_ready=str,
        )  # fmt: skip


def test_nonsense_ends_nothing(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    assert page.call("/callbacks/postbox?key=k", b"{")[0] == 500
    assert "call_back_failed" in caplog.text
    assert all("/callbacks" not in str(vars(record)) for record in caplog.records)  # a secret
    assert page.call("/callbacks/nobody")[0] == 404
    assert page.call("/health/live")[0] == 200


def test_health_says_what_is_wrong(page: Page) -> None:
    assert page.call("/health/ready")[0] == 200
    page.complaint = "Kafka lacks 2,000 records"
    status, body = page.call("/health/ready")
    assert (status, json.loads(body)["why"]) == (503, "Kafka lacks 2,000 records")


def test_a_port_that_is_taken_is_a_clear_refusal(page: Page) -> None:
    other = Web(
        "127.0.0.1", page.web.port, Lanes({}, Random(1)), Meter(), page._hear,
        is_alive=str, is_ready=str,
    )  # fmt: skip
    with pytest.raises(UserError, match="cannot be served"):
        other.start()


def test_metrics_are_those_of_the_catalogue(page: Page) -> None:
    for number in range(CODES_MAX + 5):
        page.meter.code(f"isv.CODE_{number}")
    assert page.meter.code("isv.ONE_MORE") == "other"
    assert page.meter.code("isv.CODE_7") == "isv.CODE_7"
    shown = set(re.findall(r"^# TYPE (\w+) ", page.call("/metrics")[1].decode(), re.MULTILINE))
    named = {name.removesuffix("_total") for name in (*METRICS, *PROCESS)}
    assert {name.removesuffix("_total") for name in shown} == named


def test_the_page_of_metrics_is_written_from_the_catalogue() -> None:
    page = Path(__file__).parents[3] / "docs" / "sender-metrics.md"
    assert page.read_text(encoding="utf-8") == metrics_page(), "run `make docs`"


def test_every_metric_says_what_to_do() -> None:
    for metric, spec in METRICS.items():
        assert metric.endswith("_total") == (spec.kind == "counter")
        assert spec.meaning.endswith(".")
        assert spec.action.endswith(".")
        assert metric in metrics_page()
        assert not {"user", "user_id", "touch_id", "address"} & set(spec.labels)
