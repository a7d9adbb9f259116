"""``winback define`` on a terminal: the numbers as tables, the sentences below."""

import re
from collections.abc import Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from streams.core.meanings import Meaning
from streams.replay.define import Definition
from streams.replay.define_cautions import cautions
from streams.replay.define_words import (
    costs,
    headline,
    number,
    percent,
    plain,
    reasons,
    verdict,
)

WIDTH_MOST: Final = 100
"""Columns, also when the output is no terminal; longer lines are hard to read."""
NAMES_SHOWN: Final = 12
LEGEND: Final = """\
watched: users with enough active days, the last less than H ago; at a time, lately
alerts a day: silences that reach two thirds of H, where the service alerts at the latest
leave: of the watched users, those who do nothing in the next H
silences: how many reached H, and the log goes on long enough to see how they went on
back soon: of these, how many ended within another H: an alarm would have been about nothing
never back: of these, how many had not ended when the log did
right at ¼, ½, ¾: of the users silent for a quarter, half, three quarters of H, those who stay \
silent until H; so good is a rule without a model"""


def shown(found: Definition, steps: Sequence[str], written: str | None) -> str:
    """Return a definition as text for people, in colour on a terminal.

    Args:
        found: What was found.
        steps: The commands to run next.
        written: The rules file, if one was written.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    wide = console.width if console.is_terminal else WIDTH_MOST
    console.width = min(wide, WIDTH_MOST)
    with console.capture() as capture:
        console.print(headline(found))
        console.print(_titled("what users do", _names(found)))
        console.print(_titled("whom to judge", _covers(found)))
        if found.horizons:
            console.print(_titled("when has a user left?", _horizons(found)))
        console.print(Text(f"\n{verdict(found)}", style="bold"))
        for title, said in (
            ("why", reasons(found)),
            ("what another horizon costs", costs(found)),
            ("mind", cautions(found)),
        ):
            if said:
                console.print(_titled(title, _listed(said)))
        if written:
            console.print(f"\nwritten: {written}", soft_wrap=True)
        if steps:
            console.print(Text("\nnext", style="bold"))
        for step in steps:
            console.print(f"  {step}", soft_wrap=True)
    lines = "\n".join(line.rstrip() for line in capture.get().rstrip().split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines)


def _titled(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(f"\n{title}", style="bold"), Padding(body, (0, 0, 0, 1)))


def _listed(said: Sequence[str]) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    for sentence in said:
        table.add_row(Text("·"), Text(sentence))
    return table


def _table(*columns: str, texts: Sequence[str]) -> Table:
    """Return an empty table; the columns of ``texts`` are words, all others numbers."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in columns:
        is_text = column in texts
        table.add_column(Text(column), justify="left" if is_text else "right", no_wrap=not is_text)
    return table


def _names(found: Definition) -> RenderableType:
    table = _table("event", "events", "share", "users", "means", texts=("event", "means"))
    rows = [
        name
        for place, name in enumerate(found.names)
        if place < NAMES_SHOWN or name.question or name.meaning is not Meaning.ACTIVITY
    ]
    for name in rows:
        why = f" ({name.why})" if name.why else ""
        doubt = " ?" if name.question else ""
        table.add_row(
            Text(plain(name.name)), f"{name.events:,}", percent(name.share), f"{name.users:,}",
            Text(f"{name.meaning}{why}{doubt}"),
        )  # fmt: skip
    more = len(found.names) - len(rows)
    return Group(table, Text(f"and {more:,} more: activity")) if more else table


def _covers(found: Definition) -> RenderableType:
    wanted = found.proposal and found.proposal.min_active_days
    table = _table("active days", "users", "of all users", "of all events", texts=())
    for row in found.covers:
        is_chosen = row.min_active_days == wanted
        table.add_row(
            f"{_arrow(is_chosen)}at least {row.min_active_days}", f"{row.users:,}",
            percent(row.share_of_users), percent(row.share_of_events),
            style="bold" if is_chosen else "",
        )  # fmt: skip
    return table


def _arrow(is_chosen: bool) -> str:  # noqa: FBT001 (a question and its answer)
    return "→ " if is_chosen else ""


def _horizons(found: Definition) -> RenderableType:
    table = _table(
        "H\ndays", "\nwatched", "alerts\na day", "\nleave", "\nsilences", "back\nsoon",
        "never\nback", "right\nat ¼", "\nat ½", "\nat ¾", texts=(),
    )  # fmt: skip
    for row in found.horizons:
        is_chosen = row is found.row
        table.add_row(
            f"{_arrow(is_chosen)}{row.days:g}", number(row.users_watched),
            number(row.alerts_per_day), percent(row.leave), f"{row.silences:,}",
            percent(row.back_soon), percent(row.not_back), *map(percent, row.right_after),
            style="bold" if is_chosen else "",
        )  # fmt: skip
    return Group(table, _listed(LEGEND.splitlines()))
