"""The demo on a slice of its log, as a user runs it, and as a user breaks it."""

import csv
import gzip
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from streams.core.channels import CATALOGUE
from streams.reporting.figures import Figures

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

HOUSE = Path(__file__).parents[3]
LOG = HOUSE / "data" / "complete_journey.csv.gz"
RULES = HOUSE / "deploy" / "rules" / "demo.yaml"
BUDGET = {"message": 4, "person": 4}
WINBACK = (sys.executable, "-c", "from streams.cli import main; main()")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment whose temporary files can be looked at, and whose Kafka must not be used."""
    nobody = {"WINBACK_KAFKA_BOOTSTRAP": "127.0.0.1:1", "WINBACK_APP_ID": "not-mine"}
    return os.environ | nobody | {"TMPDIR": str(tmp_path), "COLUMNS": "200"}


@pytest.fixture
def part_of_a_year(tmp_path: Path) -> Path:
    """Four months of every sixth household."""
    path = tmp_path / "slice.csv"
    with gzip.open(LOG, "rt") as source, path.open("w") as target:
        rows = csv.reader(source)
        writer = csv.writer(target)
        writer.writerow(next(rows))
        for row in rows:
            if row[1] > "2017-05":
                break
            if int(row[0]) % 6 == 0:
                writer.writerow(row)
    return path


@pytest.fixture
def small_budget(tmp_path: Path) -> Path:
    """The rules of the demo with a budget that a sixth of the households uses up."""
    text = RULES.read_text(encoding="utf-8")
    for name, kind in (("touches_per_day", "message"), ("calls_per_day", "person")):
        text, changed = re.subn(rf"{name}: \d+", f"{name}: {BUDGET[kind]}", text)
        assert changed == 1
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def number(pattern: str, said: str) -> int:
    """Return the number that a pattern finds in what was said."""
    found = re.search(pattern, said)
    assert found is not None, said
    return int(found[1].replace(",", ""))


def processes_of(directory: Path) -> list[str]:
    """Return the command lines of processes that mention a directory or live in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            variables = (process / "environ").read_bytes().decode(errors="replace")
            is_zombie = "\nState:\tZ" in (process / "status").read_text()
        except OSError:
            continue
        is_there = str(directory) in line or f"TMPDIR={directory}" in variables
        if is_there and not is_zombie:
            found.append(line)
    return found


def test_the_demo_closes_the_loop_and_proves_that_nothing_was_lost(
    environ: dict[str, str], part_of_a_year: Path, small_budget: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [*WINBACK, "demo", "--seconds", "15", "--log", str(part_of_a_year), "--rules",
         str(small_budget)],
        env=environ, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip

    said = done.stdout
    assert done.returncode == 0, said + done.stderr
    assert "was killed with SIGKILL; it owned partitions" in said
    assert "its partitions are durable again" in said
    assert "worker-3 was started in its place" in said
    assert "✓ nothing lost, nothing doubled" in said
    assert "every touch_id once" in said
    assert "Look next" in said
    assert processes_of(tmp_path) == []
    (left,) = tmp_path.glob("winback-demo-*")
    assert (left / "sender.txt").read_text().count("member")
    assert (left / "report.html").as_uri() in said
    assert "</html>" in (left / "report.html").read_text(encoding="utf-8")
    assert not (left / "kafka").exists()

    # what is said is what another reader finds on the topics
    figures = msgspec.json.decode((left / "report.txt").read_bytes(), type=Figures)
    assert number(r"touches {2}([\d,]+):", said) == figures.done.touches > 0
    assert number(r"cases {2}([\d,]+):", said) == figures.risk.cases
    times = number(r"at risk {2}([\d,]+) times", said)
    contacted = number(r"contacted {2}([\d,]+) of these", said)
    others = said[said.index("not contacted") : said.index("touches  ")]
    assert contacted == figures.done.contacted
    assert contacted + sum(map(int, re.findall(r" {2}(\d+) ", others))) == times

    # no day has more touches than it may, on either class of channel
    assert said.count("✓ the budget held on every day") == len(BUDGET)
    for day in figures.done.days:
        for kind, most in BUDGET.items():
            of_kind = (CATALOGUE[channel].kind == kind for channel in day.channels)
            counts = zip(day.channels.values(), of_kind, strict=True)
            assert sum(count for count, is_kind in counts if is_kind) <= most, day
    assert any(day.used == day.budget for day in figures.budget)


@pytest.mark.parametrize(
    "words",
    [
        "",  # at once: Kafka is starting
        "starting two workers",
        "feeding",
    ],
)
def test_ctrl_c_leaves_nothing_behind(
    environ: dict[str, str], part_of_a_year: Path, tmp_path: Path, words: str
) -> None:
    said = tmp_path / "said.txt"
    with said.open("wb") as out:
        process = subprocess.Popen(
            [*WINBACK, "demo", "--seconds", "60", "--log", str(part_of_a_year)],
            env=environ, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    end_s = time.monotonic() + 60
    while words not in said.read_text() or not list(tmp_path.glob("winback-demo-*")):
        assert process.poll() is None, said.read_text()
        assert time.monotonic() < end_s, said.read_text()
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=30) == 130
    assert "Traceback" not in said.read_text()
    assert processes_of(tmp_path) == []
    assert list(tmp_path.glob("winback-demo-*")) == []


def test_a_log_that_is_not_there_is_said(environ: dict[str, str]) -> None:
    done = subprocess.run(
        [*WINBACK, "demo", "--log", "nowhere.csv"],
        env=environ, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "the demo needs nowhere.csv" in done.stderr
