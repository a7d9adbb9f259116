"""Putting a decision on record: what was decided, why, how likely that was, and on what ground."""

from typing import Final

from streams.core.effects import RecordDecision
from streams.core.journey_state import Case
from streams.core.messages import Decision
from streams.core.reasons import LEAST_WEIGHT
from streams.core.rules import Rules
from streams.core.rulings import Ruling
from streams.core.state import Column, UserState
from streams.core.time import iso
from streams.core.touch import Moment
from streams.core.worth import expected_loss

PASSED: Final = frozenset({Ruling.HOLDOUT, Ruling.SEND, Ruling.WITHHELD})
"""What is decided by chance alone, once every rule has been passed."""


def decision(  # what decided, each on its own
    state: UserState,
    moment: Moment,
    case: Case,
    verdict: str,
    reason: str,
    channel: str,
    rules: Rules,
    *,
    touch_id: str = "",
) -> RecordDecision:
    """Return the record of a decision on the step that a case has due."""
    score, terms = moment.score, moment.terms
    held_out = rules.holdout.share
    propensity = 1.0
    if reason in PASSED:
        propensity = held_out if reason == Ruling.HOLDOUT else 1.0 - held_out
    made = Decision(
        user_id=moment.user_id,
        case_id=case.case_id,
        step=case.step + 1,
        verdict=verdict,
        reason=str(reason),
        channel=channel,
        trigger=case.trigger,
        probability=round(score.reach, 6),
        propensity=propensity,
        model_version=score.model_version,
        rules_hash=rules.hash,
        decided_at=iso(moment.at_ms),
        touch_id=touch_id,
        playbook=case.playbook,
        playbook_version=case.version,
        variant=case.variant,
        variant_propensity=round(case.propensity, 6),
        expected_loss=round(expected_loss(score, rules.cost_of(channel), rules), 2),
        quadrant=moment.quadrant,
        value_tier=moment.tier,
        value_net=int(state[Column.VALUE_NET]),
        lifecycle_stage=state.profile.stage.label,
        acquisition_source=state.profile.source,
        reasons=tuple(code for code, weight, _ in score.causes if weight >= LEAST_WEIGHT),
        uplift=None if score.lift is None else round(score.lift[0], 6),
        mode=terms.mode,
        is_fused=terms.is_fused,
    )
    return RecordDecision(made, moment.at_ms)
