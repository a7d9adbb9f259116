"""The rules file that ``winback define`` writes: what differs from the default, and why."""

from textwrap import wrap
from typing import Final

import yaml

from streams.core.meanings import Meaning
from streams.core.rules_file import parse_rules
from streams.core.rules_schema import DEFAULT_EVENTS, MoneyFile
from streams.errors import UserError
from streams.replay.define import Definition, Proposal
from streams.replay.define_cautions import cautions
from streams.replay.define_words import costs, headline, percent, plain, reasons
from streams.replay.instants import short_iso

WIDTH: Final = 104
PATH_MAX: Final = 200
DEFAULT_CURRENCY: Final = MoneyFile().currency


def rules_text(found: Definition, path: str) -> str:
    """Return the rules file of a definition; the service accepts it as it is.

    Args:
        found: The definition, with a proposal.
        path: Of the log.

    Raises:
        RulesRefused: Never, unless the proposal is at odds with what rules allow.
    """
    wanted = found.proposal
    assert wanted is not None
    lines = [
        *_comment(f"Proposed by `winback define {plain(path, PATH_MAX)}`: {headline(found)}."),
        *_comment("What is not said here is as in deploy/rules/default.yaml, which explains it."),
        *(["", *_listed("Mind:", said)] if (said := cautions(found)) else []),
        "",
        "version: 1",
        "",
        *_churn(found, wanted),
        *_kinds(wanted),
        *_events(found),
        *_coverage(found),
        *_money(found),
    ]
    text = "\n".join(lines) + "\n"
    parse_rules(text, "the proposed rules")
    return text


def added_text(found: Definition, path: str, text: str, name: str) -> str:
    """Return a rules file with what leaving means at its end; what it says itself stays.

    Args:
        found: The definition, with a proposal.
        path: Of the log.
        text: The rules file, which does not say it yet.
        name: Of that file, for messages.

    Raises:
        UserError: It says it already, or is no rules file.
    """
    try:
        said = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise UserError(f"{name} is no YAML: {error}", "mend it, or write another: --out") from None
    if not isinstance(said, dict) or "churn" in said:
        what = "says already what leaving means" if isinstance(said, dict) else "are no rules"
        raise UserError(f"{name} {what}", "take `churn` out of it, or write another file: --out")
    wanted = found.proposal
    assert wanted is not None
    sections = {
        "churn": _churn(found, wanted), "kinds": _kinds(wanted), "events": _events(found),
        "coverage": _coverage(found), "money": _money(found),
    }  # fmt: skip
    lines = _comment(f"Proposed by `winback define {plain(path, PATH_MAX)}`: {headline(found)}.")
    lines += [line for key, section in sections.items() if key not in said for line in section]
    return f"{text.rstrip()}\n\n" + "\n".join(lines) + "\n"


def _churn(found: Definition, wanted: Proposal) -> list[str]:
    body = [
        *_listed("A user who is silent for this long has left. [state]", reasons(found)[:2]),
        *_listed("Another horizon:", costs(found)),
        f"horizon: {wanted.horizon_days:.10g}d",
        *_comment("Users with fewer active days are never judged, nor contacted. This leaves:"),
        *(
            f"#   {row.min_active_days:>2}: {row.users:,} users ({percent(row.share_of_users)}), "
            f"{percent(row.share_of_events)} of all events"
            for row in found.covers
        ),
        f"min_active_days: {wanted.min_active_days}",
        *_comment("Every event counts whose name does not mean something else below. [state]"),
        "activity: all",
    ]  # fmt: skip
    return ["churn:", *(f"  {line}" for line in body)]


def _kinds(wanted: Proposal) -> list[str]:
    if not wanted.kinds:
        return []
    said = "Told apart by the model: the two most frequent activities, and those that bode ill."
    return ["", *_comment(f"{said} [state]"), f"kinds: {_inline(list(wanted.kinds))}"]


def _events(found: Definition) -> list[str]:
    named: dict[Meaning, list[str]] = {}
    for name in found.names:
        if name.meaning is not Meaning.ACTIVITY:
            named.setdefault(name.meaning, []).append(name.name)
    why = {name.name: name for name in found.names}
    lines = []
    for meaning, names in named.items():
        if set(names) <= set(DEFAULT_EVENTS.get(meaning, [])):
            continue
        lines += [
            line
            for name in names
            for line in _comment(
                f"{plain(name)}: {why[name].events:,} events of {why[name].users:,} users; "
                f"{why[name].why}"
            )
        ]
        lines.append(f"{meaning}: {_inline(names)}")
    if not lines:
        return []
    title = _comment(
        "What event names mean; a meaning said here replaces its default names. [state]"
    )
    return ["", *title, "events:", *(f"  {line}" for line in lines)]


def _coverage(found: Definition) -> list[str]:
    if not found.outages:
        return []
    spans = [
        f"    - {{from: {short_iso(outage.begin_ms)[:10]}, to: {short_iso(outage.end_ms)[:10]}}}"
        for outage in found.outages
    ]
    title = "Nobody did anything then: no time at all. Take out what was silence after all."
    return ["", *_comment(title), "coverage:", "  outages:", *spans]


def _money(found: Definition) -> list[str]:
    if not found.currencies:
        return []
    most = max(found.currencies, key=lambda currency: found.currencies[currency])
    if most == DEFAULT_CURRENCY:
        return []
    return ["", *_comment("As the log names it."), "money:", f"  currency: {_inline(most)}"]


def _listed(title: str, said: list[str]) -> list[str]:
    if not said:
        return []
    lines = [f"# {title}"]
    for sentence in said:
        first, *rest = wrap(sentence, WIDTH - 4, break_long_words=False)
        lines += [f"# - {first}", *(f"#   {line}" for line in rest)]
    return lines


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in wrap(text, WIDTH - 2, break_long_words=False)]


def _inline(value: str | list[str]) -> str:
    """Return a value on one line of YAML, whatever stands in it."""
    # Unescaped, line ends beyond ASCII would be folded to spaces.
    is_plain = all(text.isprintable() for text in ([value] if isinstance(value, str) else value))
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=is_plain, width=2**20)
    return text.removesuffix("\n").removesuffix("\n...")
