"""How the command starts, or why it does not."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from streams.errors import Exit

WINBACK = (sys.executable, "-c", "from streams.cli import main; main()")


def started(folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    known = {name: text for name, text in os.environ.items() if not name.startswith("WINBACK_")}
    return subprocess.run(
        [*WINBACK, "console"], env=known | {"WINBACK_DATA_DIR": str(folder)} | dict(env),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_where_others_reach_it_a_start_without_a_token_is_refused(tmp_path: Path) -> None:
    done = started(tmp_path, {"WINBACK_CONSOLE_HOST": "0.0.0.0"})
    assert done.returncode == Exit.USAGE
    assert "WINBACK_WEB_TOKEN is not set" in done.stderr


def test_without_kafka_it_says_how_there_is_one(tmp_path: Path) -> None:
    done = started(tmp_path, {})
    assert done.returncode == Exit.UNAVAILABLE
    assert "winback kafka up" in done.stderr
