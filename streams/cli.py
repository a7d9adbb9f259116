"""The ``winback`` command: the only place where the rooms meet.

A command's module is imported when the command runs, so ``winback --help`` stays quick.
"""

from typing import Final, NoReturn

import click

from winback_sender.command_line import LazyGroup, run_to_exit, version_option

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "backtest": ("streams.commands.backtest:backtest", "Score a log's past honestly: shadow mode."),
    "bootstrap": ("streams.commands.bootstrap:bootstrap", "Give a new deployment a past."),
    "capacity": ("streams.commands.capacity:capacity", "Workers, brokers, dollars for a load."),
    "dead-letters": (
        "streams.commands.dead_letters:dead_letters",
        "Records put aside: list, replay.",
    ),
    "define": ("streams.commands.define:define", "Propose from history what leaving means."),
    "contracts": (
        "winback_sender.commands.contract_pages:contracts",
        "What senders can rely on: messages.",
    ),
    "console": ("streams.commands.console:console", "Live pages: who leaves, why, what helps."),
    "control": ("streams.commands.control:control", "Mode, kill switch, pauses of a running one."),
    "coverage": ("streams.commands.coverage:coverage", "Say when the source logged nothing."),
    "demo": ("streams.commands.demo:demo", "Show it all on real purchases, in two minutes."),
    "doctor": ("streams.commands.doctor:doctor", "Say what is wrong, where, and what to do."),
    "erase": ("streams.commands.erase:erase", "Forget people, wherever something is held."),
    "erased": ("streams.commands.erased:erased", "Prove that nothing is left of a person."),
    "explain": ("streams.commands.explain:explain", "Say why a user is (not) at risk."),
    "export": ("streams.commands.export:export", "Examples and predictions as Parquet."),
    "feed": ("streams.commands.feed:feed", "Publish an event log on the activity topic."),
    "init": ("streams.commands.init:init", "Propose rules for a topic from a sample of it."),
    "inputs": ("streams.commands.inputs:inputs", "Other people's topics: check, convert."),
    "kafka": ("streams.commands.kafka:kafka", "An embedded Apache Kafka for development."),
    "keys": ("streams.commands.keys:keys", "Make secrets; which are in use, by their ids."),
    "models": ("streams.commands.models:models", "How the models stand; which is in force."),
    "playbooks": ("streams.commands.playbooks:playbooks", "Check, show and try playbooks."),
    "replay": ("streams.commands.replay:replay", "Run the core over a file, without Kafka."),
    "report": ("streams.commands.report:report", "What recall did, earned, and should change."),
    "run": ("streams.commands.run:run", "Run the service: pipeline, learner or both."),
    "sender": ("streams.commands.sender:sender", "Run a reference sender of touches."),
    "settings": ("streams.commands.settings:settings", "Print the settings in force."),
    "simulate": ("streams.commands.simulate:simulate", "Run worlds with known truth."),
    "state": ("streams.commands.state:state", "Export the users' state."),
    "templates": ("streams.commands.templates:templates", "Hold texts against the channel law."),
    "topics": ("streams.commands.topics:topics", "Plan and apply the Kafka topics."),
}
"""Name of a command: where it lives, and its line in ``winback --help``."""


@click.group(
    cls=LazyGroup, catalogue=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@version_option("winback")
def winback() -> None:
    """Find out who is about to leave, and win them back.

    Operator settings come from WINBACK_* variables (winback settings prints them), business rules
    from a YAML file.
    """


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    run_to_exit(winback, "winback")
