"""A verdict on a world, as a person reads it."""

from collections.abc import Sequence

from streams.simulation.verdicts import Verdicts

VIOLATIONS_SHOWN = 10


def told(verdicts: Verdicts, what: str) -> str:
    """Return what one run came to, in a few lines."""
    lines = [f"{verdicts.scenario} (seed {verdicts.seed}, {verdicts.policy}): {what}"]
    lines.append(
        f"  world      {verdicts.users:,} users, {verdicts.days} days, {verdicts.events:,} inputs"
    )
    lines.append(f"  detection  {_detection(verdicts)}")
    lines.append(f"  contact    {_contact(verdicts)}")
    lines.append(f"  effect     {_effect(verdicts)}")
    lines += [
        f"  budget     {use.kind}: {use.budget} a day, used {use.least:.0%} to {use.most:.0%}, "
        f"{use.mean:.1%} on average over {use.days} days"
        for use in verdicts.spending
    ]
    lines.append(f"  harm       {_harm(verdicts)}")
    lines.append(f"  referee    {_referee(verdicts)}")
    for broken in verdicts.violations[:VIOLATIONS_SHOWN]:
        lines.append(f"    {broken.rule}: {broken.user_id} at {broken.at}, {broken.detail}")
    return "\n".join(lines)


def compared(runs: Sequence[Verdicts]) -> str:
    """Return one line per run: of several worlds, or of several policies in one."""
    head = f"{'scenario':17} {'seed':>4} {'policy':10} {'touches':>7} {'AUC':>6} {'recall':>6} "
    head += f"{'lead':>6} {'effect':>7} {'net':>7} {'value':>10} {'broken':>6}"
    rows = [head]
    for run in runs:
        found, harm = run.detection, run.harm
        rows.append(
            f"{run.scenario:17} {run.seed:4} {run.policy:10} {harm.touches:7,} "
            f"{_number(found.auc, '.3f'):>6} {_number(found.recall, '.0%'):>6} "
            f"{_number(found.lead_days, '.1f'):>5}d {_number(run.effect.truth, '+.3f'):>7} "
            f"{harm.net_effect:+7.1f} {harm.value_minor / 100:+10,.0f} {len(run.violations):6,}"
        )
    return "\n".join(rows)


def _detection(verdicts: Verdicts) -> str:
    found = verdicts.detection
    return (
        f"AUC {_number(found.auc, '.3f')}; {found.alerts:,} alerts, right "
        f"{_number(found.precision, '.0%')}; {_number(found.recall, '.0%')} of "
        f"{found.leavers:,} who left were found, {_number(found.lead_days, '.1f')} days ahead"
    )


def _contact(verdicts: Verdicts) -> str:
    harm = verdicts.harm
    reasons = ", ".join(f"{name} {count:,}" for name, count in verdicts.decisions.items())
    return f"{harm.touches:,} touches, {harm.revoked:,} revoked; {reasons or 'nothing was decided'}"


def _effect(verdicts: Verdicts) -> str:
    effect = verdicts.effect
    truth = f"true {_number(effect.truth, '+.1%')} over {effect.exposures:,} exposures"
    if effect.low is None or effect.high is None:
        return f"{truth}; too little has matured for an interval"
    sign = "holds it" if effect.is_covered else "MISSES it"
    low, high = f"{effect.low:+.1%}", f"{effect.high:+.1%}"
    return f"{truth}; measured {_number(effect.estimate, '+.1%')}, [{low}, {high}] {sign}"


def _harm(verdicts: Verdicts) -> str:
    harm = verdicts.harm
    return (
        f"{harm.pulled:,} brought back, {harm.pushed:,} driven away; net effect "
        f"{harm.net_effect:+.1f} returns, {harm.present:+,} users, value "
        f"{harm.value_minor / 100:+,.2f}"
    )


def _referee(verdicts: Verdicts) -> str:
    broken = len(verdicts.violations)
    return f"{broken:,} VIOLATIONS" if broken else "nothing broken"


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
