"""The rules file of a proposal: every guess is marked as one, with its evidence."""

from collections import Counter
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any, Final

import yaml

from streams.core.sources import Encoding, Form, KeyedBy
from streams.replay.checkup_words import KEYED_SHARE, span_text
from streams.replay.define_words import plain
from streams.replay.findings import Found
from streams.replay.propose.proposal import Proposal

WIDTH: Final = 100
OTHERS_SHOWN: Final = 30
PATH_MAX: Final = 200


def proposal_text(
    proposals: Sequence[Proposal],
    label: str,
    found: Mapping[str, Found],
    *,
    partitions: int,
    own_partitions: int,
) -> str:
    """Return the rules file.

    Args:
        proposals: What was guessed, of each topic.
        label: Where the sample is from.
        found: Topic to what its sample comes to under the proposal, as far as that is known.
        partitions: Of the topic, 0 = a file was read.
        own_partitions: Of our own topics.
    """
    records = sum(proposal.records for proposal in proposals)
    lines = [
        *_comment(
            f"Proposed by `winback init {plain(label, PATH_MAX)}` from {records:,} "
            "records. Guesses are marked as such: check each of them."
        ),
        *_comment("How to go on: docs/inputs.md; what a mapping can say: docs/mapping.md."),
        "",
        "version: 1",
        "mode: observe        # decide and record, send nothing, until you say otherwise",
        "",
        *_money(proposals),
        "inputs:",
    ]
    for proposal in proposals:
        told = found.get(proposal.topic)
        source = _source(proposal, told, partitions, own_partitions)
        lines += [f"  {_inline(proposal.topic)}:", *_indented(4, source)]
    return "\n".join(lines) + "\n"


def _money(proposals: Sequence[Proposal]) -> list[str]:
    """Return which currency counts, and which need a rate."""
    codes = sum((proposal.events.currencies for proposal in proposals), Counter[str]())
    if not codes:
        return []
    most, *others = [code for code, _ in codes.most_common()]
    lines = _comment(f"guess: {codes[most]:,} of {codes.total():,} amounts are in {most}.")
    lines.append("money:")
    lines.append(f"  currency: {most}")
    if others:
        lines += _comment(
            "Amounts in other currencies are refused until they have a rate. Seen: "
            + ", ".join(f"{code} {codes[code]:,}" for code in others)
        )
        lines.append(f"  # rates: {{{', '.join(f'{code}: 1.0' for code in others)}}}")
    return [*lines, ""]


def _source(
    proposal: Proposal, found: Found | None, partitions: int, own_partitions: int
) -> list[str]:
    lines = [*_comment(f"guess: {proposal.why}."), f"format: {proposal.form.form}"]
    if proposal.encoding is not Encoding.JSON:
        lines.append(f"encoding: {proposal.encoding}")
    lines += _keyed_by(found, partitions, own_partitions)
    lines += _lateness(proposal, found)
    if proposal.form.form is Form.WINBACK:
        return lines
    for name, guess in proposal.places.items():
        lines += [*_comment(f"guess: {guess.why}."), f"{name}: {_inline(guess.said)}"]
    events = proposal.events
    if events.rules:
        lines.append("map:")
        for rule in events.rules:
            title, *whys = rule.why
            lines += _indented(2, _comment(f"guess: {title}"))
            lines += _indented(2, [line for why in whys for line in _comment(why, "#   ")])
            first, *rest = [f"{key}: {_inline(value)}" for key, value in rule.said.items()]
            lines += [f"  - {first}", *(f"    {line}" for line in rest)]
    return lines + _others(proposal)


def _keyed_by(found: Found | None, partitions: int, own_partitions: int) -> list[str]:
    """Return whether the topic can be read as it is."""
    if found is None or not found.keys.known:
        why = "the keys are not known from here, so it goes through the router, which always works"
        return [*_comment(f"guess: {why}."), f"keyed_by: {KeyedBy.ANYTHING}"]
    keys = found.keys
    said = f"{keys.equal:,} of {keys.known:,} keys are the user id"
    by_user = keys.equal >= KEYED_SHARE * keys.known
    if by_user and partitions:
        by_user = keys.placed >= KEYED_SHARE * keys.placeable
        said += f", {keys.placed:,} of them on the partition that a Java client takes"
        if by_user and partitions != own_partitions:
            by_user = False
            said += f"; but the topic has {partitions} partitions and ours {own_partitions}"
    elif by_user:
        by_user = False
        said += ", but a file does not tell partitions: keyed_by: user saves the router if they fit"
    return [
        *_comment(f"guess: {said}."),
        f"keyed_by: {KeyedBy.USER if by_user else KeyedBy.ANYTHING}",
    ]


def _lateness(proposal: Proposal, found: Found | None) -> list[str]:
    days = any(
        isinstance(said, dict) and said.get("unit") == "day"
        for said in (
            *(guess.said for guess in proposal.places.values()),
            *(rule.said.get("time") for rule in proposal.events.rules),
        )
    )
    if days:
        why = "the times are days, so an event comes up to a day late"
        return [*_comment(f"guess: {why}."), "lateness: 1d"]
    if found is None or not found.accepted or found.disorder.proposed_ms is None:
        return []
    late = found.disorder
    assert late.proposed_ms is not None
    if not late.quantiles["1"]:
        return []
    why = (
        f"in the sample 99.9 % come within {span_text(late.quantiles['0.999'])} of the newest "
        f"before them, the latest {span_text(late.quantiles['1'])}"
    )
    return [*_comment(f"guess: {why}."), f"lateness: {span_text(late.proposed_ms)}"]


def _others(proposal: Proposal) -> list[str]:
    events = proposal.events
    lines = []
    if events.binding:
        lines += _comment(
            "These may bind you, so they are never guessed. Without consent nobody is contacted; "
            "if it is one, this is the rule:"
        )
        lines += [f"  # - {_inline(said)}" for said in list(events.binding.values())[:OTHERS_SHOWN]]
    if events.others:
        shown = ", ".join(
            f"{plain(name)} ({count:,})" for name, count in events.others.most_common(OTHERS_SHOWN)
        )
        more = len(events.others) - OTHERS_SHOWN
        lines += _comment(f"No rule for: {shown}{f', and {more:,} more' if more > 0 else ''}.")
    kind = "ignored" if proposal.form.form in {Form.DEBEZIUM, Form.CANAL} else "activity"
    note = (
        "rows that no rule names mean nothing"
        if kind == "ignored"
        else "what no rule names shows that the user is still there, under its own name"
    )
    return [*lines, *_comment(f"{note}."), f"others: {kind}"]


def _comment(text: str, mark: str = "# ") -> list[str]:
    """Return the lines of a comment; nothing that a sample says ends one, as U+2028 would."""
    shown = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
    return [f"{mark}{line}" for line in wrap(shown, WIDTH - 8, break_long_words=False)]


def _indented(by: int, lines: list[str]) -> list[str]:
    return [f"{' ' * by}{line}" if line else "" for line in lines]


def _inline(value: Any) -> str:
    """Return a value on one line of YAML; what may break it is escaped."""
    text = _dumped(value, is_as_it_is=True)
    return text if text.isprintable() else _dumped(value, is_as_it_is=False)


def _dumped(value: Any, *, is_as_it_is: bool) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=is_as_it_is,
                          width=2**20, sort_keys=False)  # fmt: skip
    return text.removesuffix("\n").removesuffix("\n...")
