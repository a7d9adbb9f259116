"""The law as a page for people, written from the rules."""

from collections.abc import Iterable, Sequence
from typing import Any

from winback_sender.law.kinds import KINDS, OPEN_KINDS, Cap, Category
from winback_sender.law.rules import CARRIES, COUNTRIES, OURS, Rule
from winback_sender.law.shipped import SHIPPED

INTRO = """# The channel law

Generated from `sender/winback_sender/law` by `make docs`.

What providers and countries ask of those who send, as data. `winback templates lint` holds
templates and playbooks against it, `winback playbooks check` the texts of playbooks, and the sender
kit asks it when a touch may go out. Each rule says where it is written, of which day that page is,
and when it was read. A page may be older than the provider's console: what stands there counts. A
rule that its source does not state just so is *unverified*: a text that breaks it is warned of, not
refused, and no value is refused when sending; hours are kept all the same.

A touch counts as marketing unless its playbook's `purpose` is one of `winback.service_purposes` and
its template is no promotion. Marketing goes out only in hours that provider and country both allow,
on the user's clock. Of a country that is not listed here the strictest of all hours hold; of a time
zone that there is not, besides, on the clock of `winback.zone`.

## Changing a rule

A YAML file, named by `WINBACK_SENDER_LAW` or `--law`, changes single rules; it is checked as
playbooks are. `winback templates law` shows what holds then, and who changed it why.

```yaml
version: 1
changes:
  - rule: tencent.value_max
    value: 12
    reason: the console of our account says 12 for our templates
    by: li.na
    since: 2026-05-01
  - rule: baidu.opt_out
    lifted: true
    reason: our contract has the carrier add it
    by: li.na
    since: 2026-05-01
```

A rule that is not there yet can be given the same way: `webhook.hours`, `email.text_max`.
"""


def page() -> str:
    """Return the page in Markdown."""
    lines = [INTRO, "## Kinds of rules", "", "| kind | what it says |", "|---|---|"]
    lines += [f"| `{name}` | {kind.what} |" for name, kind in KINDS.items()]
    lines += [f"| `{name}.…` | {kind.what} |" for name, kind in OPEN_KINDS.items()]
    lines += _section("Ours, whoever carries a message", OURS)
    for code, country in COUNTRIES.items():
        lines += _section(f"{country.name} (`{code}`)", code)
    for name, channel in CARRIES.items():
        lines += _section(f"`{name}`, {channel}", name)
    return "\n".join([*lines, ""])


def _section(title: str, of: str) -> list[str]:
    rules = SHIPPED.of([of])
    head = ["", f"## {title}", "", "| rule | says | sure | source | of | note |"]
    return [*head, "|---|---|---|---|---|---|", *map(_row, rules)]


def _row(rule: Rule) -> str:
    url = rule.source.url
    link = f"[{_short(url)}]({url})" if url.startswith("http") else url
    cells = (
        f"`{rule.kind}`", _cell(said(rule.value)), "yes" if rule.verified else "unverified", link,
        rule.source.published or "undated", _cell(rule.note),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _short(url: str) -> str:
    """Return the host of an address."""
    return url.split("/")[2]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def said(value: Any) -> str:
    """Return what a rule says in a line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {most}" for name, most in value.items())
    if isinstance(value, str | int):
        return str(value)
    return _listed(value)


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(_one(values))


def _one(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        match value:
            case Category(name, words):
                yield f"{name} ({'、'.join(words)})"
            case Cap(touches, per, of):
                yield f"{touches} in {per} to a number" + (
                    "" if of == "number" else f" of one {of}"
                )
            case _:
                yield str(value)
