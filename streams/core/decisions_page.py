"""The page about decisions, written from the catalogues."""

from streams.core.channels import CATALOGUE
from streams.core.feedback import Heard
from streams.core.rulings import DEFERS, WITHHOLDS, WORDS, Ruling
from winback_sender.contract.words import OUTCOMES, STRENGTH

INTRO = """# Decisions

Generated from `streams/core` by `make docs`.

Every decision about a user is on the topic `win-back-decisions`, also the one to do nothing.
`verdict` says what was done, `reason` which rule spoke. The rules are asked in the order of this
table, at the moment at which the touch would leave, and the first that speaks wins: law and
order, sense, measure, the clock, the experiment. An answer to a complaint, a refund or a
cancellation does not ask for risk or effect; the rest holds for it as well.

| reason | verdict | in words | 中文 |
|---|---|---|---|"""

CLOCK = """
`withhold` means that the touch passed every rule and would have left: it takes its place in the
caps, so that both arms of the experiment are treated alike. A touch that waits is decided anew
when its time comes. Where a clock change skips the end of the quiet hours or shows it twice, the
later instant counts.

## Channels

What is usual; `channels` in the rules says otherwise, and adds others.

| channel | class | cost, yuan | allowed | asks for |
|---|---|---|---|---|"""

FEEDBACK = """
A frequency cap counts over a rolling window, `(now - per, now]`: exactly one window after a touch
there is room again. A touch that failed gives no place back. Hard failures in a row, and one
wrong number, end a channel for a user, until the company reports consent or reach anew; a
delivery resets them.

## Feedback

Words come late, twice and out of order. Each has a strength; only a stronger one changes
anything. Weakest first:
"""

COUNTED = """
`opted_out` always counts, also when the case is long closed. A touch that failed was never sent
as far as learning is concerned. `unknown` stays until the sender says more. `replied`, `handled`
and `clicked` end a journey if its playbook says so; `handled` does not when nobody answered.

A touch of which no sender has said a word is given up `contact.unheard_after` (1 day) after its
expiry: it is `unaccepted`, on this topic as `touch.unaccepted`, and counts as never sent; the
first word of a sender, however late, is believed. It gives no place in a cap or budget back. See
[guarantees](guarantees.md).

| status | outcome | meaning |
|---|---|---|"""

HEARD = {
    Heard.NO_TOUCH: "the touch is of no open case, and no word on it is missing",
    Heard.REPEATED: "the same word again",
    Heard.LATE: "more is known already",
    Heard.CONTRADICTED: "failed and arrived cannot both be true; the arrival is believed",
}


def page() -> str:
    """Return the page in Markdown."""
    lines = [INTRO]
    lines += [
        f"| `{ruling}` | {_verdict(ruling)} | {WORDS[ruling].en} | {WORDS[ruling].zh} |"
        for ruling in Ruling
    ]
    lines.append(CLOCK)
    for name, usual in CATALOGUE.items():
        hours = "always" if usual.hours is None else " to ".join(usual.hours)
        asks = (
            "a subscription token or an open window on record" if usual.is_recorded else "consent"
        )
        lines.append(f"| `{name}` | {usual.kind} | {usual.cost:g} | {hours} | {asks} |")
    lines += [FEEDBACK + ", ".join(f"`{word}`" for word in STRENGTH) + ".", COUNTED]
    lines += [
        f"| `{status}` | `{outcome}` | {meaning} |"
        for status, outcomes in OUTCOMES.items()
        for outcome, meaning in outcomes.items()
    ]
    lines += [
        "",
        "Any other outcome is kept for people to read. What changes nothing is counted:",
        "",
    ]
    lines += ["| counted as | meaning |", "|---|---|"]
    lines += [f"| `{heard}` | {meaning} |" for heard, meaning in HEARD.items()]
    return "\n".join([*lines, ""])


def _verdict(ruling: Ruling) -> str:
    if ruling in DEFERS:
        return "defer"
    if ruling in WITHHOLDS:
        return "withhold"
    return {Ruling.SEND: "send", Ruling.ERASED: "none"}.get(ruling, "refuse")
