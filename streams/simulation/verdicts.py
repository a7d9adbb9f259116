"""What a run came to, held against the truth of its world: detection, effect, budget, harm."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from models.effect import EffectMeter
from streams.core.messages import Decision, Episode
from streams.simulation.detection import Detection, detection_of
from streams.simulation.law import Law, day_of, days_of, instant_ms
from streams.simulation.referee import Violation
from streams.simulation.run import Run
from streams.simulation.watch import Look
from winback_sender.contract.messages import TouchRequested, TouchRevoked


class Effect(msgspec.Struct, frozen=True):
    """What contact changed: the truth, and what the holdout says of it.

    Attributes:
        exposures: In both arms.
        truth: Mean true effect of the first touch on P(return within H), over both arms.
        estimate: What matured episodes say, treated less held out.
        low: Lower end of the always-valid interval of 95 %.
        high: Upper end.
        is_covered: Whether the truth lies within; None = there is no interval yet.
    """

    exposures: int
    truth: float | None
    estimate: float | None
    low: float | None
    high: float | None
    is_covered: bool | None


class Spending(msgspec.Struct, frozen=True):
    """How a daily budget was used, once warm.

    Attributes:
        kind: Class of channels.
        budget: A day.
        days: Days counted.
        least: Least share of it that was used on a day.
        mean: Mean share.
        most: Greatest share.
    """

    kind: str
    budget: int
    days: int
    least: float
    mean: float
    most: float


class Harm(msgspec.Struct, frozen=True):
    """What all touches together did, beside the same world left alone.

    Attributes:
        touches: Requested.
        revoked: Taken back.
        pulled: Returns that a touch brought.
        pushed: Users whom a touch drove away.
        net_effect: Sum of the true effects on P(return) of the treated exposures.
        value_minor: Net value that touches brought, minor units.
        present: Users there at the end, less those who would have been.
        by_kind: Kind of user to pulled, pushed and value.
    """

    touches: int
    revoked: int
    pulled: int
    pushed: int
    net_effect: float
    value_minor: int
    present: int
    by_kind: dict[str, dict[str, int]]


class Verdicts(msgspec.Struct, frozen=True):
    """One run against the truth."""

    scenario: str
    seed: int
    policy: str
    users: int
    days: int
    events: int
    detection: Detection
    effect: Effect
    spending: tuple[Spending, ...]
    harm: Harm
    decisions: dict[str, int]
    violations: tuple[Violation, ...]


def judged(
    run: Run, looks: Sequence[Look], law: Law, violations: Sequence[Violation], policy: str
) -> Verdicts:
    """Return what a run came to."""
    decisions = Counter(
        said.message.reason for said in run.said if isinstance(said.message, Decision)
    )
    return Verdicts(
        scenario=run.world.scenario.name,
        seed=run.world.seed,
        policy=policy,
        users=len(run.world.people),
        days=run.world.scenario.days,
        events=run.counts.get("accepted", 0),
        detection=detection_of(run, looks),
        effect=_effect(run),
        spending=tuple(spending(run, law)),
        harm=_harm(run),
        decisions=dict(sorted(decisions.items())),
        violations=tuple(violations),
    )


def _effect(run: Run) -> Effect:
    truths = [made.prospect.effect for made in run.exposed]
    truth = float(np.mean(truths)) if truths else None
    episodes = [said.message for said in run.said if isinstance(said.message, Episode)]
    meter = EffectMeter()
    if episodes:
        share = run.rules.holdout.share
        meter.add(
            treated=np.array([not made.is_held_out for made in episodes]),
            returned=np.array([made.returned for made in episodes]),
            value=np.array([float(made.value_change) for made in episodes]),
            propensity=1.0 - share,
            users=[made.user_id for made in episodes],
        )
    found = meter.interval()
    covered = None
    if truth is not None and found.low is not None and found.high is not None:
        covered = found.low <= truth <= found.high
    return Effect(
        len(truths), _rounded(truth), _rounded(found.estimate), _rounded(found.low),
        _rounded(found.high), covered,
    )  # fmt: skip


def spending(run: Run, law: Law, warm_horizons: float = 2.0) -> list[Spending]:
    """Return how the budget of each class was used, day by day of the operator, once warm."""
    spent: Counter[tuple[str, Any]] = Counter()
    for said in run.said:
        if isinstance(said.message, TouchRequested):
            day = day_of(instant_ms(said.message.not_before), law.budget_zone)
            spent[law.class_of(said.message.channel), day] += 1
    warm_ms = run.world.start_ms + round(warm_horizons * run.world.horizon_ms)
    days = days_of(warm_ms, run.world.end_ms, law.budget_zone)
    made = []
    for kind, budget in law.budget.items():
        shares = [spent[kind, day] / budget for day in days]
        if shares:
            least, mean, most = min(shares), sum(shares) / len(shares), max(shares)
            numbers = round(least, 4), round(mean, 4), round(most, 4)
            made.append(Spending(kind, budget, len(shares), *numbers))
    return made


def _harm(run: Run) -> Harm:
    by_kind: defaultdict[str, Counter[str]] = defaultdict(Counter)
    present = 0
    for life in run.source.lives.values():
        if not life.person.is_bot:
            made = life.figures(run.world)
            present += made.is_there - made.was_to_be_there
            by_kind[life.person.kind]["value_minor"] += made.value_minor - made.untouched_minor
    for contact in run.crew.contacts:
        kind = run.source.lives[contact.user_id].person.kind
        by_kind[kind][contact.result] += 1
    total = sum((counts for counts in by_kind.values()), Counter())
    value = sum(counts["value_minor"] for counts in by_kind.values())
    kinds = Counter(type(said.message) for said in run.said)
    return Harm(
        touches=kinds[TouchRequested],
        revoked=kinds[TouchRevoked],
        pulled=total["pulled"],
        pushed=total["pushed"],
        net_effect=round(
            sum(made.prospect.effect for made in run.exposed if not made.is_held_out), 3
        ),
        value_minor=value,
        present=present,
        by_kind={kind: dict(sorted(counts.items())) for kind, counts in sorted(by_kind.items())},
    )


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 5)
