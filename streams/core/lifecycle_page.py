"""The page about the lifecycle, drawn from its table."""

from streams.core.lifecycle import TRANSITIONS, Sign, Stage

MEANINGS = {
    Stage.NEW: "fewer active days than the rules ask for before anything is said about a user",
    Stage.ACTIVE: "comes as usual",
    Stage.SLIPPING: "the risk is elevated; nothing is done yet",
    Stage.AT_RISK: "the risk is high; an alert was decided",
    Stage.LAPSED: "silent for the horizon H",
    Stage.WON_BACK: "came back after at risk, lapsed or gone; the holdout tells whether by us",
    Stage.GONE: "silent for 2H; no longer observed",
}


SIGNS = {
    Sign.ACTED: "an activity of a user with fewer active days than the rules ask for",
    Sign.SETTLED: "an activity of a user with enough of them",
    Sign.RISK_CALM: "P(this silence reaches H) fell below `alert.elevated`, or below `alert.exit`",
    Sign.RISK_ELEVATED: "it reached `alert.elevated`",
    Sign.RISK_HIGH: "it reached `alert.probability`, or the silence reached `alert.backstop`",
    Sign.SILENT_HORIZON: "no activity for H",
    Sign.SILENT_LIMIT: "no activity for 2H",
}


def _entries(stage: Stage) -> str:
    """Return from where and by what a stage is entered."""
    ways = [
        f"{source.label} by {_signs(source, stage)}"
        for source, row in TRANSITIONS.items()
        if stage in row.values() and source is not stage
    ]
    first = ["the first activity"] if stage is Stage.NEW else []
    return "; ".join(first + ways)


def _exits(stage: Stage) -> str:
    """Return whereto and by what a stage is left."""
    targets = dict.fromkeys(TRANSITIONS[stage].values())
    return "; ".join(f"to {target.label} by {_signs(stage, target)}" for target in targets)


def _signs(source: Stage, target: Stage) -> str:
    return ", ".join(sign.value for sign, found in TRANSITIONS[source].items() if found is target)


def page() -> str:
    """Return the page in Markdown, with a Mermaid diagram."""
    lines = ["# Lifecycle", "", "Generated from `streams/core/lifecycle.py` by `make docs`.", ""]
    lines += ["| stage | meaning | entered | left |", "|---|---|---|---|"]
    lines += [
        f"| `{stage.label}` | {meaning} | {_entries(stage)} | {_exits(stage)} |"
        for stage, meaning in MEANINGS.items()
    ]
    lines += ["", "| sign | meaning |", "|---|---|"]
    lines += [f"| `{sign.value}` | {meaning} |" for sign, meaning in SIGNS.items()]
    lines += ["", "```mermaid", "stateDiagram-v2", "    [*] --> new"]
    for stage, row in TRANSITIONS.items():
        targets: dict[Stage, list[str]] = {}
        for sign, target in row.items():
            targets.setdefault(target, []).append(sign.value)
        lines += [
            f"    {stage.label} --> {target.label}: {', '.join(signs)}"
            for target, signs in targets.items()
        ]
    return "\n".join([*lines, "```", ""])
