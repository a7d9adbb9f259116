"""What is installed: two wheels beside each other, and the sender's without the engine."""

import os
import re
import subprocess
import sys
import tomllib
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[3]
ENGINE = ("aiokafka", "faust", "lightgbm", "mode", "models", "numpy", "river", "scipy", "streams")
EVERY_MODULE = """
import importlib, pkgutil, sys, winback_sender
names = [found.name for found in pkgutil.walk_packages(winback_sender.__path__, "winback_sender.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names), sorted(sys.modules.keys() & set(sys.argv[1:])))
"""


def built(source: Path, to: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(to)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=60)
    (wheel,) = to.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def sender(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT / "sender", tmp_path_factory.mktemp("sender"))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="module")
def alone(sender: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of its own with the sender's wheel and what its lock names, nothing else.

    The packages of the lock are those of this environment, so no registry is asked.
    """
    home = tmp_path_factory.mktemp("alone")
    venv.create(home, symlinks=True)
    (site,) = home.glob("lib/python*/site-packages")
    for dependency in locked():
        for name in {part.parts[0] for part in dependency.files or () if part.parts[0] != ".."}:
            whole = Path(str(dependency.locate_file(name)))
            if not (site / name).exists() and name not in {"__pycache__", "bin"}:
                (site / name).symlink_to(whole)
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(home / "bin/python"), "install", "--quiet",
         "--disable-pip-version-check", "--no-deps", "--no-index", str(sender)],
        check=True, timeout=60,
    )  # fmt: skip
    return home


def locked() -> list[Distribution]:
    """Return what the sender's lock names for this machine, as it is installed here."""
    text = (ROOT / "sender/requirements.lock").read_text(encoding="utf-8")
    lines = re.findall(r"^([a-z0-9-]+)==(\S+)(?: ; (\S+ .*))? \\$", text, re.MULTILINE)
    elsewhere = {"colorama"}  # Windows
    found = [(distribution(name), version) for name, version, _ in lines if name not in elsewhere]
    assert [each.version for each, _ in found] == [version for _, version in found]
    return [each for each, _ in found]


def run(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.defpath, "HOME": str(home)}
    return subprocess.run(
        [home / "bin" / command[0], *command[1:]], env=environ, cwd=home, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_kit_is_whole_without_the_engine(alone: Path) -> None:
    """Every module of the wheel, stand-ins and conformance too, lives on the sender's lock."""
    answer = run(alone, "python", "-c", EVERY_MODULE, *ENGINE)

    assert answer.returncode == 0, answer.stderr
    count, engine = answer.stdout.split(maxsplit=1)
    assert int(count) > 30
    assert engine.strip() == "[]"


def test_the_engine_is_not_even_there(alone: Path) -> None:
    code = f"import importlib.util as u; print([n for n in {ENGINE} if u.find_spec(n)])"
    assert run(alone, "python", "-c", code).stdout.strip() == "[]"


def test_the_door_and_the_command_open(alone: Path) -> None:
    door = run(alone, "python", "-c", "from winback_sender.kit import Receipt, serve")
    assert door.returncode == 0, door.stderr
    answer = run(alone, "winback-sender", "--help")
    assert answer.returncode == 0, answer.stderr
    assert "--channel" in answer.stdout
    assert run(alone, "winback-sender", "adapters").returncode == 0


def test_both_wheels_live_beside_each_other(sender: Path, service: Path) -> None:
    ours, theirs = (set(ZipFile(wheel).namelist()) for wheel in (service, sender))
    assert ours & theirs == set()
    assert {name.split("/")[0] for name in theirs if ".dist-info" not in name} == {"winback_sender"}
    assert {name.split("/")[0] for name in ours if ".dist-info" not in name} == {
        "models",
        "streams",
    }


def test_the_senders_wheel_has_all_that_stands_in_its_tree(sender: Path) -> None:
    """Not code alone: the law, the schemas, the examples, the licence, the mark of types."""
    tree = ROOT / "sender"
    there = {
        path.relative_to(tree).as_posix()
        for path in (tree / "winback_sender").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    names = set(ZipFile(sender).namelist())
    assert there <= names
    assert "winback_sender/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def version_in(pyproject: str) -> str:
    text = (ROOT / pyproject).read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def test_the_service_asks_for_the_kit_that_lies_beside_it(service: Path) -> None:
    (metadata,) = (name for name in ZipFile(service).namelist() if name.endswith("/METADATA"))
    said = ZipFile(service).read(metadata).decode()
    assert f"Requires-Dist: winback-sender=={version_in('sender/pyproject.toml')}\n" in said
    assert f"Version: {version_in('pyproject.toml')}\n" in said


def test_the_licence_is_one() -> None:
    assert (ROOT / "sender/LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
