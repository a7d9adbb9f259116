"""The notebook of docs/ runs as it is committed, and what it makes can play."""

import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from models.boosted import Trees
from models.features import FEATURES, PLAIN_WIDTH

ROOT = Path(__file__).parents[3]
NOTEBOOK = ROOT / "docs" / "notebooks" / "challenger.ipynb"


@pytest.mark.slow
@pytest.mark.timeout(300)  # It learns a year of baskets; on a busy machine that takes its time.
def test_the_notebook_runs_and_its_booster_can_play(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "docs" / "notebooks"
    place.mkdir(parents=True)
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    notebook = nbformat.read(NOTEBOOK, 4)
    resources = {"metadata": {"path": str(place)}}
    NotebookClient(notebook, timeout=250, resources=resources).execute()

    trees = Trees((place / "challenger" / "booster.txt").read_text(encoding="utf-8"))
    assert trees.width == PLAIN_WIDTH
    names = re.search(r"^feature_names=(.*)$", trees.text, re.MULTILINE)
    assert names is not None
    assert names[1].split() == [feature.name for feature in FEATURES[:PLAIN_WIDTH]]


def test_the_notebook_is_committed_as_it_ran_and_names_no_place() -> None:
    notebook = nbformat.read(NOTEBOOK, 4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    said = [output.output_type for cell in code for output in cell.outputs]
    assert "error" not in said
    assert said.count("display_data") == 2
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 120_000
    assert not re.search(r"/(home|root|tmp|work|Users|usr)/|localhost|127\.0\.0|\d+\.local", text)
