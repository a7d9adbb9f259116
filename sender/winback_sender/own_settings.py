"""The settings of a part that has a prefix of its own: an adapter, the address book."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from winback_sender.errors import UserError
from winback_sender.settings_catalogue import FILE, catalogue, load, unknown

S = TypeVar("S", bound=msgspec.Struct)


def load_own(kind: type[S], environ: Mapping[str, str], prefix: str) -> S:
    """Return the settings of a part; every variable with its prefix must be one of them.

    Raises:
        UserError: A name is unknown, a value cannot be, or one is missing.
    """
    entries = list(catalogue(kind, prefix))
    files = [entry.variable + FILE for entry in entries if entry.is_secret]
    if faults := unknown(environ, [entry.variable for entry in entries] + files, prefix):
        raise UserError("; ".join(faults), "`winback sender settings` prints all settings")
    return load(kind, environ, prefix)
