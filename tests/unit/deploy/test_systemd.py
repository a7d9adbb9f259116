"""The units are understood by systemd, and leave a process little that it may do."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.unit.deploy.deployed import ROOT, UNITS, WORKER_PORT, env_file, unit

EXPOSURE_MAX: Final = 1.5
"""Of 10, as systemd-analyze counts; half of what is left is the network."""
TARGETS: Final = (
    "basic.target", "multi-user.target", "network-online.target", "shutdown.target",
    "sysinit.target", "timers.target",
)  # fmt: skip
NAMES: Final = tuple(
    path.name.replace("@", f"@{WORKER_PORT}") for path in sorted(UNITS.glob("*.*"))
    if path.suffix in {".service", ".timer", ".target"}
)  # fmt: skip
SERVICES: Final = tuple(name for name in NAMES if name.endswith(".service"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A root with the units where they belong, what they start, and a system's targets."""
    root = tmp_path_factory.mktemp("root")
    system = root / "etc/systemd/system"
    shutil.copytree(UNITS, system)
    for target in TARGETS:
        (system / target).write_text("[Unit]\nDescription=of the system\n")
    program = root / "opt/winback/bin/winback"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return root


def analyze(*words: str) -> str:
    """Return what systemd-analyze says; a complaint is no answer."""
    assert shutil.which("systemd-analyze"), "Debian and Ubuntu: apt-get install systemd"
    done = subprocess.run(
        ["systemd-analyze", *words], capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return done.stdout


def test_systemd_understands_every_unit(root: Path) -> None:
    assert analyze("verify", f"--root={root}", "--man=no", *NAMES) == ""


def test_systemd_finds_a_setting_that_is_none(root: Path) -> None:
    wrong = root / "etc/systemd/system/winback-wrong.service"
    wrong.write_text("[Service]\nExecStart=/opt/winback/bin/winback\nWatchDogSecs=3\n")
    try:
        with pytest.raises(AssertionError, match="WatchDogSecs"):
            analyze("verify", f"--root={root}", "--man=no", wrong.name)
    finally:
        wrong.unlink()


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_exposes_little(root: Path, name: str) -> None:
    said = analyze("security", "--offline=yes", f"--root={root}", "--no-pager", name)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found is not None
    assert float(found[1]) <= EXPOSURE_MAX, said


@pytest.mark.parametrize("name", [path.name for path in UNITS.glob("*.service")])
def test_what_a_unit_is_pointed_at_is_what_the_guide_installs(name: str) -> None:
    found, guide = unit(name), (ROOT / "docs/deploy.md").read_text("utf-8")
    for credential in found["LoadCredential"]:
        word, _, path = credential.partition(":")
        assert f"%d/{word}" in " ".join(found["Environment"])
        assert path in guide
    (settings,) = found["EnvironmentFile"]
    assert settings in guide
    assert found["User"] == ["winback"]
    assert (UNITS / "winback.sysusers.conf").read_text("utf-8").count("\nu winback ") == 1


def test_what_is_written_lies_in_the_directory_of_the_unit() -> None:
    """All else is read-only to it."""
    settings = env_file()
    assert settings["WINBACK_DATA_DIR"] == "/var/lib/winback"
    assert "winback" in unit("winback-worker@.service")["StateDirectory"]
    assert settings["WINBACK_SENDER_STATE"] == "/var/lib/winback/sender"
    assert "winback/sender" in unit("winback-sender.service")["StateDirectory"]


def test_what_lasts_is_started_again_and_what_is_wrong_is_not() -> None:
    """Exit code 2 says that settings are wrong: the same start would end in the same way."""
    for path in UNITS.glob("*.service"):
        found = unit(path.name)
        if found["Type"] == ["oneshot"]:
            continue
        assert found["Restart"] == ["on-failure"]
        assert found["RestartPreventExitStatus"] == ["2"]
        assert found["StartLimitIntervalSec"] == ["0"], "it would give up after five tries"


def test_the_sweep_is_daily_and_is_caught_up_with() -> None:
    timer = unit("winback-sweep.timer")
    assert timer["Persistent"] == ["yes"]
    assert analyze("calendar", *timer["OnCalendar"]).count("Normalized form: *-*-* 03:17:00") == 1
