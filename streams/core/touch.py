"""Composing a touch: everything a sender needs to know, but for the contact address."""

from typing import NamedTuple

from models.features import Rhythm
from streams.core.inputs import Score
from streams.core.journey_state import Case
from streams.core.messages import Experiment, Priority, Risk, TouchRequested, TouchUser
from streams.core.reasons import in_words
from streams.core.rules import Rules
from streams.core.state import Column, UserState
from streams.core.time import iso


class Release(NamedTuple):
    """One step of a case that is to be released now."""

    user_id: str
    at_ms: int
    score: Score
    case: Case


def request_touch(asked: Release, state: UserState, rules: Rules) -> TouchRequested:
    """Return the message that asks for the touch."""
    user_id, at_ms, score, case = asked
    step = case.steps[case.step]
    profile, net = state.profile, state[Column.VALUE_NET]
    tier = rules.tier(net)
    return TouchRequested(
        touch_id=rules.ids.touch_id(user_id, int(state[Column.CASE_AT]), case.step + 1),
        case_id=case.case_id,
        user_id=user_id,
        step=case.step + 1,
        steps_total=len(case.steps),
        channel=step.channel,
        template_key=step.template_key,
        params=step.params,
        offer=step.offer,
        not_before=iso(at_ms),
        expires_at=iso(at_ms + step.expires_ms),
        audience_local_timezone=profile.zone or rules.zone,
        purpose=case.purpose,
        risk=Risk(
            probability=round(score.reach, 6),
            horizon_days=rules.horizon_days,
            level="high",
            reasons=in_words(score.causes),
            model_version=score.model_version,
            scored_at=iso(at_ms),
        ),
        user=TouchUser(
            lifecycle_stage=profile.stage.label,
            value_tier=tier,
            value_net=int(net),
            currency=rules.currency,
            last_active_at=iso(state[Rhythm.LAST]),
            acquisition_source=profile.source,
            traits=profile.traits,
        ),
        priority=Priority(_quadrant(tier, score.reach, rules), None),
        experiment=Experiment(case.playbook, case.variant, rules.holdout.share),
    )


def _quadrant(tier: str, reach: float, rules: Rules) -> str:
    """Return importance by urgency: the highest tier is important, the nearer half to 1 urgent."""
    importance = "important" if rules.tiers and tier == rules.tiers[0][0] else "ordinary"
    urgency = "urgent" if reach >= (1.0 + rules.alert.probability) / 2 else "calm"
    return f"{importance}_{urgency}"
