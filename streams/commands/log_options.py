"""Options that every command has which reads an event log."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from streams.replay.files import EventLog


class LogOptions(NamedTuple):
    """How a log is to be read."""

    form: str | None
    timezone: str | None
    on_bad_row: str

    def log(self, path: str, *, may_be_unordered: bool = False) -> "EventLog":
        """Return the log at a path; nothing is opened yet.

        Raises:
            UserError: There is no such time zone.
        """
        from streams.replay.files import EventLog, Format, OnBadRow, Order  # noqa: PLC0415 (quick --help)
        from streams.replay.instants import zone_named  # noqa: PLC0415

        return EventLog(
            path,
            form=None if self.form is None else Format(self.form),
            zone=zone_named(self.timezone),
            on_bad_row=OnBadRow(self.on_bad_row),
            order=Order.WARN if may_be_unordered else Order.STOP,
        )


def log_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a log to a command; it gets them as ``reading: LogOptions``."""

    def wrapped(*, form: str | None, timezone: str | None, on_bad_row: str, **others: Any) -> Any:
        return command(reading=LogOptions(form, timezone, on_bad_row), **others)

    wrapped.__doc__ = command.__doc__
    wrapped.__name__ = command.__name__
    wrapped.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]  # What click's decorators gather.
    for option in (
        click.option("--on-bad-row", type=click.Choice(["stop", "skip"]), default="stop",
                     show_default=True, help="What to do with a row that is no event."),
        click.option("--timezone", metavar="ZONE",
                     help="Zone of times that name none; without it they are refused."),
        click.option("--format", "form", type=click.Choice(["csv", "jsonl", "parquet"]),
                     help="Format of FILE. Default: what it looks like."),
    ):  # fmt: skip
        option(wrapped)
    return wrapped
