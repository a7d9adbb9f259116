"""The console: prints touches, and answers for the users."""

import pytest

from tests.unit.sender.adapters.making import tools
from tests.unit.sender.letters import touch
from winback_sender.adapters.console import Console, answer, make
from winback_sender.adapters.wording import TEMPLATES, line
from winback_sender.contract.words import Status
from winback_sender.errors import UserError
from winback_sender.receipt import Receipt


def test_answers_follow_from_the_id() -> None:
    ids = [f"touch-{number}" for number in range(4_000)]
    drawn = [answer(touch_id, 0.3) for touch_id in ids]

    assert drawn == [answer(touch_id, 0.3) for touch_id in ids]
    assert 0.24 < drawn.count(Status.REPLIED) / len(ids) < 0.30
    assert 0.02 < drawn.count(Status.OPTED_OUT) / len(ids) < 0.04
    assert {answer(touch_id, 0.0) for touch_id in ids} == {Status.DELIVERED}


def test_the_console_prints_and_answers() -> None:
    lines: list[str] = []

    receipt = Console(lines.append, "en", 0.0).deliver(touch("t1"))

    assert receipt == Receipt(Status.DELIVERED)
    (printed,) = lines
    assert printed.startswith('2017-03-01 09:00  SMS 1/3  member ada: "Dear member, it is good')
    assert printed.endswith('" Because: silent for long. [delivered]')
    assert "会员 ada" in line(touch("t1"), "replied", "zh")


def test_its_settings_come_from_the_environment(capsys: pytest.CaptureFixture[str]) -> None:
    environ = {
        "WINBACK_SENDER_CONSOLE_LANGUAGE": "zh", "WINBACK_SENDER_CONSOLE_ANSWER_RATE": "1",
    }  # fmt: skip
    made = make(tools(environ))

    receipt = made.deliver(touch("t1"))

    assert receipt.status in {Status.REPLIED, Status.OPTED_OUT}
    assert "会员 ada" in capsys.readouterr().out


def test_a_wrong_setting_is_told() -> None:
    environ = {"WINBACK_SENDER_CONSOLE_ANSWER_RATE": "2"}

    with pytest.raises(UserError, match="must be a number from 0 to 1"):
        make(tools(environ))


def test_the_wording_is_member_care() -> None:
    """Several providers refuse templates that speak of recalling users."""
    words = " ".join(text for template in TEMPLATES.values() for text in template.values())

    assert "召回" not in words
    assert "recall" not in words.lower()
    assert "拒收请回复R" in TEMPLATES["member_care_benefit"]["zh"]
