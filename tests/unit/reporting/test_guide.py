"""The guide: what it tells people to type works, and both languages tell the same."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GUIDES = [ROOT / "docs" / name for name in ("guide.md", "guide.zh.md")]

SMALLER = {
    "$1 % 10 == 1": '$1 % 30 == 1 && $2 < "1997-08"',
    "--users 1000": "--users 60 --days 40",
}
"""What is typed, and what takes less time and does the same."""


def typed(guide: Path) -> list[str]:
    return re.findall(
        r"^```sh\n(.*?)^```", guide.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def test_both_languages_tell_people_to_type_the_same() -> None:
    english, chinese = map(typed, GUIDES)
    assert len(english) >= 8
    assert english == chinese


@pytest.mark.timeout(400)
def test_what_the_guide_tells_people_to_type_works(tmp_path: Path) -> None:
    script = "\n".join(typed(GUIDES[0]))
    for long, short in SMALLER.items():
        assert long in script
        script = script.replace(long, short)
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environ = {name: value for name, value in os.environ.items() if "WINBACK_" not in name}
    ran = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=tmp_path, env={**environ, "PATH": paths, "WINBACK": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "0 touches" not in ran.stdout
    for page in ("past.html", "world.html", "week.html"):
        assert "<svg" in (tmp_path / page).read_text(encoding="utf-8")
