"""The door of the kit: settings, complaints, exit codes."""

import pytest

from winback_sender.contract.messages import TouchRequested
from winback_sender.errors import Exit
from winback_sender.kit import Receipt, Status, serve


def deliver(_touch: TouchRequested) -> Receipt:
    return Receipt(Status.ACCEPTED)


@pytest.mark.parametrize(
    ("environ", "channel", "code", "word"),
    [
        ({}, "sms", Exit.UNAVAILABLE, "WINBACK_KAFKA_BOOTSTRAP"),
        ({"WINBACK_KAFKA_BOOTSTRAP": "127.0.0.1:1"}, "", Exit.USAGE, "WINBACK_SENDER_CHANNEL"),
        ({"WINBACK_SENDER_PARALLEL": "many"}, "sms", Exit.USAGE, "WINBACK_SENDER_PARALLEL"),
        ({"WINBACK_KAFKA_BOOTSTRAP": "127.0.0.1:1"}, "sms", Exit.UNAVAILABLE, "Kafka"),
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
