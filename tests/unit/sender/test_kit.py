"""The door of the kit: settings, complaints, exit codes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from streams.core.time import HOUR_MS
from tests.unit.sender.letters import START_MS, touch
from winback_sender import kit
from winback_sender.adapter import Adapter
from winback_sender.cluster import Cluster
from winback_sender.contract.messages import TouchRequested
from winback_sender.errors import Exit
from winback_sender.kit import Earliest, Receipt, SenderSettings, Settings, Status, serve

AWAY = {"WINBACK_KAFKA_BOOTSTRAP": "127.0.0.1:1"}
NIGHT_MS = START_MS + 11 * HOUR_MS


def deliver(_touch: TouchRequested) -> Receipt:
    return Receipt(Status.ACCEPTED)


@pytest.mark.parametrize(
    ("environ", "channel", "code", "word"),
    [
        ({}, "sms", Exit.UNAVAILABLE, "WINBACK_KAFKA_BOOTSTRAP"),
        (AWAY, "", Exit.USAGE, "WINBACK_SENDER_CHANNEL"),
        ({"WINBACK_SENDER_PARALLEL": "many"}, "sms", Exit.USAGE, "WINBACK_SENDER_PARALLEL"),
        (AWAY, "sms", Exit.UNAVAILABLE, "Kafka"),
        (AWAY | {"WINBACK_SENDER_LAW": "/no/law"}, "sms", Exit.USAGE, "/no/law"),
        (AWAY | {"WINBACK_SENDER_TEMPLATES": "/no/book"}, "sms", Exit.USAGE, "/no/book"),
        (AWAY | {"WINBACK_SENDER_ADDRESSES": "fax:7"}, "sms", Exit.USAGE, "csv:PATH"),
    ],
)
def test_what_is_wrong_is_said_in_words(
    environ: dict[str, str],
    channel: str,
    code: Exit,
    word: str,
    tmp_path: object,
    capsys: pytest.CaptureFixture[str],
) -> None:
    state = {"WINBACK_SENDER_STATE": str(tmp_path), "WINBACK_SENDER_WEB_PORT": "0"}
    with pytest.raises(SystemExit) as ended:
        serve(deliver, channel, environ=state | environ)
    assert ended.value.code == code
    said = capsys.readouterr().err
    assert word in said
    assert "Traceback" not in said


class Served:
    """Stands for the sender, and tries what it was made with."""

    def __init__(
        self,
        settings: Settings,
        own: SenderSettings,
        routes: dict[str, Adapter],
        cluster: Cluster,
        *,
        addresses: kit.AddressBook,
        law: Earliest,
    ) -> None:
        del settings, own, cluster
        found = touch("t1")
        assert addresses.find("sms", "13800138000") == "ada"
        assert routes["sms"].deliver(found).ref == "13800138000"
        self.waits_ms = law("function", found, NIGHT_MS) - NIGHT_MS

    def run(self, _is_stopping: Callable[[], bool]) -> None:
        Served.last_ms = self.waits_ms

    last_ms = -1


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(kit, "Sender", Served)
    monkeypatch.setattr(kit, "require_topics", lambda *_: None)
    book = tmp_path / "addresses.csv"
    book.write_text("user_id,channel,address\nada,sms,13800138000\n", encoding="utf-8")
    return AWAY | {"WINBACK_SENDER_ADDRESSES": f"csv:{book}"}


def deliver_to(found: TouchRequested) -> Receipt:
    return Receipt(Status.ACCEPTED, ref=kit.address_for(found))


def test_settings_of_every_sender_are_kept(environ: dict[str, str], tmp_path: Path) -> None:
    serve(deliver_to, "sms", environ=environ)
    assert Served.last_ms == 0

    changes = tmp_path / "law.yaml"
    changes.write_text("version: 1\nchanges: []\n", encoding="utf-8")
    serve(deliver_to, "sms", environ=environ | {"WINBACK_SENDER_LAW": str(changes)})
    assert Served.last_ms > 0


def test_a_setting_that_is_not_kept_is_said(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    def at_once(_provider: str, _touch: TouchRequested, now_ms: int) -> int:
        return now_ms

    serve(deliver_to, "sms", law=at_once, environ=environ | {"WINBACK_SENDER_LAW": "/no/law"})
    assert Served.last_ms == 0
    assert "setting_unused setting=WINBACK_SENDER_LAW" in capsys.readouterr().err
