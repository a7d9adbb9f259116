"""``winback sender try``: one touch, and what is said of it."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.kafka

EXAMPLE = Path(__file__).parents[3] / "examples/senders/python/sender.py"
SENDER = f"{sys.executable} {EXAMPLE}"


def tried(kafka: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = (str(Path(sys.executable).with_name("winback-sender")), "try", *words)
    environ = {"PATH": str(Path(sys.executable).parent), "WINBACK_KAFKA_BOOTSTRAP": kafka}
    return subprocess.run(
        command, env=environ, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_touch_reaches_the_practice_provider_and_is_reported(kafka: str) -> None:
    done = tried(kafka, "--command", SENDER, "--param", "name=李雷")

    assert done.returncode == 0, done.stderr
    assert " accepted " in done.stdout
    assert "{'name': '李雷'} for 13800138000" in done.stdout


def test_one_that_is_taken_back_at_once_is_not_sent(kafka: str) -> None:
    done = tried(kafka, "--command", SENDER, "--revoke")

    assert "unsent · revoked" in done.stdout
    assert "the provider got" not in done.stdout


def test_a_sender_that_says_nothing_is_told(kafka: str) -> None:
    done = tried(kafka, "--command", f"{sys.executable} -c pass", "--wait", "1")

    assert done.returncode == 1
    assert "nothing was said of it" in done.stderr


def test_a_variable_has_a_name(kafka: str) -> None:
    done = tried(kafka, "--command", SENDER, "--param", "李雷")

    assert done.returncode == 2
    assert "is not NAME=TEXT" in done.stderr
