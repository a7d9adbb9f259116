"""The manners of our commands: imported when they run, errors in two lines, exit codes that say."""

import contextlib
import errno
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NoReturn, TypeVar

import click

from winback_sender.errors import Exit, UserError

FC = TypeVar("FC", bound=Callable[..., Any] | click.Command)

NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SURROGATES: Final = ("\udc80", "\udcff")
"""As what Python tells bytes that are no text, in words of the command line."""
"""What a write says when the disk, the quota or the limit of a file is reached."""

Catalogue = Mapping[str, tuple[str, str]]
"""Name of a command: where it lives (``module:attribute``), and its line in ``--help``."""


class LazyGroup(click.Group):
    """A group that knows its commands by name, and imports the one that runs.

    Args:
        catalogue: The commands, in the order of ``--help``.
    """

    def __init__(self, *args: Any, catalogue: Catalogue, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._catalogue = catalogue

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names in the order of the catalogue."""
        return list(self._catalogue)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or return None when there is none of that name."""
        if cmd_name not in self._catalogue:
            return None
        module, _, attribute = self._catalogue[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; name the nearest one when there is none."""
        if args[0] not in self._catalogue and not args[0].startswith("-"):
            difflib = importlib.import_module("difflib")  # late: only a typing error needs it
            near = difflib.get_close_matches(args[0], self._catalogue, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._catalogue.items()])


def version_option(distribution: str) -> Callable[[FC], FC]:
    """Return the option ``--version`` of a command."""

    def show(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 (click's signature)
        if not value or ctx.resilient_parsing:
            return
        metadata = importlib.import_module("importlib.metadata")  # late: it costs 30 ms
        click.echo(f"{distribution} {metadata.version(distribution)}")
        ctx.exit()

    return click.option(
        "--version", is_flag=True, is_eager=True, expose_value=False, callback=show,
        help="Print the version and exit.",
    )  # fmt: skip


def run_to_exit(command: click.Command, name: str) -> NoReturn:
    """Run a command line and end the process with its exit code."""
    try:
        code = _run(command, name)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()  # The reader (head, less) has what it wanted.
        code = Exit.FAILED  # as click does when it sees the same
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        _drop_output()
        code = Exit.FAILED
        with contextlib.suppress(OSError):  # Standard error may go to the same place.
            complain(
                name,
                f"the output cannot be written: {error.strerror}",
                "Make room where it goes, or send it elsewhere, and run it again.",
                code,
            )
    sys.exit(code)


def _drop_output() -> None:
    """Forget what is not written yet: Python would complain of it again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(command: click.Command, name: str) -> int:
    try:
        _demand_text(sys.argv[1:])
        result = command.main(prog_name=name, standalone_mode=False)
    except UserError as error:
        return complain(name, error.message, error.hint, error.exit_code)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return complain(name, "interrupted", "", Exit.INTERRUPTED)
    return result if isinstance(result, int) else Exit.OK


def _demand_text(words: Sequence[str]) -> None:
    """See that each word of the command line can be written down; an id of anything else cannot.

    Raises:
        UserError: One is no text.
    """
    for word in words:
        if not word.isascii() and any(SURROGATES[0] <= one <= SURROGATES[1] for one in word):
            raise UserError(f"{word!a} is not UTF-8", "write it in UTF-8: what are LANG, LC_ALL?")


def complain(name: str, message: str, hint: str, code: int) -> int:
    """Say on standard error what is wrong and what to do; return the exit code."""
    click.echo(f"{name}: {_shown(message)}", err=True)
    if hint:
        click.echo(f"  → {_shown(hint)}", err=True)
    return code


def _shown(text: str) -> str:
    """Return a complaint, which may quote what others have written; it may have several lines."""
    from winback_sender.terminal import printable  # noqa: PLC0415 (quick --help)

    return "\n".join(map(printable, text.split("\n")))
