"""The page about the lifecycle, drawn from its table."""

from streams.core.lifecycle import TRANSITIONS, Stage

MEANINGS = {
    Stage.NEW: "fewer active days than the rules ask for before anything is said about a user",
    Stage.ACTIVE: "comes as usual",
    Stage.SLIPPING: "the risk is elevated; nothing is done yet",
    Stage.AT_RISK: "the risk is high; an alert was decided",
    Stage.LAPSED: "silent for the horizon H",
    Stage.WON_BACK: "came back after at risk, lapsed or gone; the holdout tells whether by us",
    Stage.GONE: "silent for 2H; no longer observed",
}


def page() -> str:
    """Return the page in Markdown, with a Mermaid diagram."""
    lines = ["# Lifecycle", "", "Generated from `streams/core/lifecycle.py` by `make docs`.", ""]
    lines += ["| stage | meaning |", "|---|---|"]
    lines += [f"| `{stage.label}` | {meaning} |" for stage, meaning in MEANINGS.items()]
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
