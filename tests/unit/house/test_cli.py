"""The command line: quick, lazy, and its way to fail."""

import os
import re
import resource
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from streams.cli import COMMANDS

WINBACK = Path(sys.executable).parent / "winback"
HELP_S_MAX = 0.3
HEAVY = ("numpy", "msgspec", "river", "faust", "aiokafka", "kafka", "rich", "scipy")


def winback(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [WINBACK, *arguments], env={**os.environ, **environ}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_help_lists_every_command() -> None:
    answer = winback("--help")
    assert answer.returncode == 0
    listed = re.findall(r"^  ([a-z-]+)  +\S", answer.stdout, re.MULTILINE)
    assert listed[-len(COMMANDS) :] == list(COMMANDS)


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_is_quick(name: str) -> None:
    """Measured in seconds of the processor: on a machine that does nothing else it is the same."""
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert winback(*filter(None, [name]), "--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(seconds) < HELP_S_MAX


def test_help_imports_nothing_heavy() -> None:
    code = f"import sys, streams.cli; print([m for m in {HEAVY} if m in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there(name: str) -> None:
    module = COMMANDS[name][0].partition(":")[0]
    assert find_spec(module), f"{name} names {module}"


def test_version() -> None:
    assert re.fullmatch(r"winback \d+\.\d+\.\d+\n", winback("--version").stdout)


def test_a_typing_error_names_the_nearest_command() -> None:
    answer = winback("kfka")
    assert answer.returncode == 2
    assert "Did you mean 'kafka'?" in answer.stderr


def test_a_users_mistake_is_two_lines_without_a_stack_trace() -> None:
    answer = winback("settings", WINBACK_WEB_PORT="high")
    assert answer.returncode == 2
    assert answer.stdout == ""
    what, way_out = answer.stderr.splitlines()
    assert what.startswith("winback: WINBACK_WEB_PORT = 'high'")
    assert way_out.startswith("  → ")


def test_settings_hides_secrets_and_marks_what_is_not_default() -> None:
    answer = winback("settings", WINBACK_MODEL_KEY="a-very-secret-key", WINBACK_APP_ID="shop")
    assert "a-very-secret-key" not in answer.stdout
    assert re.search(
        r"^\* WINBACK_APP_ID +shop  \(from environment; default: winback\)$",
        answer.stdout,
        re.MULTILINE,
    )


@pytest.mark.parametrize("arguments", [["--help"], ["settings", "--markdown"]])
def test_a_full_disk_is_two_lines_without_a_stack_trace(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        answer = subprocess.run(
            [WINBACK, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert answer.returncode == 1
    what, way_out = answer.stderr.splitlines()
    assert what == "winback: the output cannot be written: No space left on device"
    assert way_out.startswith("  → ")


def test_a_reader_that_has_enough_is_no_error() -> None:
    process = subprocess.Popen(
        [WINBACK, "settings", "--markdown"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process:
        assert process.stderr.read() == b""
