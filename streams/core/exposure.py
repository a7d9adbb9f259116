"""Exposures: the first touch of a case that left, or would have, and what became of it.

Both arms are treated alike: a user who is held out passes the same rules, is exposed at the same
kind of moment, and is asked after the same window. While one exposure is pending no other begins.
"""

from datetime import date
from functools import lru_cache
from typing import Final

import msgspec

from models.features import Rhythm
from streams.core.effects import Effect, Note, RecordEpisode
from streams.core.journey_state import Case, Exposure
from streams.core.messages import Episode
from streams.core.rules import Rules
from streams.core.state import NEVER, Column, UserState
from streams.core.time import DAY_MS, iso
from streams.core.touch import Moment

EPOCH: Final = date(1970, 1, 1).toordinal()


def exposure_of(state: UserState, case: Case, moment: Moment, rules: Rules) -> Exposure:
    """Return the exposure of a user whose case has its first touch to make now."""
    score = moment.score
    return Exposure(
        case_id=case.case_id,
        playbook=case.playbook,
        variant=case.variant,
        version=case.version,
        channel=case.steps[case.step].channel,
        at_ms=moment.at_ms,
        matures_ms=moment.at_ms + rules.holdout.window_ms,
        is_held_out=case.is_held_out,
        propensity=case.propensity,
        probability=score.reach,
        value_net=state[Column.VALUE_NET],
        dimensions={
            "value_tier": moment.tier,
            "quadrant": moment.quadrant,
            "lifecycle_stage": state.profile.stage.label,
            "acquisition_source": state.profile.source,
            "reason": score.causes[0].code if score.causes else "",
            "trigger": case.trigger,
            "cohort": month_of(int(state[Rhythm.FIRST] // DAY_MS)),
        },
        features=score.features,
    )


@lru_cache(maxsize=512)
def month_of(day: int) -> str:
    """Return the month of a day since the epoch: 2017-05."""
    return date.fromordinal(EPOCH + day).strftime("%Y-%m")


def mature(state: UserState, user_id: str, rules: Rules) -> tuple[UserState, tuple[Effect, ...]]:
    """Return what became of the pending exposure; it is over.

    Of a user whom no sender has taken on there is nothing to learn.
    """
    made = state.profile.exposure
    assert made is not None, "an exposure matures, but none is pending"
    profile = msgspec.structs.replace(state.profile, exposure=None)
    matured = state.having(profile, MATURES=NEVER)
    if made.is_void:
        return matured, (Note("exposure_void", made.matures_ms),)
    held_out = rules.holdout.share
    episode = Episode(
        user_id=user_id,
        case_id=made.case_id,
        playbook=made.playbook,
        playbook_version=made.version,
        variant=made.variant,
        channel=made.channel,
        is_held_out=made.is_held_out,
        propensity=round(held_out if made.is_held_out else (1.0 - held_out) * made.propensity, 9),
        probability=round(made.probability, 6),
        returned=state[Rhythm.LAST] > made.at_ms,
        value_change=int(state[Column.VALUE_NET] - made.value_net),
        currency=rules.currency,
        exposed_at=iso(made.at_ms),
        matured_at=iso(made.matures_ms),
        dimensions=made.dimensions,
    )
    return matured, (RecordEpisode(episode, made, made.matures_ms),)
