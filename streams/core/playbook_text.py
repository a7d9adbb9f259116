"""A playbook for people to read: as text with its times, and as a diagram."""

from collections.abc import Iterator, Mapping
from typing import Final

from streams.core.playbook import Playbook, PlaybookStep, Variant
from streams.core.playbooks_schema import TemplateFile
from streams.core.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, iso

_UNITS: Final = (("d", DAY_MS), ("h", HOUR_MS), ("m", MINUTE_MS), ("s", SECOND_MS))

Templates = Mapping[str, TemplateFile]


def span_text(span_ms: int) -> str:
    """Return a span as it is written in rules: the largest unit in which it is whole."""
    unit, ms = next(((unit, ms) for unit, ms in _UNITS if span_ms % ms == 0), ("s", SECOND_MS))
    return f"{span_ms / ms:g}{unit}" if span_ms else "0s"


def timed(variant: Variant) -> Iterator[tuple[int, PlaybookStep]]:
    """Yield the steps of a variant, each with its time after the alert, ms, if none is put off."""
    passed_ms = 0
    for step in variant.steps:
        passed_ms += step.wait_ms
        yield passed_ms, step


def as_text(book: Playbook, templates: Templates) -> str:
    """Return a playbook as lines: for whom, the touches with their times, how it ends."""
    lines = [f"{book.name}  (version {book.version})", f"  for      {_whom(book)}"]
    lines.append(f"  purpose  {book.purpose}")
    for variant in book.variants:
        if len(book.variants) > 1:
            lines.append(f"  variant {variant.name}, {variant.share:.0%}")
        lines += _touches(book, variant, templates)
    exits = ", ".join(book.exits) or "nothing that the user does"
    lines.append(f"  ends     at once by: {exits}; after {span_text(book.expires_ms)} in any case")
    if book.ab_to_ms:
        span = f"{iso(book.ab_from_ms)} to {iso(book.ab_to_ms)}"
        lines.append(f"  compare  all variants with equal odds, {span}")
    return "\n".join(lines)


def _whom(book: Playbook) -> str:
    match = book.match
    parts: dict[str, tuple[str, ...]] = {
        "triggers": match.triggers or ("risk", "silence"),
        "tiers": match.tiers,
        "stages": match.stages,
        "reasons": match.reasons,
        "sources": match.sources,
        "quadrants": match.quadrants,
    }
    said = [f"{name} {'/'.join(words)}" for name, words in parts.items() if words]
    if book.release < 1.0:
        said.append(f"{book.release:.0%} of the users (grey release)")
    if book.choice == "bandit":
        said.append("variants by what worked")
    return ", ".join(said)


def _touches(book: Playbook, variant: Variant, templates: Templates) -> Iterator[str]:
    last_ms = 0
    for number, (at_ms, step) in enumerate(timed(variant), 1):
        last_ms = at_ms
        notes = [f"may be sent for {span_text(step.expires_ms)}"]
        notes += ["only if the step before could not be sent"] if step.is_instead else []
        notes += ["skipped when there is no place"] if step.on_full == "skip" else []
        notes += [f"offer {_pairs(step.offer)}"] if step.offer else []
        head = f"    +{span_text(at_ms):<5} {number}. {step.channel:<7} {step.template_key}"
        yield f"{head}  ({'; '.join(notes)})"
        if step.template_key in templates:
            template = templates[step.template_key]
            yield f"            {template.kind}: {template.text}"
        if step.params:
            yield f"            with {_pairs(step.params)}"
    yield f"    +{span_text(last_ms + book.close_after_ms):<5} closed as exhausted"


def _pairs(pairs: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {text}" for name, text in pairs.items())


def as_mermaid(book: Playbook) -> str:
    """Return a playbook as a Mermaid flow chart."""
    lines = ["flowchart TD", f'  alert(["{_safe(_whom(book))}"])']
    for number, variant in enumerate(book.variants):
        before, label = "alert", ""
        if len(book.variants) > 1:
            label = f"{_safe(variant.name)} {variant.share:.0%}"
        for place, step in enumerate(variant.steps):
            node = f"v{number}s{place}"
            said = f"{_safe(step.channel)}<br/>{_safe(step.template_key)}"
            lines.append(f'  {node}["{said}"]')
            wait = f"wait {span_text(step.wait_ms)}" if step.wait_ms else ""
            wait = "not sent" if step.is_instead else wait
            edge = ", ".join(part for part in (label, wait) if part)
            lines.append(f'  {before} -- "{edge}" --> {node}' if edge else f"  {before} --> {node}")
            before, label = node, ""
        lines.append(f'  {before} -- "wait {span_text(book.close_after_ms)}" --> end{number}')
        lines.append(f'  end{number}(["closed"])')
    exits = _safe(", ".join(book.exits))
    lines.append(f'  out>"at once: {exits}, opt-out, erasure, stop"]')
    return "\n".join(lines)


def _safe(text: str) -> str:
    """Return a text without the signs that end a label."""
    return text.replace('"', "#quot;").replace("<", "&lt;").replace(">", "&gt;")
