"""Options that every command has in whose run over a log guests may play."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from streams.replay.guests import Guests


class GuestOptions(NamedTuple):
    """Who is to play, and from when on."""

    given: tuple[str, ...]
    since: str | None

    def guests(self, horizon_ms: int) -> "Guests":
        """Return the guests, read from their files.

        Raises:
            UserError: One cannot be read, or it is not said when they enter.
        """
        from streams.replay.guests import guests_of  # noqa: PLC0415 (quick --help)

        return guests_of(self.given, self.since, horizon_ms)


def guest_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of guests to a command; it gets them as ``entering: GuestOptions``."""

    def wrapped(*, guest: tuple[str, ...], guests_since: str | None, **others: Any) -> Any:
        return command(entering=GuestOptions(guest, guests_since), **others)

    wrapped.__doc__ = command.__doc__
    wrapped.__name__ = command.__name__
    wrapped.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]  # What click's decorators gather.
    for option in (
        click.option("--guests-since", metavar="ISO",
                     help="Guests enter then: the last instant that they were fitted to."),
        click.option("--guest", multiple=True, metavar="NAME=FILE",
                     help="Let a LightGBM booster of yours play, see winback export."),
    ):  # fmt: skip
        option(wrapped)
    return wrapped
