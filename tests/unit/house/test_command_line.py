"""What no command can take is told before any command begins."""

import sys

import pytest

from streams.cli import main


@pytest.mark.parametrize("command", ["erase", "erased", "explain"])
def test_a_word_that_is_no_text_is_refused(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["winback", command, "\udcff"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "'\\udcff' is not UTF-8" in capsys.readouterr().err
