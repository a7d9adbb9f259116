"""The rules of a run over a file: those of the deployment, with what the command line changes."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import yaml

from streams.core.meanings import ACTS
from streams.core.rules import Rules
from streams.core.rules_file import horizon_override
from streams.core.time import DAY_MS
from streams.errors import UserError
from streams.replay.blocks import Block
from streams.rule_files import load_rules
from winback_sender.documents.faults import RulesRefused
from winback_sender.keys import DEVELOPMENT_RING, KeyRing

KINDS_ROWS: Final = 1_000
"""The event names that the model tells apart are the two most frequent of so many first rows."""


def rules_at(path: str, keys: KeyRing = DEVELOPMENT_RING) -> Rules:
    """Return the rules of a file; an empty path means the defaults.

    Args:
        path: Of the YAML file.
        keys: Secrets that the ids are made with.

    Raises:
        UserError: The file cannot be read or the rules cannot be used.
    """
    try:
        return load_rules(path, keys)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UserError(f"the rules {path} cannot be read: {why}", "check --rules") from None
    except RulesRefused as error:
        raise UserError(str(error), "mend the rules file") from None


def names_kinds(path: str) -> bool:
    """Return whether a file of sound rules says itself which kinds of events are told apart."""
    said = yaml.safe_load(Path(path).read_text(encoding="utf-8")) if path else None
    return "kinds" in (said or {})


def most_frequent_kinds(block: Block, rules: Rules | None = None) -> tuple[str, ...]:
    """Return the two most frequent event names of the head of a log; the earlier one at a tie.

    Args:
        block: The head of the log.
        rules: If given, only what they take for activity is counted.
    """
    head = block.events[:KINDS_ROWS]
    counted = Counter(name for name in head if rules is None or rules.meaning(name) in ACTS)
    return tuple(name for name, _ in counted.most_common(2))


def redefined(
    rules: Rules, *, horizon_days: float | None, min_active_days: int, kinds: Sequence[str]
) -> Rules:
    """Return rules with another definition of churn, and the spans that follow from it.

    Without another horizon all spans are as the rules say.
    """
    if horizon_days is not None:
        rules = horizon_override(rules, round(horizon_days * DAY_MS))
    churn = msgspec.structs.replace(
        rules.churn, min_active_days=min_active_days, kinds=tuple(kinds)
    )
    return msgspec.structs.replace(rules, churn=churn)
