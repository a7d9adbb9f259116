"""``docs/scale.md`` says what the arithmetic says."""

from pathlib import Path

from benchmarks.scale_page import page

ROOT = Path(__file__).resolve().parents[3]


def test_every_number_of_the_page_is_computed() -> None:
    assert (ROOT / "docs" / "scale.md").read_text("utf-8") == page(), "run: make docs"
