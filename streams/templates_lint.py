"""Templates and the playbooks that use them, held against the channel law: all findings at once."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from streams.core.channels import EXPIRES_LATEST_MS
from streams.core.playbooks_file import Reading, Use
from streams.core.template_lint import Finding, finding_of, findings, shown
from streams.core.time import span_ms
from winback_sender.adapters.roster import ROSTER
from winback_sender.law.rules import CARRIES, FREE, Law, Rule
from winback_sender.law.template_rules import (
    Objection,
    Template,
    objections,
    opt_outs,
    submission,
    value_objections,
)
from winback_sender.templating.templates import ProviderTemplate
from winback_sender.templating.templates_file import TemplatesReading, variables_of

PROVIDERS: Final = tuple(dict.fromkeys((*CARRIES, *ROSTER, *FREE)))
"""Whoever may be asked for by name."""


def carries(provider: str, channel: str) -> bool:
    """Return whether a provider carries a channel; one of whom nothing is known carries any."""
    if provider in CARRIES:
        return CARRIES[provider] == channel
    entry = ROSTER.get(provider)
    return entry is None or not entry.channels or channel in entry.channels


def all_findings(
    playbooks: Sequence[Reading],
    templates: TemplatesReading | None,
    law: Law,
    wanted: Sequence[str],
) -> list[Finding]:
    """Return what the law, or common sense, has against files that are used together.

    Args:
        playbooks: Files of playbooks.
        templates: The file of templates, if there is one.
        law: The rules in force.
        wanted: Only these providers; none: of the texts of playbooks all, of templates those named.
    """
    found: list[Finding] = []
    for reading in playbooks:
        found += findings(reading, law, wanted)
        found += _of_caps(reading, law, wanted)
        found += _too_late(reading)
    if templates is not None:
        found += _Bench(playbooks, templates, law, wanted).findings()
    order = {finding: (finding.file, finding.line, finding.column) for finding in found}
    return sorted(dict.fromkeys(found), key=lambda finding: order[finding])


class _Bench:
    """A file of templates, and the steps that use it."""

    def __init__(
        self,
        playbooks: Sequence[Reading],
        templates: TemplatesReading,
        law: Law,
        wanted: Sequence[str],
    ) -> None:
        self._templates, self._law = templates, law
        self._providers = tuple(wanted or templates.named)
        self._uses = [(reading, use) for reading in playbooks for use in reading.uses]
        self._texts = {
            key: Template(text.text, text.kind)
            for reading in playbooks
            for key, text in (reading.head.templates or {}).items()
        }

    def findings(self) -> Iterator[Finding]:
        for key, entries in self._templates.file.templates.items():
            for provider in self._providers:
                if provider in entries or self._is_used(provider, key):
                    yield from self._of_template(provider, key)
        for reading, use in self._uses:
            for provider in self._providers:
                if carries(provider, use.step.channel):
                    yield from self._of_use(provider, reading, use)

    def _is_used(self, provider: str, key: str) -> bool:
        return any(
            use.step.template_key == key and carries(provider, use.step.channel)
            for _, use in self._uses
        )

    def _of_template(self, provider: str, key: str) -> Iterator[Finding]:
        template = self._templates.entry(provider, key)
        if template is None:
            return
        file, entry = self._templates.document.name, self._templates.place(key, provider, "")
        needs = self._law.rule(provider, "needs")
        for field in () if needs is None else needs.value:
            if not getattr(template, field) and needs is not None:
                said = Objection("error", f"needs {field!r}", needs, f"add {field}: …")
                yield finding_of(said, provider, key, file, entry)
        if not template.text:
            return
        place = self._templates.place(key, provider, "text")
        text = self._text_of(template, provider, key)
        if isinstance(text, Objection):
            yield finding_of(text, provider, key, file, place)
            return
        for objection in objections(text, provider, None, self._law):
            yield finding_of(objection, provider, key, file, place)
        if key in self._texts and self._texts[key].text.strip() != text.text.strip():
            what = "the text is not that of the playbooks"
            hint = "make them the same, or say there what is sent"
            yield Finding(provider, key, "warning", what, file, *place, hint=hint)

    def _text_of(self, template: ProviderTemplate, provider: str, key: str) -> Template | Objection:
        """Return the text without its opt-out; an own text of a promotion has to have one.

        A text that all providers share, as those of playbooks, gets the opt-out by itself.
        """
        known = self._texts.get(key)
        kind = template.kind or (known.kind if known else "notice")
        own = self._templates.file.templates[key].get(provider)
        if own is None or not own.text:
            return Template(template.text, kind)
        rule = self._law.rule(provider, "opt_out")
        for ending in opt_outs(self._law):
            if template.text.endswith(ending) and rule is not None and ending in rule.value:
                return Template(template.text.removesuffix(ending).rstrip("，,。. "), kind)
        if kind == "promotion" and rule is not None:
            wanted = submission(Template(template.text, kind), provider, self._law)
            what = f"a promotion ends with {rule.value[0]!r}"
            return Objection("error" if rule.verified else "warning", what, rule, f"{wanted!r}")
        return Template(template.text, kind)

    def _of_use(self, provider: str, reading: Reading, use: Use) -> Iterator[Finding]:
        """Yield what is wrong with what a step gives a template."""
        key, document = use.step.template_key, reading.source.document
        template = self._templates.entry(provider, key)
        if template is None:
            place = document.place((*use.path, "template_key"))
            hint = f"add it to {self._templates.document.name}"
            what = f"no template stands for {key!r}"
            yield Finding(provider, key, "error", what, document.name, *place, hint=hint)
            return
        given, values = shown(use), dict[str, str]()
        for name, param in variables_of(template).items():
            if given.get(param, "").strip():
                values[name] = given[param]
            else:
                place = document.place((*use.path, "params"))
                what = f"the template needs the param {param!r}"
                hint = f"add {param}: … to params"
                yield Finding(provider, key, "error", what, document.name, *place, hint=hint)
        for objection in value_objections(provider, values, self._law):
            place = document.place((*use.path, "params"))
            yield finding_of(objection, provider, key, document.name, place)


def _too_late(reading: Reading) -> Iterator[Finding]:
    """Yield the steps whose touches may be sent for longer than the topic is sure to keep them."""
    document = reading.source.document
    for use in reading.uses:
        try:
            is_late = span_ms(use.step.expires) > EXPIRES_LATEST_MS
        except ValueError:  # the playbook is refused for it elsewhere
            continue
        if is_late:
            place = document.place((*use.path, "expires"))
            what = f"expires {use.step.expires}: the topic of touches keeps 7 days by default"
            hint = "let it expire within 5 days, or raise retention.ms; see docs/guarantees.md"
            key, channel = use.step.template_key, use.step.channel
            yield Finding(channel, key, "warning", what, document.name, *place, hint=hint)


def _of_caps(reading: Reading, law: Law, wanted: Sequence[str]) -> Iterator[Finding]:
    """Yield the steps of a journey that come closer than a provider lets them."""
    for provider in wanted or tuple(CARRIES):
        rule = law.rule(provider, "caps")
        if rule is not None:
            for journey in _journeys(reading.uses, provider):
                yield from _too_many(journey, rule, provider, reading)


def _journeys(uses: Iterable[Use], provider: str) -> Iterator[list[tuple[int, Use]]]:
    """Yield instant and step of every variant's touches on the provider's channel.

    What only stands in for a step before it is left out: one of the two is sent.
    """
    made: dict[tuple[str, str], tuple[int, list[tuple[int, Use]]]] = {}
    for use in uses:
        passed_ms, steps = made.get((use.playbook, use.variant), (0, []))
        try:
            at_ms = passed_ms + span_ms(use.step.wait)
        except ValueError:  # the playbook is refused for it elsewhere
            continue
        if carries(provider, use.step.channel) and not use.step.instead:
            steps.append((at_ms, use))
        made[use.playbook, use.variant] = (passed_ms if use.step.instead else at_ms, steps)
    for _, steps in made.values():
        yield steps


def _too_many(
    journey: list[tuple[int, Use]], rule: Rule, provider: str, reading: Reading
) -> Iterator[Finding]:
    document = reading.source.document
    for cap in rule.value:
        per_ms = span_ms(cap.per)
        for at_ms, use in journey:
            earlier = [
                one
                for when_ms, one in journey
                if at_ms - per_ms < when_ms <= at_ms
                and (cap.of == "number" or one.step.template_key == use.step.template_key)
            ]
            if len(earlier) > cap.touches:
                what = f"{len(earlier)} messages within {cap.per}, at most {cap.touches}"
                level = "error" if rule.verified else "warning"
                said = Objection(level, what, rule, "wait longer between the steps")  # type: ignore[arg-type]  # one of two words
                place = document.place(use.path)
                yield finding_of(said, provider, use.step.template_key, document.name, place)
