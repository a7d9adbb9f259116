"""A run of one user, told by hand, for the referee to look at."""

from typing import Any, NamedTuple

from streams.core.inputs import Input
from streams.core.messages import Decision
from streams.core.rules_file import parse_rules
from streams.core.time import DAY_MS, HOUR_MS, iso
from streams.simulation.referee import Referee
from streams.simulation.rulebook import sections_of, written
from streams.simulation.run import Applied, Said
from streams.simulation.scenario import Scenario
from winback_sender.contract.messages import CaseClosed, TouchRequested
from winback_sender.contract.parts import Experiment, Priority, Risk, TouchUser

MONDAY = 1_709_510_400_000  # 2024-03-04
SCENARIO = Scenario(name="told", what="Told by hand.", rules="""
holdout: {share: 0.0, salt: told}
budget: {touches_per_day: 2}
contact:
  consent_default: granted
  caps: [{touches: 2, per: 3d}]
  quiet_hours: {start: "21:00", end: "09:00"}
  zone: UTC
""")  # fmt: skip


class Told(NamedTuple):
    """What a referee wants to know of a run."""

    applied: list[Applied]
    said: list[Said]


def at(day: float, hour: float = 12.0) -> int:
    """Return an instant of the story, epoch ms."""
    return round(MONDAY + day * DAY_MS + hour * HOUR_MS)


def took(step: int, signal: Input, effective_ms: int | None = None) -> Applied:
    """Return an input as it was taken."""
    return Applied(step, signal.event_time_ms if effective_ms is None else effective_ms, signal)


def decided(step: int, at_ms: int, case_id: str = "c1") -> Said:
    """Return the decision that opens a case."""
    decision = Decision("ada", case_id, 1, "send", "send", "sms", "risk", 0.9, 0.9, "m", "r",
                        iso(at_ms))  # fmt: skip
    return Said(step, 0, decision)


def touch(step: int, at_ms: int, last_ms: int, number: int = 1, user_id: str = "ada",
          channel: str = "sms", case_id: str = "c1") -> Said:  # fmt: skip
    """Return a touch that goes out."""
    message = TouchRequested(
        touch_id=f"t{number}", case_id=case_id, user_id=user_id, step=number, steps_total=3,
        channel=channel, template_key="k", params={}, offer={}, not_before=iso(at_ms),
        expires_at=iso(at_ms + DAY_MS), audience_local_timezone="UTC", purpose="care",
        risk=Risk(0.9, 12.0, "high", (), "m", iso(at_ms)),
        user=TouchUser("at_risk", "low", 0, "CNY", iso(last_ms), "", {}),
        priority=Priority("ordinary_urgent", None), experiment=Experiment("care", "a", 0.0),
    )  # fmt: skip
    return Said(step, 0, message)


def closed(step: int, at_ms: int, outcome: str = "returned", case_id: str = "c1") -> Said:
    """Return the end of a case."""
    opened = iso(at_ms - DAY_MS)
    return Said(
        step,
        0,
        CaseClosed(
            case_id, "ada", outcome, 1, is_held_out=False, opened_at=opened, closed_at=iso(at_ms)
        ),
    )


def rules_broken(applied: list[Applied], said: list[Said], **sections: Any) -> list[str]:
    """Return the rules that the referee saw broken."""
    file = sections_of(SCENARIO) | sections
    referee = Referee(parse_rules(written(file)), file)
    referee.watch(Told(applied, said))
    return [broken.rule for broken in referee.violations]
