"""What the figures say, in sentences; terminal and page share them."""

from typing import Final

from streams.core.time import DAY_MS
from streams.replay.report.budgets import Budget
from streams.replay.report.estimates import Estimate
from streams.replay.report.facts import Facts
from streams.replay.report.figures import Figures
from streams.replay.report.lead import Earlier, Rule, shown_days
from streams.replay.report.numbers import customers, date, days, number, of_100, percent
from streams.replay.report.opponents import BOOSTING, LOGISTIC, OURS, Comparison, Opponent
from streams.replay.report.ranking import Ranking

EARLY_RULE: Final = 1 / 3
"""Of H: the silence rule that the summary speaks of."""
CAME_BACK_MUCH: Final = 0.4
"""From this share on, of the lost who came back by themselves, the horizon is short."""
SAME_DAYS: Final = 0.5
"""A difference below half a day is none."""


def three_sentences(found: Figures, facts: Facts) -> list[str]:
    """Return what would have happened: who was at risk, how often alerts were right, how early."""
    return [_who(found.ranking, facts), _how_right(found, facts), *_how_early(found, facts)]


def _who(ranking: Ranking, facts: Facts) -> str:
    first, last = date(facts.first_ms), date(facts.last_ms)
    span = f"On {first}" if first == last else f"Between {first} and {last}"
    if ranking.left is None:
        seen = f"{span} {customers(facts.users)} did something"
        return f"{seen}; who would leave it cannot say, because {ranking.cannot_say}."
    who = (
        "nobody" if not ranking.left else of_100(ranking.left) if ranking.left < 1 else "everybody"
    )
    return (
        f"{span} winback watched {customers(ranking.users)}; {who} of those it looked at did "
        f"nothing for the next {days(facts.horizon_days)}: that is what leaving means here."
    )


def _how_right(found: Figures, facts: Facts) -> str:
    sent = found.lead.sent
    if sent is None:
        why = found.lead.cannot_say or "none was sent whose outcome is in the log"
        return f"How often alerts are right it cannot say, because {why}."
    precision, recall = sent.project.precision, sent.project.recall
    assert precision is not None
    said = (
        f"It would have sent {number(sent.opened)} alerts, {number(sent.per_week)} a week; "
        f"{of_100(precision.value)} were right: the customer stayed silent for "
        f"{days(facts.horizon_days)}"
    )
    if recall is None:
        return f"{said}."
    return f"{said}. Of those who left, {of_100(recall)} had been alerted before."


def _how_early(found: Figures, facts: Facts) -> list[str]:
    sent = found.lead.sent
    if sent is None or sent.delay_days is None:
        return []
    left = facts.horizon_days - sent.delay_days
    said = f"Half of the right alerts came {days(left)} or more before the customer was lost"
    if sent.earlier is not None and sent.rule_days < facts.horizon_days:
        said += f", {beside(sent.earlier)} the rule “silent for {days(sent.rule_days)}”, which "
        said += "sends as many"
    rule = early_rule(found)
    if rule is None or rule.earlier is None or abs(rule.earlier.median) < SAME_DAYS:
        return [f"{said}."]
    ours = rule.project.precision
    assert ours is not None
    said += (
        f". Alerting as often as “silent for {days(rule.days)}” would, it comes "
        f"{beside(rule.earlier)} that rule and is right in {of_100(ours.value)}"
    )
    return [f"{said}."]


def beside(found: Earlier) -> str:
    """Return ``3 days earlier than``, ``at the same time as``."""
    if abs(found.median) < SAME_DAYS:
        return "at the same time as"
    return f"{days(abs(found.median))} {'earlier' if found.median > 0 else 'later'} than"


def early_rule(found: Figures) -> Rule | None:
    """Return the silence rule that comes early: the one nearest to a third of H."""
    rules = shown_rules(found)
    horizon_days = _horizon_days(found)
    return min(rules, key=lambda rule: abs(rule.days - EARLY_RULE * horizon_days), default=None)


def shown_rules(found: Figures) -> list[Rule]:
    """Return the silence rules that a report shows."""
    rules = {rule.days: rule for rule in found.lead.rules}
    return [rules[x] for x in shown_days(tuple(rules), _horizon_days(found) * DAY_MS)]


def _horizon_days(found: Figures) -> float:
    return found.horizon_ms / DAY_MS


def ranking_said(found: Ranking) -> str:
    """Return how well users are ranked, in a sentence."""
    if found.auc is None or found.precision_top is None:
        return f"Cannot say, because {found.cannot_say}."
    assert found.auc_silence is not None
    assert found.left is not None
    return (
        f"Shown one customer who left and one who stayed, it names the right one in "
        f"{found.auc.value * 100:.0f} of 100 cases (silence alone: {found.auc_silence * 100:.0f}; "
        f"a coin: 50). Of the tenth at highest risk {of_100(found.precision_top.value)} left, of "
        f"all {of_100(found.left)}."
    )


def belief_said(found: Figures) -> str:
    """Return whether the percentages can be believed."""
    seen = found.belief
    if seen.ece is None or seen.ece_floor is None or seen.said is None or seen.seen is None:
        return f"Cannot say, because {seen.cannot_say}."
    off = max(seen.ece - seen.ece_floor, 0.0)
    verdict = (
        "They can be believed"
        if off <= 0.01  # noqa: PLR2004 (one percentage point)
        else "They can nearly be believed"
        if off <= 0.03  # noqa: PLR2004
        else "They cannot be taken at their word"
    )
    return (
        f"{verdict}: on average it said {percent(seen.said)} and {percent(seen.seen)} left. Tenth "
        f"by tenth it was {seen.ece * 100:.1f} points off; a perfect forecast would show "
        f"{seen.ece_floor * 100:.1f} by chance."
    )


def lead_said(found: Figures) -> str:
    """Return how early it comes beside silence rules."""
    rule = early_rule(found)
    if rule is None or rule.earlier is None or rule.project.precision is None:
        why = found.lead.cannot_say or "too few alerts were right"
        return f"Cannot say, because {why}."
    return (
        f"The rule “silent for more than {days(rule.days)}” would send {number(rule.rule.alerts)} "
        f"alerts. Where winback sends as many, right ones come {beside(rule.earlier)} those of the "
        f"rule (median), and {of_100(rule.project.precision.value)} are right."
    )


def sent_said(found: Figures, facts: Facts) -> str:
    """Return who raised the alerts as they were sent, and what would change that."""
    sent = found.lead.sent
    if sent is None:
        return ""
    return (
        f"Of the alerts as sent {of_100(1 - sent.by_silence)} were raised by the model, the others "
        f"by the backstop “silent for {days(facts.backstop_days)}”. The rules ask for a risk of "
        f"{facts.threshold:.0%}; a lower alert.probability sends more alerts, earlier, of which "
        "fewer are right."
    )


def caution(found: Figures, facts: Facts) -> str:
    """Return what has to be known before any figure is read; empty if there is nothing."""
    came_back = found.lead.came_back
    if came_back is None or came_back < CAME_BACK_MUCH:
        return ""
    horizon = days(facts.horizon_days)
    return (
        f"Mind: of those who were silent for {horizon}, {of_100(came_back)} came back by "
        f"themselves within another {horizon}: “left” says too much here. winback define shows "
        "what another horizon would mean."
    )


def budget_said(ranking: Ranking) -> str:
    """Return what a budget of contacts finds."""
    chosen = middle_budget(ranking)
    if chosen is None:
        return f"Cannot say, because {ranking.cannot_say or 'too few customers were looked at'}."
    return (
        f"About {number(ranking.per_unit)} customers come up for a look each {ranking.unit}. "
        f"Whoever contacts the {number(chosen.contacts)} at highest risk reaches "
        f"{of_100(chosen.found)} of all who leave: {of_100(chosen.precision.value)} contacts are "
        f"right, {chosen.lift:.1f} times as many as by chance."
    )


def middle_budget(ranking: Ranking) -> Budget | None:
    """Return the budget nearest to a tenth of the customers."""
    return min(ranking.budgets, key=lambda budget: abs(budget.of - 0.1), default=None)


def compared_said(found: Comparison) -> str:
    """Return how it stands beside batch jobs."""
    if found.cannot_say:
        return f"Cannot say, because {found.cannot_say}."
    parts = [
        _beside(opponent.name, opponent.ahead["auc"])
        for opponent in found.opponents
        if opponent.name in {LOGISTIC, BOOSTING}
    ]
    return f"On the same {found.asked:,} questions winback ranks {' and '.join(parts)}."


def _beside(name: str, ahead: Estimate) -> str:
    if ahead.low > 0.0:
        return f"better than {name} (AUC {ahead.value:+.3f})"
    if ahead.high < 0.0:
        return f"worse than {name} (AUC {ahead.value:+.3f})"
    return f"as well as {name} (AUC {ahead.value:+.3f}, within chance)"


def ours(found: Comparison) -> Opponent | None:
    """Return our own line of a comparison."""
    return next((one for one in found.opponents if one.name == OURS), None)


def control_said(found: Figures) -> str:
    """Return the verdict of the negative control."""
    control = found.control
    assert control is not None
    if control.auc is None or control.low is None or control.high is None:
        return f"Negative control: cannot say, because {control.cannot_say}."
    numbers = (
        f"AUC {control.auc:.3f} among customers of the same time; chance gives {control.low:.3f} "
        f"to {control.high:.3f}"
    )
    if control.ece is not None:
        numbers += f"; calibration error {control.ece:.4f}, floor {control.ece_floor:.4f}"
    if control.is_sound:
        return f"Negative control: nothing found, as it must be ({numbers})."
    return (
        f"Negative control: something is wrong: where nothing can be found, something was "
        f"({numbers}). Do not trust figures of this log before that is explained."
    )
