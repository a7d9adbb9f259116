"""``winback-sender``: the reference sender, and what its developers and operators need beside it.

`group_of` makes the same commands for ``winback sender``, which also knows an embedded Kafka.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NoReturn

import click

from winback_sender.command_line import Catalogue, LazyGroup, run_to_exit, version_option

if TYPE_CHECKING:
    from winback_sender.cluster import Cluster
    from winback_sender.settings import Settings

COMMANDS: Final[Catalogue] = {
    "adapters": ("winback_sender.commands.pages:adapters", "List the adapters and their settings."),
    "conformance": (
        "winback_sender.conformance.command:conformance",
        "Drive any sender as a black box, and say what it did wrong.",
    ),
    "contracts": (
        "winback_sender.commands.contract_pages:contracts",
        "The messages: fields, schemas, examples.",
    ),
    "settings": ("winback_sender.commands.pages:settings", "Print the settings in force."),
    "try": (
        "winback_sender.commands.trial:trial",
        "Publish one touch, and wait for what is said of it.",
    ),
}

FindKafka = Callable[["Settings", bool], "Cluster"]
"""Takes the settings and whether an embedded Kafka may be started; says where Kafka is."""


def group_of(find_kafka: FindKafka, *, has_embedded: bool) -> click.Group:
    """Return the command ``sender``.

    Args:
        find_kafka: Says where Kafka is; the subcommands find it as the context's object.
        has_embedded: Whether there is an embedded Kafka, and so an option ``--local``.
    """

    @click.group(
        cls=LazyGroup, catalogue=COMMANDS, invoke_without_command=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip
    @click.option("--channel", "routes", multiple=True, metavar="CHANNEL=ADAPTER",
                  help="Send a channel with an adapter, as in sms=aliyun; ADAPTER alone takes "
                       "every channel. May be given several times.")  # fmt: skip
    @click.option("--clock", type=click.Choice(["wall", "event"]),
                  help="wall for live traffic; event for a replayed log: now is the newest touch. "
                       "Default: WINBACK_CLOCK.")  # fmt: skip
    @click.option("--state", metavar="DIR",
                  help="Directory of the journal, which remembers what was sent; shared by all "
                       "senders of a group. Default: under the user's data home.")  # fmt: skip
    @click.option("--adopt-journal", "adopts", is_flag=True,
                  help="Go on with another journal than the one that worked before: what that "
                       "one had under way may be sent twice.")  # fmt: skip
    @click.option("--local", "is_local", is_flag=True, hidden=not has_embedded,
                  help="Start the embedded Kafka if need be.")  # fmt: skip
    @version_option("winback-sender")
    @click.pass_context
    def sender(
        ctx: click.Context,
        *,
        routes: tuple[str, ...],
        clock: str | None,
        state: str | None,
        adopts: bool,
        is_local: bool,
    ) -> None:
        """Send the touches of the topic win-back, and report what became of them.

        A touch is never sent twice: its intent is in the journal before it leaves. One that was
        interrupted is unknown until the provider says more. Ctrl-C or SIGTERM ends it after the
        touches under way.

        \b
        winback sender --channel console
        winback sender --channel sms=aliyun --channel call=call_list
        """  # noqa: D301  # \b is click's sign for lines as they are
        ctx.obj = find_kafka
        if ctx.invoked_subcommand is not None:
            return
        if not routes:
            raise click.UsageError("Missing option '--channel', as in --channel sms=aliyun.", ctx)
        from winback_sender.commands.reference import run  # noqa: PLC0415 (quick --help)

        environ = dict(os.environ)
        if clock:
            environ["WINBACK_CLOCK"] = clock
        if state:
            environ["WINBACK_SENDER_STATE"] = state
        run(routes, environ, lambda set_: find_kafka(set_, is_local), adopts=adopts)

    return sender


def main() -> NoReturn:
    """Run ``winback-sender``."""
    run_to_exit(group_of(_as_set, has_embedded=False), "winback-sender")


def _as_set(settings: "Settings", _may_start: bool) -> "Cluster":  # noqa: FBT001 (as FindKafka)
    from winback_sender.kafka_security import cluster_of  # noqa: PLC0415 (quick --help)

    return cluster_of(settings)
