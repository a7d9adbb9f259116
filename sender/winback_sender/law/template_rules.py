"""What the law has against a template: its text, its kind, and the values of its variables.

A text is written once, with variables as ``${name}`` and without an opt-out; `submission` gives the
form in which a provider gets it. Whoever breaks a rule that could not be confirmed is warned, not
refused.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, NamedTuple

import msgspec

from winback_sender.law.rules import CARRIES, OURS, Law, Rule
from winback_sender.law.shipped import SHIPPED

VARIABLE: Final = re.compile(r"\$\{([^{}]*)\}")
_LINK: Final = re.compile(r"https?://\S*|www\.\S*", re.IGNORECASE)
_TOUCHING: Final = re.compile(r"\$\{[^{}]*\}\$\{")
_EMOJI: Final = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\ufe0f\u200d\u20e3]")
_DIGITS: Final = "0123456789"


class Template(msgspec.Struct, frozen=True):
    """The text of a message as it was written.

    Attributes:
        text: With variables as ``${name}``.
        kind: ``notice``, or ``promotion``: it advertises, so it carries an opt-out.
    """

    text: str
    kind: str = "notice"

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables, in order, each once."""
        return tuple(dict.fromkeys(VARIABLE.findall(self.text)))


class Objection(NamedTuple):
    """What the law has against something.

    Attributes:
        level: ``error``, or ``warning``: the rule could not be confirmed.
        what: The objection.
        rule: Which rule says so.
        hint: What to do about it.
    """

    level: Literal["error", "warning"]
    what: str
    rule: Rule
    hint: str = ""


def opt_outs(law: Law = SHIPPED) -> tuple[str, ...]:
    """Return the wordings of all providers, the longest first: none is to be written in a text."""
    texts = {text for name in CARRIES for text in law.value(name, "opt_out", ())}
    return tuple(sorted(texts | {"退订回T", "退订回TD"}, key=lambda text: (-len(text), text)))


def submission(template: Template, provider: str, law: Law = SHIPPED) -> str:
    """Return the text as it is handed in: a promotion ends with the provider's opt-out."""
    endings = law.value(provider, "opt_out", ())
    if template.kind != "promotion" or not endings:
        return template.text
    return f"{template.text.rstrip('。. ')}，{endings[0]}"


def objections(
    template: Template,
    provider: str,
    values: Mapping[str, str] | None = None,
    law: Law = SHIPPED,
) -> list[Objection]:
    """Return what the law of a provider has against a template and the values of its variables.

    Args:
        template: The text.
        provider: Who carries it.
        values: Variable to what the playbooks put there.
        law: The rules in force.
    """
    court = _Court(provider, law)
    said = [*court.of_kind(template), *court.of_words(template), *court.of_variables(template)]
    return [*said, *value_objections(provider, values or {}, law)]


def value_objections(
    provider: str, values: Mapping[str, str], law: Law = SHIPPED
) -> Iterator[Objection]:
    """Yield what the law of a provider has against values of variables.

    Args:
        provider: Who carries them.
        values: The provider's name of a variable to its value.
        law: The rules in force.
    """
    court = _Court(provider, law)
    for name, value in values.items():
        yield from court.of_value(name, value)


def tag_objections(provider: str, tags: Iterable[str], law: Law = SHIPPED) -> Iterator[Objection]:
    """Yield the categories to which an offer or a purpose of a playbook belongs by its name."""
    rule = law.rule(provider, "forbidden_categories")
    named = {tag.lower() for tag in tags if tag}
    for category in () if rule is None else rule.value:
        for tag in sorted(named.intersection(category.tags)):
            what = f"{tag!r} says that it is of the category {category.name}, which is not carried"
            assert rule is not None
            yield _objection(rule, what, "carry it on another channel, or offer something else")


def _objection(rule: Rule, what: str, hint: str = "") -> Objection:
    if rule.verified:
        return Objection("error", what, rule, hint)
    return Objection("warning", f"{what} (unverified)", rule, hint)


class _Court:
    """The rules of one provider, and those that hold whoever carries a message."""

    def __init__(self, provider: str, law: Law) -> None:
        self._provider, self._law = provider, law

    def _rules(self, kind: str) -> Iterator[Rule]:
        """Yield the rules of a kind, our own first."""
        for of in (OURS, self._provider):
            rule = self._law.rule(of, kind)
            if rule is not None:
                yield rule

    def of_kind(self, template: Template) -> Iterator[Objection]:
        """Yield what is wrong with what the template says it is."""
        for rule in self._rules("kinds"):
            if template.kind not in rule.value:
                yield _objection(rule, f"carries no {template.kind}", "send it on another channel")
        if template.kind == "promotion":
            yield from self._of_promotion(template)
        else:
            for rule in self._rules("advertising"):
                for word in rule.value:
                    if word in template.text:
                        what = f"a notice may not advertise: {word!r}"
                        yield _objection(rule, what, "make it kind: promotion, or leave it out")
        for text in opt_outs(self._law):
            if text in template.text:
                rule = next(self._rules("opt_out"), self._law.rules["winback.advertising"])
                what = f"the opt-out {text!r} is added by kind: promotion"
                yield Objection("error", what, rule, "leave it out")
                break

    def _of_promotion(self, template: Template) -> Iterator[Objection]:
        for rule in self._rules("salutation"):
            if rule.value and rule.value not in template.text:
                what = f"promotions go to members only: address them as {rule.value!r}"
                yield _objection(rule, what)
        for rule in self._rules("promotion_variables"):
            if not rule.value and template.variables:
                what = "a promotion may have no variables"
                yield _objection(rule, what, "write it without, or make it a notice")

    def of_words(self, template: Template) -> Iterator[Objection]:
        """Yield words and signs that the text may not have, and whether it is too long."""
        for rule in self._rules("forbidden_categories"):
            for category in rule.value:
                for word in category.words:
                    if word in template.text:
                        what = f"the word {word!r} is forbidden: category {category.name}"
                        yield _objection(rule, what, "say it in words of care and service")
        for rule in self._rules("forbidden_words"):
            for word in rule.value:
                if word in template.text:
                    yield _objection(rule, f"the word {word!r} is forbidden")
        bare = VARIABLE.sub("", template.text)
        yield from self._of_signs(bare, "")
        for rule in self._rules("text_max"):
            whole = len(submission(template, self._provider, self._law))
            if whole > rule.value:
                yield _objection(rule, f"{whole} characters, at most {rule.value}", "shorten it")

    def _of_signs(self, text: str, where: str) -> Iterator[Objection]:
        for rule in self._rules("forbidden_signs"):
            for sign in dict.fromkeys(rule.value):
                if sign in text:
                    yield _objection(rule, f"{where}the sign {sign!r} is forbidden")
        found = _EMOJI.search(text)
        for rule in self._rules("plain_text") if found else ():
            if rule.value and found is not None:
                yield _objection(rule, f"{where}no emoji or symbols: {found[0]!r}")

    def of_variables(self, template: Template) -> Iterator[Objection]:
        """Yield what is wrong with the places of the variables."""
        if template.variables and not VARIABLE.sub("", template.text).strip():
            for rule in self._rules("variables_apart"):
                yield _objection(rule, "a text of variables alone is no template")
        for rule in self._rules("variables_apart"):
            if rule.value and _TOUCHING.search(template.text):
                what = "two variables may not touch"
                yield _objection(rule, what, "put a word between them")
        for rule in self._rules("constant_links"):
            if rule.value and any("${" in link for link in _LINK.findall(template.text)):
                what = "a link must be constant: no variable in it"
                yield _objection(rule, what, "write the whole address in the text")
        for rule in self._rules("variables_max"):
            if len(template.variables) > rule.value:
                what = f"{len(template.variables)} variables, at most {rule.value}"
                yield _objection(rule, what)

    def of_value(self, name: str, value: str) -> Iterator[Objection]:
        """Yield what is wrong with what a variable gets."""
        for rule in self._rules("constant_links"):
            if rule.value and _LINK.search(value):
                yield _objection(rule, f"variable {name!r} may not carry a link")
        for rule in self._rules("value_max"):
            if len(value) > rule.value:
                yield _too_long(rule, name, value, rule.value)
        for rule in self._rules("value_max_by_type"):
            most = rule.value.get(name.rstrip(_DIGITS), len(value))
            if len(value) > most:
                yield _too_long(rule, name, value, most)
        for rule in self._rules("value_signs"):
            for sign in dict.fromkeys(rule.value):
                if sign in value:
                    yield _objection(rule, f"variable {name!r} may not have {sign!r}")
        yield from self._of_signs(value, f"variable {name!r}: ")


def _too_long(rule: Rule, name: str, value: str, most: int) -> Objection:
    what = f"variable {name!r}: {len(value)} characters, at most {most}"
    return _objection(rule, what, "shorten the value, or the default of its trait")
