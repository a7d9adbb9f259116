"""The guide for developers of senders: what it tells people to type works, in both languages."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GUIDES = [ROOT / "docs" / name for name in ("sender-guide.md", "sender-guide.zh.md")]
READMES = [ROOT / name for name in ("README.md", "README.zh.md")]
EXAMPLE = ROOT / "examples/senders/python/sender.py"

SMALLER = {
    'my_sender.py" --seed 7': 'my_sender.py" --seed 7 --touches 40 --length 4 --instances 1',
    'my_adapter.py" --seed 8': 'my_adapter.py" --seed 8 --touches 40 --length 4 --instances 1',
    'naive.py" --seed 7': 'naive.py" --seed 7 --touches 40 --length 2 --instances 1',
}
"""What is typed, and what takes less time and does the same."""


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_both_languages_tell_people_to_type_the_same() -> None:
    english, chinese = (blocks(guide, "sh") for guide in GUIDES)
    assert len(english) >= 6
    assert english == chinese


@pytest.mark.parametrize("page", [*GUIDES, *READMES], ids=lambda page: page.name)
def test_the_sender_that_is_shown_is_the_example(page: Path) -> None:
    assert EXAMPLE.read_text(encoding="utf-8") in blocks(page, "python")


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_what_the_guide_tells_people_to_type_works(tmp_path: Path) -> None:
    """With a Kafka of its own: the guide starts and stops one."""
    script = "\n".join(blocks(GUIDES[0], "sh"))
    for long, short in SMALLER.items():
        assert long in script
        script = script.replace(long, short)
    bin_of_this = str(Path(sys.executable).parent)
    environ = {name: value for name, value in os.environ.items() if "WINBACK_" not in name}
    environ |= {
        "PATH": os.pathsep.join([bin_of_this, os.environ["PATH"]]), "WINBACK": str(ROOT),
        "WINBACK_DATA_DIR": str(tmp_path / "kafka"), "XDG_DATA_HOME": str(tmp_path / "data"),
        "WINBACK_SENDER_WEB_PORT": "0",
    }  # fmt: skip
    try:
        ran = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script], cwd=tmp_path, env=environ,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        subprocess.run(["winback", "kafka", "down"], env=environ, check=False, timeout=60)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"^ +\S+ s  delivered", ran.stdout, re.MULTILINE)
    assert "unsent · revoked" in ran.stdout
    assert ran.stdout.count("1 of 1 runs without a fault") == 2
    assert "0 of 1 runs without a fault" in ran.stdout
