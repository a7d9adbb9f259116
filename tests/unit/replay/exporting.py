"""What a log taught, as the tests of export have it."""

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import synthetic

from models.catalogue import CATALOGUE
from models.features import FEATURES, PLAIN_WIDTH, Rhythm
from models.questions import Examples, Matured, joined
from streams.core.rules import Rules
from streams.replay.dataset import Dataset, Origin
from streams.replay.files import EventLog
from streams.replay.guests import NOBODY, Guests
from streams.replay.harvest import Harvest
from streams.replay.rulebook import most_frequent_kinds, redefined, rules_at

NOW_MS = 1_600_000_000_000
DAYS = 90
HORIZON_MS = 12 * synthetic.DAY_MS
NAMES = [feature.name for feature in FEATURES[:PLAIN_WIDTH]]
STATE = [f"state_{column.name.lower()}" for column in Rhythm]
TABLES = ("examples", "outcomes", "predictions")


class Harvested:
    """What a log taught, as it came."""

    def __init__(self, log: str, guests: Guests = NOBODY) -> None:
        self.rules = rules_of(log)
        self.pieces: list[Examples | Matured] = []
        harvest = Harvest(self.rules, self.pieces.append, NOW_MS, asks=True, guests=guests)
        harvest.run(EventLog(log, block_rows=97).blocks())
        self.versions = harvest.versions
        self.models = (*CATALOGUE, *guests.names)

    @property
    def examples(self) -> Examples:
        parts = [piece for piece in self.pieces if isinstance(piece, Examples)]
        return Examples(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    @property
    def matured(self) -> Matured:
        found = joined([piece for piece in self.pieces if isinstance(piece, Matured)])
        assert found is not None
        return found

    def write(self, folder: Path, *, may_overwrite: bool = False) -> dict[str, pa.Table]:
        origin = Origin(self.rules, "log small.csv", self.models)
        with Dataset(folder, TABLES, origin, may_overwrite=may_overwrite) as dataset:
            for piece in self.pieces:
                dataset.add(piece)
            dataset.keep(self.versions)
        return {table: pq.read_table(folder / f"{table}.parquet") for table in TABLES}


def rules_of(log: str) -> Rules:
    kinds = most_frequent_kinds(EventLog(log).head(), rules_at(""))
    return redefined(rules_at(""), horizon_days=12, min_active_days=3, kinds=kinds)


def column(table: pa.Table, name: str) -> np.ndarray[Any, Any]:
    """Return a column as the array it was made of; null is NaN again."""
    found: np.ndarray[Any, Any] = table[name].to_numpy()
    is_time = found.dtype.kind == "M"
    return found.astype("datetime64[ms]").astype(np.int64).astype(np.float64) if is_time else found


def rows_of(table: pa.Table, names: list[str]) -> np.ndarray[Any, Any]:
    return np.column_stack([column(table, name) for name in names])


def booster(width: int = PLAIN_WIDTH, names: list[str] | str = "auto") -> str:
    chance = np.random.default_rng(5)
    rows = chance.normal(size=(600, width))
    data = lightgbm.Dataset(rows, rows[:, 0] > 0, feature_name=names)
    options = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    text: str = lightgbm.train(options, data, 3).model_to_string()
    return text
