"""What the doctor tells without Kafka and providers: playbooks, and settings of senders."""

from collections.abc import Iterator, Mapping

from streams.core.playbooks_file import known_of
from streams.core.rules import Rules
from streams.core.template_lint import findings
from streams.errors import UserError
from streams.rule_files import readings_of, watched
from winback_sender.adapters.roster import ROSTER
from winback_sender.own_settings import load_own
from winback_sender.routes import prefix_of, settings_of
from winback_sender.settings import load_sender_settings


def playbook_faults(path: str, rules: Rules) -> Iterator[tuple[str, str]]:
    """Yield what providers have against the playbooks of rules: where, and what."""
    _, *books = watched(path) or (None,)
    for reading in readings_of(books, known_of(rules)):
        for finding in findings(reading):
            if finding.level == "error":
                place = f"{finding.file}:{finding.line}"
                yield place, f"{finding.provider} refuses {finding.template}: {finding.what}"


def sender_faults(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with settings of senders that are there: which provider, and what.

    Nothing is asked of a provider: what is missing, misspelt or cannot be is found, and a secret
    that is merely wrong is not.
    """
    try:
        load_sender_settings(environ)
    except UserError as error:
        yield "settings", error.message
    for name in ROSTER:
        own = {key: text for key, text in environ.items() if key.startswith(prefix_of(name))}
        kind = settings_of(name) if own else None
        if kind is None:
            continue
        try:
            load_own(kind, own, prefix_of(name))
        except UserError as error:
            yield name, error.message
