"""Composing a touch: everything a sender needs to know, but for the contact address."""

from typing import NamedTuple

from models.features import Rhythm
from streams.core.inputs import Score, Terms
from streams.core.journey_state import Case
from streams.core.playbook import fill
from streams.core.reasons import in_words
from streams.core.rules import Rules
from streams.core.state import Column, UserState
from streams.core.tiers import tier_of
from streams.core.time import iso
from streams.core.worth import expected_loss, quadrant, rank
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.parts import Experiment, Priority, Risk, TouchUser


class Moment(NamedTuple):
    """The instant at which something is decided about a user, and all that is known then.

    Attributes:
        user_id: Whom.
        at_ms: When, epoch ms UTC.
        score: What the model says.
        terms: What holds for everybody.
        tier: Value tier of the user.
        quadrant: Important by urgent.
        lost_ms: How much of the silence counts as no time.
        has_turn: Places are being handed out, and it is this user's turn.
        has_place: There is one.
    """

    user_id: str
    at_ms: int
    score: Score
    terms: Terms
    tier: str
    quadrant: str
    lost_ms: int = 0
    has_turn: bool = False
    has_place: bool = True


def moment_of(
    user_id: str, at_ms: int, score: Score, terms: Terms, rules: Rules, lost_ms: int = 0
) -> Moment:
    """Return the moment of a user of whom the model has just spoken."""
    tier = tier_of(score.value, rules.tier_names, terms.tier_edges)
    return Moment(user_id, at_ms, score, terms, tier, quadrant(tier, score.reach, rules), lost_ms)


def request_touch(moment: Moment, state: UserState, case: Case, rules: Rules) -> TouchRequested:
    """Return the message that asks for the touch that the case has due."""
    user_id, at_ms, score = moment.user_id, moment.at_ms, moment.score
    step, profile, at_iso = case.steps[case.step], state.profile, iso(moment.at_ms)
    leaves_ms = at_ms + moment.terms.lag_ms
    return TouchRequested(
        touch_id=rules.ids.touch_id(
            case.opened_as or user_id, int(state[Column.CASE_AT]), case.step + 1
        ),
        case_id=case.case_id,
        user_id=user_id,
        step=case.step + 1,
        steps_total=len(case.steps),
        channel=step.channel,
        template_key=step.template_key,
        params=fill(step.params, profile.traits),
        offer=step.offer,
        not_before=iso(leaves_ms),
        expires_at=iso(leaves_ms + step.expires_ms),
        audience_local_timezone=profile.zone or rules.zone,
        purpose=case.purpose,
        risk=Risk(
            probability=round(score.reach, 6),
            horizon_days=rules.horizon_days,
            level="high",
            reasons=in_words(score.causes),
            model_version=score.model_version,
            scored_at=at_iso,
        ),
        user=TouchUser(
            lifecycle_stage=profile.stage.label,
            value_tier=moment.tier,
            value_net=int(state[Column.VALUE_NET]),
            currency=rules.currency,
            last_active_at=iso(state[Rhythm.LAST]),
            acquisition_source=profile.source,
            traits=profile.traits,
        ),
        priority=Priority(
            moment.quadrant,
            rank(expected_loss(score, rules.cost_of(step.channel), rules), moment.terms.loss_edges),
        ),
        experiment=Experiment(case.playbook, case.variant, rules.holdout.share),
    )
