"""The ledger of a long proof: which of its units are done, so that it can be broken off.

A proof is cut into units: seeds of worlds, minutes of fuzzing, runs under faults. Each that is done
stands in ``build/proofs/<name>.jsonl`` with its date and result; the next start goes on with those
that are left. Units count only for the code and the parameters that they were done with: when
either is another, the proof begins anew, and the old file stays beside it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

ROOT: Final = Path(__file__).resolve().parents[1]
PROOFS: Final = ROOT / "build" / "proofs"
PRODUCT: Final = ("streams", "models", "sender/winback_sender")
"""What a proof is about; another text of it makes what was proven worthless."""

T = TypeVar("T")


class Done(msgspec.Struct, frozen=True):
    """One line of a ledger.

    Attributes:
        unit: Its name.
        date: When it was done, ISO 8601 UTC.
        result: What it came to.
    """

    unit: str
    date: str
    result: dict[str, Any]


class _Head(msgspec.Struct, frozen=True):
    """The first line: what the units were done with."""

    code: str
    parameters: dict[str, str]


class Ledger:
    """The units of one proof that are done.

    Args:
        name: Of the proof: letters, digits, hyphens.
        parameters: What the units are made with, as text; other ones are another proof.
        code: Fingerprint of what is proven; that of the product by default.
        directory: Where ledgers are kept.
    """

    def __init__(
        self,
        name: str,
        parameters: Mapping[str, object] | None = None,
        *,
        code: str = "",
        directory: Path = PROOFS,
    ) -> None:
        wanted = {key: str(value) for key, value in (parameters or {}).items()}
        self._head = _Head(code or product_hash(), wanted)
        self._path = directory / f"{name}.jsonl"
        self.entries: list[Done] = self._read()

    def left(self, units: Iterable[object]) -> Iterator[str]:
        """Yield the units that are not done, in order; asked again before each."""
        for unit in map(str, units):
            if all(entry.unit != unit for entry in self.entries):
                yield unit

    def done(self, unit: object, result: Mapping[str, Any]) -> None:
        """Write down that a unit is done, and what it came to."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        entry = Done(str(unit), now, dict(result))
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(entry) + b"\n")
        self.entries.append(entry)

    def total(self, field: str) -> float:
        """Return the sum of a field over what is done."""
        return sum(entry.result[field] for entry in self.entries)

    @property
    def span(self) -> str:
        """When it was done, in words; empty = nothing is."""
        dates = [entry.date for entry in self.entries]
        return f"{len(dates)} units, {min(dates)} to {max(dates)}" if dates else ""

    def _read(self) -> list[Done]:
        """Return what is done with the same code and parameters; else begin a new file."""
        if self._path.exists():
            head, *lines = self._path.read_bytes().splitlines() or [b""]
            if _decoded(head, _Head) == self._head:
                if not self._path.read_bytes().endswith(b"\n"):  # Torn: that unit was not done.
                    with self._path.open("ab") as file:
                        file.write(b"\n")
                return [entry for line in lines if (entry := _decoded(line, Done)) is not None]
            self._path.replace(self._path.with_suffix(".before.jsonl"))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_bytes(msgspec.json.encode(self._head) + b"\n")
        return []


def product_hash() -> str:
    """Return a fingerprint of the product's code as it lies here, committed or not."""
    asked = ["git", "ls-files", "-z", "--", *PRODUCT]
    names = subprocess.run(asked, cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    digest = sha256()
    for name in sorted(filter(None, names)):
        path = ROOT / name.decode()
        if path.suffix == ".py" and path.exists():
            digest.update(name + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _decoded(line: bytes, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.DecodeError:
        return None
