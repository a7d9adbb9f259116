"""Nothing that is stored changes its shape without its number, a step, and a line in the docs."""

import re
from pathlib import Path

import pytest

from models import upgrades
from models.snapshot import FORMAT
from streams.core.migrations.chain import STEPS
from streams.core.versions import STATE, WINBACK
from tests.golden import shapes
from tests.golden.stored import HERE, versions

ROOT = HERE.parent.parent
SHAPES = shapes.shapes()
CHANGED = (
    "{kind} {number} looks otherwise than tests/golden/shapes says. Is its number released? Raise "
    "it, write the step, then: python -m tests.golden.shapes (docs/upgrade.md says more)"
)


@pytest.mark.parametrize("kind", SHAPES)
def test_a_shape_does_not_change_without_its_number(kind: str) -> None:
    number, shape = SHAPES[kind]
    path = shapes.path_of(kind, number)

    assert path.exists(), CHANGED.format(kind=kind, number=number)
    assert path.read_text("utf-8") == shape, CHANGED.format(kind=kind, number=number)


def test_every_older_version_has_a_step_and_a_golden_set() -> None:
    assert list(STEPS) == list(range(1, STATE))
    assert list(upgrades.STEPS) == list(range(2, FORMAT))
    assert "0.1.0" in versions()


def test_a_released_shape_is_not_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shapes, "SHAPES", tmp_path)
    monkeypatch.setattr(shapes, "RELEASED", {kind: number for kind, (number, _) in SHAPES.items()})
    assert shapes.main() == 0
    path = shapes.path_of("router", SHAPES["router"][0])
    path.write_text("otherwise")

    assert shapes.main() == 2
    assert "raise its number" in capsys.readouterr().err
    assert path.read_text() == "otherwise"


def test_the_version_is_said_once_in_code_and_once_in_the_project() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert re.findall(r'(?m)^version = "(.*)"$', project) == [WINBACK]
