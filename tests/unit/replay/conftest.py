"""The synthetic log of these tests, written once."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import synthetic

if TYPE_CHECKING:
    import pyarrow as pa

    from tests.unit.replay.exporting import Harvested


@pytest.fixture(scope="session")
def small_log(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Forty users over 90 days."""
    return synthetic.log(tmp_path_factory.mktemp("log") / "small.csv", synthetic.rows(40, 90))


@pytest.fixture(scope="session")
def short_log(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Thirty users over 40 days: enough to learn from, few epochs."""
    return synthetic.log(tmp_path_factory.mktemp("log") / "short.csv", synthetic.rows(30, 40))


@pytest.fixture(scope="session")
def harvested(small_log: str) -> "Harvested":
    """What that log taught."""
    from tests.unit.replay.exporting import Harvested  # noqa: PLC0415 (LightGBM, pyarrow: seconds)

    return Harvested(small_log)


@pytest.fixture(scope="session")
def tables(
    harvested: "Harvested", tmp_path_factory: pytest.TempPathFactory
) -> "dict[str, pa.Table]":
    """It, as it was written."""
    return harvested.write(tmp_path_factory.mktemp("tables") / "new" / "folder")
