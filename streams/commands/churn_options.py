"""What leaving means for a run over a log: the rules file, and what the command line changes."""

import os
from typing import TYPE_CHECKING, Final

from streams.errors import UserError
from streams.settings import load_settings

if TYPE_CHECKING:
    from streams.core.rules import Rules
    from streams.replay.files import EventLog


MIN_ACTIVE_DAYS: Final = 5
"""Where no rules say it."""


def churn_rules(
    log: "EventLog", path: str | None, *, horizon_days: float | None, min_active_days: int | None,
    kinds: str | None,
) -> "Rules":  # fmt: skip
    """Return the rules of a run over a log.

    Args:
        log: Its head says which kinds of events are frequent.
        path: Of the rules; None = those of the settings.
        horizon_days: H, days; None = that of the rules.
        min_active_days: Below so many active days nothing is said about a user; None = as the
            rules say, else `MIN_ACTIVE_DAYS`.
        kinds: Event names told apart, ``A,B``; None = those of the rules, else the most frequent.

    Raises:
        UserError: The rules, the kinds or the log cannot be read; or nobody says H.
    """
    from streams.core.told_apart import ToldApartError, kinds_of  # noqa: PLC0415 (quick --help)
    from streams.replay.rulebook import (  # noqa: PLC0415
        most_frequent_kinds,
        names_kinds,
        redefined,
        rules_at,
    )

    settings = load_settings(os.environ)
    path = settings.rules if path is None else path
    if not path and horizon_days is None:
        raise UserError("which silence is churn? Neither --horizon-days nor rules say it",
                        "winback define FILE proposes both")  # fmt: skip
    book = rules_at(path, settings.id_keys.alone)
    if min_active_days is None:
        min_active_days = book.churn.min_active_days if path else MIN_ACTIVE_DAYS
    if kinds is not None:
        try:
            names = kinds_of(kinds.split(","))
        except ToldApartError as error:
            raise UserError(f"--kinds {kinds}: {error}", "write A,B") from None
    else:
        names = book.churn.kinds if names_kinds(path) else most_frequent_kinds(log.head(), book)
    return redefined(book, horizon_days=horizon_days, min_active_days=min_active_days, kinds=names)
