"""What is said of a sender: a table for people, Markdown for docs, JSON for machines."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from winback_sender.conformance.driver import Outcome
from winback_sender.conformance.evidence import End
from winback_sender.conformance.judge import Finding, judge

EXAMPLES_MAX: Final = 3
LINES_MAX: Final = 12
NEAR_MS: Final = 1_500
"""What happened to processes so near to something of a touch may have to do with it."""


class Verdict(NamedTuple):
    """A run and what the judge says of it."""

    seed: int
    outcome: Outcome
    findings: tuple[Finding, ...]

    @property
    def is_clean(self) -> bool:
        """Whether there is no fault."""
        return not any(finding.faults for finding in self.findings)


class Sum(NamedTuple):
    """One line of the table: over all runs."""

    kind: str
    title: str
    faults: int
    of: int
    of_what: str


def verdict(seed: int, outcome: Outcome) -> Verdict:
    """Let the judge speak."""
    return Verdict(seed, outcome, judge(outcome.evidence))


def sums(verdicts: Sequence[Verdict]) -> list[Sum]:
    """Return the lines of the table."""
    return [
        Sum(same[0].kind, same[0].title, sum(len(each.faults) for each in same),
            sum(each.of for each in same), same[0].of_what)
        for same in zip(*(verdict.findings for verdict in verdicts), strict=True)
    ]  # fmt: skip


def facts(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return all figures; what a machine reads."""
    ends = [life.end for each in verdicts for life in each.outcome.evidence.lives]
    unclear = [call for each in verdicts for call in each.outcome.evidence.calls
               if not call.is_clear]  # fmt: skip
    return {
        "seeds": [each.seed for each in verdicts],
        "runs": len(verdicts),
        "clean_runs": sum(each.is_clean for each in verdicts),
        "seconds": round(sum(each.outcome.seconds for each in verdicts), 1),
        "touches": sum(len(each.outcome.evidence.touches) for each in verdicts),
        "calls": sum(len(each.outcome.evidence.calls) for each in verdicts),
        "feedback": sum(len(each.outcome.evidence.said) for each in verdicts),
        "unclear_calls": len(unclear),
        "processes": len(ends),
        "kills": ends.count(End.KILLED),
        "notes": sorted({note for each in verdicts for note in each.outcome.notes}),
        "findings": {line.kind: {"faults": line.faults, "of": line.of} for line in sums(verdicts)},
        "examples": [
            {"seed": each.seed, "kind": finding.kind, "subject": fault.subject, "text": fault.text,
             "time_line": time_line(each, fault.subject)}
            for each in verdicts
            for finding in each.findings
            for fault in finding.faults[:EXAMPLES_MAX]
        ],
    }  # fmt: skip


def time_line(verdict: Verdict, subject: str) -> list[str]:
    """Return what happened to a touch, in seconds since it was published."""
    seen = verdict.outcome.evidence
    touch = next((each for each in seen.touches if each.touch_id == subject), None)
    if touch is None:
        return []
    zero_ms = touch.published_ms
    lines = [(zero_ms, f"published: {touch.story}")]
    if touch.revoked_ms is not None:
        lines.append((touch.revoked_ms, "revoked"))
    if touch.not_before_ms > zero_ms:
        lines.append((touch.not_before_ms, "not_before"))
    if touch.expires_ms < seen.ended_ms:
        lines.append((touch.expires_ms, "expires_at"))
    lines += [
        (call.at_ms, f"called: {call.fate}, {'sent' if call.was_sent else 'not sent'}")
        for call in seen.calls
        if call.touch_id == subject
    ]
    lines += [
        (word.seen_ms, " ".join(filter(None, ("said:", word.status, word.outcome, word.reason))))
        for word in seen.said
        if word.touch_id == subject
    ]
    lines += [(told.at_ms, f"receipt taken: {'arrived' if told.arrived else 'did not arrive'}")
              for told in seen.receipts if told.touch_id == subject]  # fmt: skip
    own = tuple(lines)
    for life in seen.lives:
        for at_ms, text in ((life.start_ms, "starts"), (life.end_ms, life.end)):
            if any(abs((at_ms or 0) - own_ms) <= NEAR_MS for own_ms, _ in own):
                lines.append((at_ms or 0, f"process {life.name} {text}"))
    return [f"{(at_ms - zero_ms) / 1_000:+8.2f} s  {text}" for at_ms, text in sorted(lines)]


def dump(verdict: Verdict) -> bytes:
    """Return all that was seen, as JSON, for who wants to know exactly."""
    seen = verdict.outcome.evidence
    found = {
        field: [each._asdict() for each in getattr(seen, field)]
        for field in ("touches", "calls", "said", "receipts", "lives", "unreadable", "away")
    }
    return msgspec.json.encode({**found, "ended_ms": seen.ended_ms})


def show(console: Console, verdicts: Sequence[Verdict]) -> None:
    """Print the table, and the first faults of each kind with what had happened."""
    table = Table(title=None, pad_edge=False)
    table.add_column("fault")
    table.add_column("found", justify="right")
    table.add_column("of", justify="right")
    table.add_column("")
    for line in sums(verdicts):
        style = "bold red" if line.faults else "green"
        table.add_row(line.title, f"[{style}]{line.faults}[/]", f"{line.of:,}", line.of_what)
    console.print(table)
    for kind in dict.fromkeys(line.kind for line in sums(verdicts) if line.faults):
        _show_examples(console, verdicts, kind)


def _show_examples(console: Console, verdicts: Sequence[Verdict], kind: str) -> None:
    found = [(each, finding, fault) for each in verdicts for finding in each.findings
             if finding.kind == kind for fault in finding.faults]  # fmt: skip
    for verdict_, finding, fault in found[:EXAMPLES_MAX]:
        console.print(
            f"\n[red]{finding.title}[/]: {escape(fault.subject)}: {escape(fault.text)} "
            f"(seed {verdict_.seed})"
        )
        for subject in filter(None, (fault.subject, fault.other)):
            if fault.other:
                console.print(f"  {escape(subject)}:", highlight=False)
            for line in time_line(verdict_, subject)[:LINES_MAX]:
                console.print(f"  {escape(line)}", highlight=False)


def markdown(verdicts: Sequence[Verdict], command: str, about: str) -> str:
    """Return the table for a page of docs, with what made it."""
    found = facts(verdicts)
    seeds, killed = found["seeds"], f"{found['kills']:,} killed"
    size = f"{found['touches']:,} touches, {found['processes']:,} processes, {killed}"
    lines = [
        f"`{command}`",
        "",
        f"{about}; seeds {seeds[0]} to {seeds[-1]}, {size}.",
        "",
        "| fault | found | of | |",
        "|---|---:|---:|---|",
    ]
    for line in sums(verdicts):
        bold = "**" if line.faults else ""
        lines.append(f"| {line.title} | {bold}{line.faults}{bold} | {line.of:,} | {line.of_what} |")
    return "\n".join(lines) + "\n"
