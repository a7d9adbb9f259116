"""The ``winback`` command: the only place where the rooms meet.

A command's module is imported when the command runs, so ``winback --help`` stays quick.
"""

import contextlib
import errno
import importlib
import os
import sys
from typing import Final, NoReturn

import click

from streams.errors import Exit, UserError

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "backtest": ("streams.commands.backtest:backtest", "Score a log's past honestly: shadow mode."),
    "define": ("streams.commands.define:define", "Propose from history what leaving means."),
    "control": ("streams.commands.control:control", "Mode, kill switch, pauses of a running one."),
    "coverage": ("streams.commands.coverage:coverage", "Say when the source logged nothing."),
    "demo": ("streams.commands.demo:demo", "Show it all on real purchases, in two minutes."),
    "explain": ("streams.commands.explain:explain", "Say why a user is (not) at risk."),
    "export": ("streams.commands.export:export", "Examples and predictions as Parquet."),
    "feed": ("streams.commands.feed:feed", "Publish an event log on the activity topic."),
    "kafka": ("streams.commands.kafka:kafka", "An embedded Apache Kafka for development."),
    "models": ("streams.commands.models:models", "How the models stand; which is in force."),
    "playbooks": ("streams.commands.playbooks:playbooks", "Check, show and try playbooks."),
    "replay": ("streams.commands.replay:replay", "Run the core over a file, without Kafka."),
    "report": ("streams.commands.report:report", "What recall did, earned, and should change."),
    "run": ("streams.commands.run:run", "Run the service: pipeline, learner or both."),
    "sender": ("streams.commands.sender:sender", "Run a reference sender of touches."),
    "settings": ("streams.commands.settings:settings", "Print the settings in force."),
    "simulate": ("streams.commands.simulate:simulate", "Run worlds with known truth."),
    "state": ("streams.commands.state:state", "Export the users' state."),
    "topics": ("streams.commands.topics:topics", "Plan and apply the Kafka topics."),
}
"""Name of a command: where it lives, and its line in ``winback --help``."""

NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a write says when the disk, the quota or the limit of a file is reached."""


class LazyGroup(click.Group):
    """A group that knows its commands by name, and imports the one that runs."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names in the order of the catalogue."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or return None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; name the nearest one when there is none."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            difflib = importlib.import_module("difflib")  # late: only a typing error needs it
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 (click's signature)
    if not value or ctx.resilient_parsing:
        return
    metadata = importlib.import_module("importlib.metadata")  # late: it costs 30 ms
    click.echo(f"winback {metadata.version('winback')}")
    ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
    help="Print the version and exit.",
)  # fmt: skip
def winback() -> None:
    """Find out who is about to leave, and win them back.

    Operator settings come from WINBACK_* variables (winback settings prints them), business rules
    from a YAML file.
    """


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    try:
        code = _run()
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
            _complain(
                f"the output cannot be written: {error.strerror}",
                "Make room where it goes, or send it elsewhere, and run it again.",
                code,
            )
    sys.exit(code)


def _drop_output() -> None:
    """Forget what is not written yet: Python would complain of it again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run() -> int:
    try:
        result = winback.main(standalone_mode=False)
    except UserError as error:
        return _complain(error.message, error.hint, error.exit_code)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _complain("interrupted", "", Exit.INTERRUPTED)
    return result if isinstance(result, int) else Exit.OK


def _complain(message: str, hint: str, code: int) -> int:
    click.echo(f"winback: {message}", err=True)
    if hint:
        click.echo(f"  → {hint}", err=True)
    return code
