"""What a check-up found, in words: for the terminal."""

from typing import Final

from msgspec.structs import replace

from streams.core.sources import KeyedBy, Source
from streams.core.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from streams.replay.checkup import Checked
from streams.replay.define_words import percent, plain
from streams.replay.findings import ACCEPTED, REJECTED, SKIPPED, Example, Found, Group
from streams.replay.instants import short_iso

TITLES: Final = {
    ACCEPTED: "understood", SKIPPED: "left out, on purpose", REJECTED: "REFUSED",
}  # fmt: skip
DETAIL_MAX: Final = 160
NAME_WIDTH: Final = 34
SHOWN_MAX: Final = 40
SHORT: Final = 4
"""Ids of so many characters and fewer are shown by their first alone."""
KEYED_SHARE: Final = 0.999


def shortened(text: str) -> str:
    """Return an id so that it can be recognised by those who know it, and by nobody else."""
    if len(text) <= SHORT:
        return f"{text[:1]}…" if text else ""
    return f"{plain(text[:2])}…{plain(text[-2:])}"


def hidden(found: Found) -> Found:
    """Return findings with the ids in them shortened."""

    def short(example: Example | None) -> Example | None:
        if example is None:
            return None
        ids = {name: shortened(getattr(example, name)) for name in ("user_id", "event_id")}
        return replace(example, **ids)

    return replace(
        found,
        groups=[replace(group, example=short(group.example)) for group in found.groups],
        duplicate=short(found.duplicate),
        keys=replace(found.keys, example=shortened(found.keys.example)),
    )


def span_text(ms: int) -> str:
    """Return a span as rules write it: ``10m``; with two digits where it is longer."""
    for unit, name in ((DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "m")):
        if ms >= unit:
            return f"{ms // unit if ms % unit == 0 else float(f'{ms / unit:.2g}'):g}{name}"
    return f"{ms / SECOND_MS:,.2g}s"


def said(checked: Checked, rules: str, *, show_ids: bool) -> list[str]:
    """Return the findings line by line.

    Args:
        checked: What was checked, and the findings.
        rules: Name of the rules file.
        show_ids: Whether ids of users are shown as they are.
    """
    source, found, partitions = checked
    where = f" ({rules}, line {source.line})" if source.line else ""
    lines = [f"{source.topic}: {source.form}, {source.encoding}, keyed by {source.keyed_by}{where}"]
    total = found.accepted + found.skipped + found.rejected
    lines.append(f"{_counted(found.records, 'record')} read, with {_counted(total, 'event')}")
    for outcome, title in TITLES.items():
        groups = [group for group in found.groups if group.outcome == outcome]
        count = sum(group.count for group in groups)
        if not count:
            continue
        lines += ["", f"{title}: {count:,} ({percent(count / total)})"]
        for group in groups[:SHOWN_MAX]:
            lines += _group(group, show_ids=show_ids)
        if len(groups) > SHOWN_MAX:
            lines.append(f"  … and {len(groups) - SHOWN_MAX:,} more kinds")
    if found.accepted:
        lines += ["", *_facts(found)]
    advice = _advice(source, found, partitions)
    if advice:
        lines += ["", "advice", *(f"  - {text}" for text in advice)]
    return lines


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _group(group: Group, *, show_ids: bool) -> list[str]:
    rule = f"line {group.line}" if group.line else "no rule"
    name = plain(group.event) or "(no event)"
    if group.outcome == ACCEPTED:
        is_named = group.name not in {"", group.meaning}
        what = group.meaning + (f" ({plain(group.name)})" if is_named else "")
        shown = _example(group.example, show_ids=show_ids) if group.example else ""
        return [f"  {group.count:>9,}  {name:<{NAME_WIDTH}} {what}, {rule}; {shown}"]
    lines = [f"  {group.count:>9,}  {name:<{NAME_WIDTH}} {group.reason}, {rule}"]
    if group.detail and group.outcome == REJECTED:
        place = group.example.place if group.example else ""
        lines.append(f"  {'':>9}  {place}: {plain(group.detail, DETAIL_MAX)}")
    return lines


def _example(example: Example, *, show_ids: bool) -> str:
    user = plain(example.user_id) if show_ids else shortened(example.user_id)
    amount = "" if example.amount is None else f", {example.amount}"
    currency = f" {example.currency}" if example.currency else ""
    return f"{user}{amount}{currency}, {short_iso(example.event_time_ms)}"


def _facts(found: Found) -> list[str]:
    links = f"; links: {found.links:,}, which give up {found.given_up:,} of them"
    links = links if found.links else ""
    lines = [
        f"users       {_counted(found.users, 'id')}{links}",
        f"time        {short_iso(found.first_ms)} to {short_iso(found.last_ms)}",
    ]
    late = found.disorder.quantiles
    if late["1"]:
        said = (f"{percent(float(share))} within {span_text(ms)}" for share, ms in late.items())
        lines.append(f"disorder    {', '.join(said)} behind the newest before them")
    else:
        lines.append("disorder    none: every event is as new as those before it")
    if found.currencies:
        said = (f"{plain(name)} {count:,}" for name, count in found.currencies.items())
        lines.append(f"currencies  {', '.join(said)}")
    if found.keys.known:
        lines.append(f"keys        {_keys(found)}")
    if found.duplicates:
        place = found.duplicate.place if found.duplicate else ""
        lines.append(
            f"duplicates  {found.duplicates:,} events of an id that was there already (the first: "
            f"{place}); they count once"
        )
    return lines


def _keys(found: Found) -> str:
    keys = found.keys
    text = f"{keys.equal:,} of {keys.known:,} are the user id"
    if keys.placeable:
        text += f"; {keys.placed:,} of these {keys.placeable:,} on the partition of murmur2"
    return text


def _advice(source: Source, found: Found, partitions: int) -> list[str]:
    """Return what to change."""
    advice = []
    keys, late = found.keys, found.disorder
    if keys.known:
        by_user = keys.equal >= KEYED_SHARE * keys.known
        by_user = by_user and keys.placed >= KEYED_SHARE * keys.placeable
        if source.keyed_by is KeyedBy.USER and not by_user:
            advice.append(
                "keyed_by: user is wrong here: a record whose key is no user id, or on another "
                "partition than Java clients choose, is refused; write keyed_by: anything, "
                "and the router brings it home"
            )
        if source.keyed_by is KeyedBy.ANYTHING and by_user and partitions:
            advice.append(
                f"keys are user ids in their place: if user-activity has {partitions} partitions "
                "too, keyed_by: user saves the way through the router"
            )
    if late.late:
        fit = "no bound up to a week holds" if late.proposed_ms is None else (
            f"lateness: {span_text(late.proposed_ms)} would hold 99.9 %"
        )  # fmt: skip
        advice.append(
            f"{late.late:,} events come later than lateness: {span_text(source.lateness_ms)} "
            f"allows; {fit}"
        )
    if not found.accepted and found.records:
        advice.append("nothing is understood: is the format right? winback init says what it sees")
    return advice
