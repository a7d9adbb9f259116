"""The tables for whoever tries a model of their own: what each column is, and the rows in it.

Users stand in them as keyed hashes. Examples name no user at all: a model of silence needs none.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import numpy as np

from models.feature_list import FEATURES, RHYTHM_WIDTH, Rhythm, features_hash
from models.questions import Examples, Matured, Users
from streams.core.rules import Rules
from streams.core.scoring import F64
from streams.errors import UserError
from streams.replay.parquet import ParquetFile, pyarrow

TABLES: Final = ("examples", "outcomes", "predictions")
TOKEN_CHARACTERS: Final = 16
STATE: Final = "state_"
"""Names of the numbers that features are made of begin like that."""


class Origin(NamedTuple):
    """What the tables are of.

    Attributes:
        rules: Under which they were made.
        source: The log, or the topic, in words.
        models: Names of the models that answer questions, in the order of their columns.
    """

    rules: Rules
    source: str
    models: Sequence[str] = ()


class Dataset:
    """Tables on their way to a folder; none of them is there before all are whole.

    Args:
        folder: Made if it is not there.
        tables: Which of ``TABLES``.
        origin: What they are of.
        may_overwrite: Whether tables that are there are replaced.

    Raises:
        UserError: A table is there, or cannot be written; also later, when the disk is full.
    """

    def __init__(
        self, folder: Path, tables: Sequence[str], origin: Origin, *, may_overwrite: bool
    ) -> None:
        self._origin = origin
        self._width = len(origin.rules.columns)
        self._files: dict[str, ParquetFile] = {}
        self._open = ExitStack()
        paths = {table: folder / f"{table}.parquet" for table in tables}
        pyarrow()  # Before anything is made.
        _demand_room(folder, paths.values(), may_overwrite=may_overwrite)
        with ExitStack() as stack:
            for table, path in paths.items():
                file = ParquetFile(path, schema(table, origin))
                self._files[table] = stack.enter_context(file)
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Forget what was not kept."""
        self._open.close()

    @property
    def rows(self) -> dict[str, int]:
        """Rows of each table so far."""
        return {table: file.rows for table, file in self._files.items()}

    def add(self, piece: Examples | Matured) -> None:
        """Add matured examples, or questions with their answers."""
        if isinstance(piece, Examples):
            if "examples" in self._files:
                self._files["examples"].add(self._example_columns(piece))
            return
        outcomes = self._outcome_columns(piece)
        if "outcomes" in self._files:
            self._files["outcomes"].add(outcomes)
        if "predictions" in self._files:
            self._files["predictions"].add(outcomes + self._prediction_columns(piece))

    def keep(self, versions: Mapping[str, str]) -> None:
        """Give all tables their names; ``versions``: of the models, as they are at the end."""
        for file in self._files.values():
            file.finish({"models": json.dumps(versions)})
        for file in self._files.values():
            file.keep()

    def _example_columns(self, examples: Examples) -> list[Any]:
        return [
            _instants(examples.opened_at_ms),
            _instants(examples.matured_at_ms),
            examples.active,
            examples.weight,
            *examples.rows.T[: self._width],
        ]

    def _outcome_columns(self, matured: Matured) -> list[Any]:
        opened = matured.opened_at_ms
        return [
            hexes(matured.users),
            _instants(opened),
            _instants(opened + self._origin.rules.churn.horizon_ms),
            matured.churned,
            matured.weight,
        ]

    def _prediction_columns(self, matured: Matured) -> list[Any]:
        assert matured.heads is not None, "predictions are made with keeps_history"
        nothing = np.full(len(matured.users), np.nan)
        return [
            matured.said,
            matured.raw,
            matured.candidate,
            *(matured.models.get(name, nothing) for name in self._origin.models),
            *matured.rows.T[: self._width],
            *matured.heads.T[:RHYTHM_WIDTH],
        ]


def hexes(users: Users) -> list[str]:
    """Return hashes of users as text: the bytes of ``Ids.token``, in hex."""
    text = users.astype("<u8").tobytes().hex()
    return [text[at : at + TOKEN_CHARACTERS] for at in range(0, len(text), TOKEN_CHARACTERS)]


def schema(table: str, origin: Origin) -> Any:
    """Return the schema of a table, with what every column is."""
    arrow = pyarrow()
    f32, f64 = arrow.float32(), arrow.float64()

    def field(name: str, kind: Any, role: str, **said: str) -> Any:
        return arrow.field(name, kind, metadata={"role": role, **said})

    def instant(name: str, what: str) -> Any:
        return field(name, arrow.timestamp("ms", tz="UTC"), "time", unit="ms UTC", what=what)

    def probability(name: str, what: str) -> Any:
        return field(name, f64, "said", unit="probability", what=what)

    opened = instant("opened_at", "the features are as of then; nothing later is in them")
    weight = field("weight", f32, "weight", unit="1", what="1/holdout share where that applies")
    features = [
        field(f.name, f32, "feature", unit=f.unit, formula=f.formula, group=f.group, what=f.why)
        for f in FEATURES[: len(origin.rules.columns)]
    ]
    if table == "examples":
        what = "the label was not known before: opened_at + period"
        label = "an activity in [opened_at, matured_at)"
        columns = [
            opened, instant("matured_at", what),
            field("active", arrow.bool_(), "label", what=label), weight, *features,
        ]  # fmt: skip
        return arrow.schema(columns, _facts(table, origin))
    columns = [
        field("user", arrow.string(), "user", what="keyed hash of the user id"),
        opened,
        instant("matured_at", "the answer was not known before: opened_at + horizon"),
        field("churned", arrow.bool_(), "label", what="no activity in [opened_at, matured_at)"),
        weight,
    ]
    if table == "predictions":
        columns += [
            probability("said", "P(churned) as it was in force"),
            probability("raw", "the same before calibration"),
            probability("calibrated", "raw by the calibration of then, in force or not"),
            *(probability(name, "P(churned) by this model") for name in origin.models),
            *features,
            *(
                field(STATE + column.name.lower(), f64, "state", place=str(int(column)))
                for column in Rhythm
            ),
        ]
    return arrow.schema(columns, _facts(table, origin))


def _facts(table: str, origin: Origin) -> dict[str, str]:
    churn = origin.rules.churn
    return {
        "table": table,
        "source": origin.source,
        "winback_version": version("winback"),
        "features_hash": features_hash(),
        "rules_hash": origin.rules.hash,
        "horizon_ms": str(churn.horizon_ms),
        "period_ms": str(churn.period_ms),
        "min_active_days": str(churn.min_active_days),
    }


def _instants(at_ms: F64) -> Any:
    return at_ms.astype("<i8").astype("datetime64[ms]")


def _demand_room(folder: Path, paths: Any, *, may_overwrite: bool) -> None:
    """Make the folder, and see that nothing is lost.

    Raises:
        UserError: The folder cannot be made, or a table is there already.
    """
    there = [path for path in paths if path.exists()]
    if there and not may_overwrite:
        raise UserError(f"{there[0]} is there already", "choose another --out, or add --force")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        said = f"{folder} cannot be made: {error.strerror}"
        raise UserError(said, "choose another --out") from None
