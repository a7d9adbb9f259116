"""`make test` runs all tests that there are."""

from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_directory_with_tests_is_run() -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    said = [line for line in lines if "-m pytest -n auto" in line]
    named = {word.removeprefix("tests/") for line in said for word in line.split()}
    tests = ROOT / "tests"
    assert {path.relative_to(tests).parts[0] for path in tests.rglob("test_*.py")} <= named
