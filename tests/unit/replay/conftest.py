"""The synthetic log of these tests, written once."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import synthetic


@pytest.fixture(scope="session")
def small_log(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Forty users over 90 days."""
    return synthetic.log(tmp_path_factory.mktemp("log") / "small.csv", synthetic.rows(40, 90))


@pytest.fixture(scope="session")
def short_log(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Thirty users over 40 days: enough to learn from, few epochs."""
    return synthetic.log(tmp_path_factory.mktemp("log") / "short.csv", synthetic.rows(30, 40))
