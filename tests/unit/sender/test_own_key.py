"""A sender with the key that everybody has sends from no Kafka but this machine's own."""

from pathlib import Path

import pytest

from winback_sender.cluster import Cluster
from winback_sender.commands import reference
from winback_sender.errors import Exit, Unavailable, UserError
from winback_sender.kit import Receipt, Settings, Status, TouchRequested, serve
from winback_sender.own_key import demand_own_key

REMOTE = Cluster.plain("127.0.0.1:9092,kafka:9092")
OWN = "a secret of our own"


def deliver(_touch: TouchRequested) -> Receipt:
    return Receipt(Status.ACCEPTED)


@pytest.mark.parametrize(
    ("servers", "key", "is_refused"),
    [
        ("kafka:9092", "", True),
        ("127.0.0.1:9092, 10.0.0.7:9092", "", True),
        ("127.0.0.1:9092,localhost:9092,[::1]:9092", "", False),
        ("kafka:9092", OWN, False),
    ],
)
def test_the_key_is_judged_by_where_kafka_is(servers: str, key: str, *, is_refused: bool) -> None:
    settings = Settings(id_key=key) if key else Settings()
    if is_refused:
        with pytest.raises(UserError, match="development key"):
            demand_own_key(settings, Cluster.at(servers))
    else:
        demand_own_key(settings, Cluster.at(servers))


def test_a_sender_of_the_kit_does_not_begin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {
        "WINBACK_KAFKA_BOOTSTRAP": "kafka.invalid:9092", "WINBACK_SENDER_STATE": str(tmp_path),
    }  # fmt: skip
    with pytest.raises(SystemExit) as ended:
        serve(deliver, "sms", environ=environ)
    assert ended.value.code == Exit.USAGE
    assert "development key" in capsys.readouterr().err


def test_the_reference_sender_does_not_begin_unless_it_only_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise Unavailable("as far as the door", "")

    monkeypatch.setattr(reference, "require_topics", away)
    environ = {"WINBACK_SENDER_CALL_LIST_FOLDER": str(tmp_path)}
    with pytest.raises(UserError, match="development key"):
        reference.run(["console", "call=call_list"], environ, lambda _: REMOTE, adopts=False)
    with pytest.raises(Unavailable, match="as far as the door"):
        reference.run(["console"], environ, lambda _: REMOTE, adopts=False)
