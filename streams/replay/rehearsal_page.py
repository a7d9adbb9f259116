"""A rehearsal of playbooks as lines of text."""

from collections.abc import Iterator, Sequence

from streams.replay.rehearsal import NOBODY, Rehearsed
from streams.replay.run import Replayed


def page(replayed: Replayed, counts: Sequence[Rehearsed]) -> str:
    """Return what playbooks would have done, playbook by playbook."""
    span = f"{replayed.first_event_at} to {replayed.last_event_at}"
    lines = [
        f"{replayed.events:,} events of {replayed.users:,} users, {span}",
        f"{replayed.touches:,} touches, {replayed.revocations:,} of them revoked in time",
    ]
    for count in counts:
        lines += ["", *_lines(count)]
    return "\n".join(lines)


def _lines(count: Rehearsed) -> Iterator[str]:
    if count.playbook == NOBODY or not count.users:
        users = f"{count.users:,} users" if count.users else "nobody"
        yield f"{count.playbook}: {users}"
        return
    yield f"{count.playbook}: {count.users:,} users, {count.cases:,} cases"
    yield f"  touches   {count.touches:,}, and {count.withheld:,} withheld by the holdout"
    if count.touches:
        mean, days = count.touches / len(count.days), len(count.days)
        yield f"  a day     {mean:.1f} on {days:,} days, at most {count.peak:,} on {count.peak_day}"
    width = max((len(step.variant) for step in count.steps), default=0)
    for step in count.steps:
        where = f"{step.variant:<{width}} {step.step}"
        yield f"  {where}  {step.touches:>7,}  {step.channel:<8} {step.template_key}"
    for title, reasons in (("refused", count.refused), ("put off", count.put_off)):
        if reasons:
            said = ", ".join(f"{reason} {times:,}" for reason, times in reasons.items())
            yield f"  {title}   {said}"
    yield f"  returned  {count.returned:,} cases"
