"""Rules and playbooks from their files: the one place where they are read from the disk."""

from collections.abc import Iterable
from pathlib import Path

from streams.core.ids import FormerKey, Ids
from streams.core.playbook import Playbook
from streams.core.playbooks_compile import Known
from streams.core.playbooks_file import (
    Reading,
    all_playbooks,
    playbooks_source,
    read_playbooks,
)
from streams.core.rules import Rules
from streams.core.rules_file import parse_rules, playbook_paths
from streams.errors import UserError
from winback_sender.documents.faults import RulesRefused
from winback_sender.keys import DEVELOPMENT_RING, KeyRing, derived


def load_rules(path: str, keys: KeyRing = DEVELOPMENT_RING) -> Rules:
    """Return the rules of a file, with the playbooks that it names; an empty path: the defaults.

    Args:
        path: Of the YAML file.
        keys: Secrets that the ids are made with.

    Raises:
        OSError: The file of rules cannot be read.
        UnicodeDecodeError: It is not UTF-8.
        RulesRefused: Rules or playbooks cannot be used.
    """
    text = Path(path).read_text(encoding="utf-8") if path else ""
    name = path or "rules"
    found = {book: _text(Path(path).parent / book) for book in playbook_paths(text, name)}
    files = {book: content for book, content in found.items() if content is not None}
    return parse_rules(text, name, ids=ids_of(keys), files=files)


def ids_of(keys: KeyRing) -> Ids:
    """Return what makes the ids of a deployment with these secrets."""
    former = tuple(FormerKey(derived(key.secret), key.until_ms) for key in keys.former)
    return Ids(derived(keys.newest), former)


def watched(path: str) -> tuple[Path, ...]:
    """Return the files that rules consist of: their own, and those of playbooks that they name."""
    try:
        names = playbook_paths(Path(path).read_text(encoding="utf-8"), path) if path else ()
    except (OSError, UnicodeDecodeError, RulesRefused):
        names = ()
    return (*([Path(path)] if path else []), *(Path(path).parent / name for name in names))


def load_playbooks(paths: Iterable[Path | str], known: Known | None = None) -> tuple[Playbook, ...]:
    """Return the playbooks of some files, in their order.

    Args:
        paths: Of the YAML files.
        known: What they may name: `known_of` the rules. None: what every deployment knows.

    Raises:
        UserError: A file cannot be read.
        RulesRefused: With everything that is wrong in any of them.
    """
    return all_playbooks(readings_of(paths, Known() if known is None else known))


def readings_of(paths: Iterable[Path | str], known: Known) -> list[Reading]:
    """Return what files of playbooks say, with what is wrong in them.

    Raises:
        UserError: A file cannot be read.
        RulesRefused: A file is no YAML.
    """
    readings = []
    for path in paths:
        text = _text(Path(path))
        if text is None:
            raise UserError(
                f"the playbooks {path} cannot be read",
                "check that the file is there, and UTF-8",
            )
        readings.append(read_playbooks(playbooks_source(text, str(path)), known))
    return readings


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
