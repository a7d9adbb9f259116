"""The report as a screenful of text."""

from streams.pages.wording import Language, Text
from streams.reporting import numbers, words
from streams.reporting.advice import Action
from streams.reporting.figures import Figures
from streams.reporting.limits import cautions

ADVICE_MAX = 12


def shown(found: Figures, language: Language) -> str:
    """Return the report in short: sentences, then what to stop, increase and keep."""
    lines = [numbers.days(found.first_day, found.last_day, language)]
    lines += [f"  {caution}" for caution in cautions(found, language)]
    lines += words.in_short(found, language)
    known = [one for one in found.advice if one.action is not Action.WAIT]
    for one in known[:ADVICE_MAX]:
        lines.append(f"  {words.ACTIONS[one.action].say(language)}  {words.named(one, language)}")
        lines.append(f"    {words.advice_said(one, found.money, language)}")
    waiting = len(found.advice) - len(known)
    if waiting:
        lines.append(
            Text("  wait  {n} are not decided", "  等待  {n} 项尚无定论").say(language, n=waiting)
        )
    if broken := sum(found.source.broken.values()):
        said = Text("{n} messages could not be understood, the first: {first}",
                    "{n} 条消息无法识别，第一条：{first}")  # fmt: skip
        lines.append(said.say(language, n=numbers.count(broken),
                              first=found.source.first_broken[0]))  # fmt: skip
    return "\n".join(lines).replace(numbers.NBSP, " ")
