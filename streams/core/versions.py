"""The versions of what outlives a process, as numbers that people can read.

Each is raised when what it counts changes its bytes or their meaning. `docs/upgrade.md` says what
follows from each; a test holds the shapes against ``tests/golden/shapes``, so that none changes
without its number.
"""

from typing import Final

WINBACK: Final = "0.2.0"
"""The version of the product, as in ``pyproject.toml``."""

STATE: Final = 2
"""What lies in the changelog of users: states, partition record, erasures, stubs; and states that
are on their way from one partition to another."""
ROUTER: Final = 2
"""What lies in the changelog of a router."""
JOURNAL: Final = 1
"""Entries of the journal."""

LAYOUT: Final = f"{STATE} (winback {WINBACK})"
"""How the state says its version, so that one that cannot read it can say who wrote it."""

_UNNUMBERED: Final = {"d3adbcf4312442d1": 1}
"""What stood in place of a number before there were any: a fingerprint."""


def state_version(layout: str) -> int:
    """Return the number of a layout; 0 for one that never was."""
    number, _, _ = layout.partition(" ")
    return int(number) if number.isdecimal() else _UNNUMBERED.get(layout, 0)
