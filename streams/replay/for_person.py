"""An explanation for the person whom it is about: what was concluded, what was done, and why."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from models.features import Rhythm
from streams.core.messages import Decision
from streams.core.reasons import LEAST_WEIGHT
from streams.core.rules import Rules
from streams.core.rulings import DEFERS, Ruling
from streams.core.state import Column, decode
from streams.core.step import BANDS
from streams.core.words_for_people import BECAUSE, CHANNELS, CONCLUDED, DECIDED, RIGHTS, USED
from streams.replay.explain import Explanation, Said
from winback_sender.terminal import printable

Languages = Literal["zh", "en", "both"]

REASONS_MAX: Final = 3
"""Reasons that are named: the strongest."""
CONTACTS_MAX: Final = 50
"""Decisions that are told: the latest."""


class Contact(msgspec.Struct, frozen=True):
    """A contact that was made, put off, or not made.

    Attributes:
        on: Day, as the decision says it, UTC.
        what: What was decided, and why.
        because: Why there was an occasion at all.
    """

    on: str
    what: Said
    because: list[Said]


class ForPerson(msgspec.Struct, frozen=True):
    """What is told to a person.

    Attributes:
        is_known: Whether anything is kept under the id.
        used: Kinds of data.
        concluded: What is thought now.
        because: Why.
        contacts: What was decided, latest first.
        rights: What the person may ask for.
        ask: Where.
    """

    is_known: bool
    used: list[Said]
    concluded: Said
    because: list[Said]
    contacts: list[Contact]
    rights: list[Said]
    ask: str = ""


def for_person(
    value: bytes | None,
    explanation: Explanation | None,
    decisions: Sequence[bytes],
    rules: Rules,
    *,
    days: int,
    ask: str = "",
) -> ForPerson:
    """Return what is told to a person.

    Args:
        value: The user's changelog value; None for an unknown user.
        explanation: The operators', of the same state.
        decisions: Those about the user, JSON, oldest first.
        rules: The business rules.
        days: How long an erasure takes at most.
        ask: Whom to ask, an address of the company.
    """
    made = [msgspec.json.decode(one, type=Decision) for one in decisions]
    band = _band(value, rules)
    because: list[Said] = []
    if explanation is not None and band in {"elevated", "high"}:
        codes = [why.code for why in explanation.reasons if why.weight >= LEAST_WEIGHT]
        because = _because(codes)
    is_known = value is not None or bool(made)
    rights = [Said(one.en.format(days=days), one.zh.format(days=days)) for one in RIGHTS]
    used = [Said(one.en, one.zh) for one in USED] if is_known else []
    said = CONCLUDED[band]
    contacts = [_contact(one) for one in _told(made)]
    return ForPerson(is_known, used, Said(said.en, said.zh), because, contacts[::-1], rights, ask)


def _band(value: bytes | None, rules: Rules) -> str:
    if value is None:
        return "unknown"
    state = decode(value)
    if state[Rhythm.ACTIVE_DAYS] < rules.churn.min_active_days:
        return "unknown"
    return BANDS[int(state[Column.BAND])]


def _told(made: Sequence[Decision]) -> list[Decision]:
    """Return the decisions that say something new: the last on a step, or the only one of a day."""
    kept: dict[tuple[str, int, str, str], Decision] = {}
    for one in made:
        day = one.decided_at[:10]
        kept[one.case_id, one.step, one.reason, "" if one.case_id else day] = one
    return [*kept.values()][-CONTACTS_MAX:]


def _contact(made: Decision) -> Contact:
    ruling = Ruling(made.reason)
    said, how = DECIDED[ruling], CHANNELS.get(made.channel)
    en, zh = said.en, said.zh
    if how is not None and (ruling is Ruling.SEND or ruling in DEFERS):
        en, zh = f"{en}, {how.en}", f"{zh}（{how.zh}）"
    return Contact(made.decided_at[:10], Said(en, zh), _because(made.reasons))


def _because(codes: Sequence[str]) -> list[Said]:
    texts = [BECAUSE[code] for code in codes if code in BECAUSE]
    return [Said(one.en, one.zh) for one in texts[:REASONS_MAX]]


def as_letter(told: ForPerson, language: Languages) -> str:
    """Return it as a text to print."""
    parts = {"zh": _chinese, "en": _english}
    names = ("zh", "en") if language == "both" else (language,)
    return "\n\n".join("\n".join(map(printable, parts[name](told))) for name in names)


def _english(told: ForPerson) -> list[str]:
    if not told.is_known:
        return ["We hold nothing about you under this id.", *_rights(told, "en")]
    lines = ["What we used", *(f"  - {one.en}" for one in told.used), ""]
    lines += ["What we concluded", f"  {told.concluded.en[0].upper()}{told.concluded.en[1:]}."]
    if told.because:
        lines += ["  Because", *(f"  - {one.en}" for one in told.because)]
    lines += ["", "What we decided"]
    for one in told.contacts:
        lines.append(f"  {one.on}  {one.what.en}")
        if one.because:
            lines.append(f"              It was considered because "
                         f"{'; '.join(why.en for why in one.because)}.")  # fmt: skip
    if not told.contacts:
        lines.append("  Nothing: there was no occasion to contact you.")
    return [*lines, "", *_rights(told, "en")]


def _chinese(told: ForPerson) -> list[str]:
    if not told.is_known:
        return ["我们没有保存与此编号相关的任何信息。", *_rights(told, "zh")]
    lines = ["我们使用了哪些信息", *(f"  - {one.zh}" for one in told.used), ""]
    lines += ["我们得出了什么判断", f"  {told.concluded.zh}。"]
    if told.because:
        lines += ["  原因", *(f"  - {one.zh}" for one in told.because)]
    lines += ["", "我们作出了哪些决定"]
    for one in told.contacts:
        lines.append(f"  {one.on}  {one.what.zh}")
        if one.because:
            lines.append(f"              考虑的原因：{'；'.join(why.zh for why in one.because)}。")
    if not told.contacts:
        lines.append("  没有：没有需要联系您的情况。")
    return [*lines, "", *_rights(told, "zh")]


def _rights(told: ForPerson, language: Literal["zh", "en"]) -> list[str]:
    head, ask = ("您的权利", "联系方式：") if language == "zh" else ("Your rights", "Ask: ")
    lines = [head]
    lines += [f"  - {one.zh if language == 'zh' else one.en}" for one in told.rights]
    return [*lines, f"  {ask}{told.ask}"] if told.ask else lines
