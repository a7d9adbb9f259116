"""What a comparison has come to, section by section, on disk: it can be broken off and gone on."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks import figures
from benchmarks.compare.race import Run
from benchmarks.core_stages import BUILD
from benchmarks.ledger import product_hash

DIRECTORY: Final = BUILD / "compare"


class Result(msgspec.Struct, frozen=True):
    """One section.

    Attributes:
        section: Its name.
        code: Fingerprint of the product that was measured.
        date: ISO 8601 UTC.
        machine: Where.
        versions: With what.
        seconds: How long the section took.
        runs: Every run of it.
        facts: What else was measured, by name.
    """

    section: str
    code: str
    date: str
    machine: str
    versions: dict[str, str]
    seconds: float
    runs: list[Run] = []
    facts: dict[str, float] = {}


class Section:
    """Gathers what a section comes to.

    Attributes:
        directory: Where it is written down.
        runs: Add to it.
        facts: Add to it.
    """

    def __init__(self, name: str, directory: Path = DIRECTORY) -> None:
        self.name, self.directory = name, directory
        self.runs: list[Run] = []
        self.facts: dict[str, float] = {}
        self._began_s = time.monotonic()

    def done(self) -> Result:
        """Write down what came out and return it."""
        result = Result(
            section=self.name, code=product_hash(),
            date=datetime.now(UTC).isoformat(timespec="seconds"), machine=figures.machine(),
            versions=figures.versions(),
            seconds=time.monotonic() - self._began_s, runs=self.runs, facts=self.facts,
        )  # fmt: skip
        self.directory.mkdir(parents=True, exist_ok=True)
        told = msgspec.json.format(msgspec.json.encode(result), indent=1)
        (self.directory / f"{self.name}.json").write_bytes(told)
        return result


def read(name: str, directory: Path = DIRECTORY) -> Result | None:
    """Return what a section came to last; None = it was never measured, or by other words."""
    path = directory / f"{name}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Result)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def is_done(name: str, directory: Path = DIRECTORY) -> bool:
    """Whether a section was measured with the code as it is."""
    result = read(name, directory)
    return result is not None and result.code == product_hash()


def median(runs: Iterable[Run], name: str, entrant: str, **wanted: Any) -> float:
    """Return the median over runs of an entrant; not a number where there is none."""
    found = [
        getattr(run, name)
        for run in runs
        if run.entrant == entrant
        and all(getattr(run, field) == value for field, value in wanted.items())
    ]
    return statistics.median(found) if found else float("nan")
