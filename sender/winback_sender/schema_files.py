"""The kept schemas: every one ever released, and the one that the types make now.

``schemas/<kind>/<version>.json``, the newest is what the types say. What has a line in
``schemas/RELEASED`` (as ``sha256sum -c`` reads it) is a promise and never changes; the others are
drafts, written by ``python -m winback_sender.schema_files`` and released with ``--release``.
"""

import hashlib
import sys
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from winback_sender.contract.compatibility import refusals
from winback_sender.contract.schemas import CONTRACTS, Schema, schema, schema_text
from winback_sender.contract.versions import MAJORS
from winback_sender.errors import UserError

HERE: Final = Path(__file__).parent / "schemas"
RELEASED: Final = "RELEASED"
WRITTEN_BY_SENDERS: Final = frozenset({"feedback"})


class Kept(NamedTuple):
    """A schema in a file.

    Attributes:
        kind: Of which message.
        version: Major (`ce_dataschema` names it) and revision.
        text: The file.
        is_released: It has been promised.
    """

    kind: str
    version: tuple[int, int]
    text: str
    is_released: bool

    @property
    def name(self) -> str:
        """Its version as people write it: 1.0."""
        return "{}.{}".format(*self.version)

    @property
    def schema(self) -> Schema:
        """What the file says."""
        decoded: Schema = msgspec.json.decode(self.text)
        return decoded


def kept(kind: str, root: Path = HERE) -> list[Kept]:
    """Return the schemas of a message, oldest first."""
    digests = _digests(root)
    found = []
    for path in (root / kind).glob("*.json"):
        major, revision = path.stem.split(".")
        released = path.relative_to(root).as_posix() in digests
        text = path.read_text(encoding="utf-8")
        found.append(Kept(kind, (int(major), int(revision)), text, released))
    return sorted(found, key=lambda one: one.version)


def examples(kind: str, root: Path = HERE) -> dict[str, str]:
    """Return the examples of a message by name, as the texts of files."""
    paths = sorted((root / kind / "examples").glob("*.json"))
    return {path.stem: path.read_text(encoding="utf-8") for path in paths}


def complaints(root: Path = HERE) -> list[str]:
    """Return what is wrong with the kept schemas, and with what the types say beside them."""
    found = []
    for name, digest in _digests(root).items():
        path = root / name
        if not path.exists():
            found.append(f"{name} was released and is gone")
        elif _digest(path) != digest:
            found.append(f"{name} was released and has been changed since")
    return found + [said for kind in CONTRACTS for said in _complaints_of(kind, root)]


def write(root: Path = HERE) -> list[Path]:
    """Write what the types say as drafts, where no file says it yet; return what was written."""
    written = []
    for kind in CONTRACTS:
        text, known = schema_text(kind), kept(kind, root)
        last = known[-1] if known else None
        if last is not None and not last.is_released:
            (root / kind / f"{last.name}.json").unlink()
            last = known[-2] if len(known) > 1 else None
        if last is not None and last.text == text:
            continue
        path = root / kind / "{}.{}.json".format(*_next(kind, last))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def release(root: Path = HERE) -> list[str]:
    """Promise the drafts; return their names.

    Raises:
        UserError: One of them leaves somebody behind.
    """
    wrong = complaints(root)
    if wrong:
        raise UserError("; ".join(wrong), "mend the types: nothing was released")
    drafts = [one for kind in CONTRACTS for one in kept(kind, root) if not one.is_released]
    names = [f"{one.kind}/{one.name}.json" for one in drafts]
    with (root / RELEASED).open("a", encoding="utf-8") as lines:
        lines.writelines(f"{_digest(root / name)}  {name}\n" for name in names)
    return names


def _complaints_of(kind: str, root: Path) -> list[str]:
    new, known = schema(kind), kept(kind, root)
    found = [
        f"{kind} {one.name}: {why}"
        for one in known
        if one.is_released and one.version[0] == MAJORS[kind]
        for why in refusals(one.schema, new, is_ours=kind not in WRITTEN_BY_SENDERS)
    ]
    if not known or known[-1].text != schema_text(kind):
        found.append(f"{kind}: the newest file is not what the types say; `make docs` writes it")
    if sum(not one.is_released for one in known) > 1:
        found.append(f"{kind}: more than one draft")
    return found


def _next(kind: str, last: Kept | None) -> tuple[int, int]:
    if last is None or last.version[0] != MAJORS[kind]:
        return MAJORS[kind], 0
    return last.version[0], last.version[1] + 1


def _digests(root: Path) -> dict[str, str]:
    path = root / RELEASED
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    for made in release() if "--release" in sys.argv else write():
        sys.stdout.write(f"{made}\n")
