"""A small shop as our topics would tell of it: seeded, with effects that are known."""

from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from streams.core.messages import BudgetStatus, Decision, Episode, RiskChanged
from streams.core.time import DAY_MS, HOUR_MS, iso
from winback_sender.contract.messages import CaseClosed, TouchRequested, TouchRevoked, to_json
from winback_sender.contract.parts import Experiment, Priority, Reason, ReasonText, Risk, TouchUser

START_MS: Final = 1_748_736_000_000  # 2025-06-01T00:00:00Z, a Sunday
HOLDOUT: Final = 0.2
TIERS: Final = ("top", "regular", "low")
REASONS: Final = ("silence", "rhythm", "value", "tenure")
SOURCES: Final = ("douyin", "朋友推荐", "")
VARIANTS: Final = {
    "会员关怀": (("a", "wechat", 0.5, 0.12), ("b", "sms", 0.5, 0.02)),
    "vip_call": (("a", "call", 1.0, 0.15),),
    "discount": (("a", "sms", 1.0, -0.14),),
}
"""Playbook to variants: name, channel, probability, by how much more users return."""

Streams = dict[str, list[bytes]]


def world(
    days: int = 84, a_day: int = 40, *, holdout: float = HOLDOUT, seed: int = 1, value: int = 9_000
) -> Streams:
    """Return decisions, touches and feedback of a shop whose users become at risk every day."""
    chance = np.random.default_rng(seed)
    shop = Shop(chance, holdout, value)
    for day in range(days):
        fused = days // 2 <= day < days // 2 + 3
        for number in range(a_day * (3 if fused else 1)):
            shop.user(day, f"u{day}_{number}", may_send=not fused or number < a_day)
        shop.budget(day, a_day, is_fused=fused)
    return shop.streams


class Shop:
    """Writes the messages of one user after the other."""

    def __init__(self, chance: np.random.Generator, holdout: float, value: int) -> None:
        self.streams: Streams = {"decisions": [], "touches": [], "feedback": []}
        self._chance = chance
        self._holdout = holdout
        self._value = value
        self._sent: dict[int, int] = {}

    def user(self, day: int, user_id: str, *, may_send: bool) -> None:
        draw = self._chance
        at_ms = START_MS + day * DAY_MS + int(draw.integers(8, 20)) * HOUR_MS
        tier = TIERS[int(draw.choice(3, p=[0.15, 0.5, 0.35]))]
        reason, source = REASONS[int(draw.integers(4))], SOURCES[int(draw.integers(3))]
        playbook = "vip_call" if tier == "top" else "discount" if tier == "low" else "会员关怀"
        odds = [one[2] for one in VARIANTS[playbook]]
        variant, channel, odd, lift = VARIANTS[playbook][int(draw.choice(len(odds), p=odds))]
        risk = float(draw.uniform(0.5, 0.95))
        important = "important" if tier == "top" else "ordinary"
        quadrant = f"{important}_{'urgent' if risk > 0.75 else 'calm'}"
        net = int(draw.gamma(2.0, 20_000))
        self._decisions(RiskChanged(user_id, "high", "calm", risk, "at_risk", tier, net, source,
                                    "m-1", iso(at_ms)))  # fmt: skip
        held_out = bool(draw.random() < self._holdout)
        refused = draw.random()
        why = ("send", "send") if not held_out else ("withhold", "holdout")
        if not may_send:
            why = ("refuse", "capacity")
        elif refused < 0.2:
            why = ("refuse", "no_consent")
        elif refused < 0.25:
            why = ("defer", "quiet_hours")
        case_id = f"c-{user_id}"
        self._decisions(Decision(
            user_id=user_id, case_id=case_id, step=1, verdict=why[0], reason=why[1],
            channel=channel, trigger="risk" if risk < 0.9 else "complaint", probability=risk,
            propensity=0.5, model_version="m-1", rules_hash="r", decided_at=iso(at_ms),
            playbook=playbook, variant=variant, expected_loss=risk * net, quadrant=quadrant,
            value_tier=tier, value_net=net, lifecycle_stage="at_risk", acquisition_source=source,
            reasons=(reason,), is_fused=not may_send,
        ))  # fmt: skip
        if why[1] not in {"send", "holdout"}:
            return
        returned = bool(draw.random() < 0.3 + (0.0 if held_out else lift))
        gained = int(draw.gamma(2.0, self._value / 2)) if returned and self._value else 0
        ended_ms = at_ms + 14 * DAY_MS
        if not held_out:
            self._sent[day] = self._sent.get(day, 0) + 1
            self._touch(user_id, case_id, at_ms, channel, playbook, variant,
                        (risk, tier, net, source, reason, quadrant))  # fmt: skip
        outcome = "returned" if returned else "exhausted"
        self._touches(CaseClosed(case_id, user_id, outcome, int(not held_out), held_out,
                                 iso(at_ms), iso(ended_ms)))  # fmt: skip
        arm = self._holdout if held_out else (1.0 - self._holdout) * odd
        self._decisions(Episode(
            user_id=user_id, case_id=case_id, playbook=playbook, playbook_version="v1",
            variant=variant, channel=channel, is_held_out=held_out, propensity=arm,
            variant_propensity=1.0 if held_out else odd, probability=risk, returned=returned,
            value_change=gained, currency="CNY", exposed_at=iso(at_ms), matured_at=iso(ended_ms),
            dimensions={"value_tier": tier, "lifecycle_stage": "at_risk", "reason": reason,
                        "acquisition_source": source, "quadrant": quadrant, "trigger": "risk",
                        "cohort": f"2025-0{1 + day % 5}"},
        ))  # fmt: skip
        if returned:
            self._decisions(RiskChanged(user_id, "calm", "high", 0.1, "won_back", tier, net, source,
                                        "m-1", iso(at_ms + 3 * DAY_MS)))  # fmt: skip

    def budget(self, day: int, a_day: int, *, is_fused: bool) -> None:
        date = iso(START_MS + day * DAY_MS)[:10]
        at = iso(START_MS + (day + 1) * DAY_MS)
        half = self._sent.get(day, 0) // 2
        for partition, used in enumerate((half, self._sent.get(day, 0) - half)):
            self._decisions(BudgetStatus(
                partition, date, {"message": used}, {"message": a_day // 2},
                a_day if is_fused else 3, 4_200.0, is_fused, at,
            ))  # fmt: skip

    def _touch(self, user_id: str, case_id: str, at_ms: int, channel: str, playbook: str,
               variant: str, about: tuple[float, str, int, str, str, str]) -> None:  # fmt: skip
        risk, tier, net, source, reason, quadrant = about
        touch_id = f"t-{case_id}"
        self._touches(TouchRequested(
            touch_id=touch_id, case_id=case_id, user_id=user_id, step=1, steps_total=1,
            channel=channel, template_key="hello", params={}, offer={}, not_before=iso(at_ms),
            expires_at=iso(at_ms + DAY_MS), audience_local_timezone="Asia/Shanghai",
            purpose="care",
            risk=Risk(risk, 30.0, "high", (Reason(reason, 1.0, ReasonText("x", "x")),), "m-1",
                      iso(at_ms)),
            user=TouchUser("at_risk", tier, net, "CNY", iso(at_ms - 9 * DAY_MS), source, {}),
            priority=Priority(quadrant, 0.9),
            experiment=Experiment(playbook, variant, self._holdout),
        ))  # fmt: skip
        fate = self._chance.random()
        if fate < 0.05:
            self._touches(TouchRevoked(touch_id, case_id, user_id, "returned", iso(at_ms + 60_000)))
            return
        words = ["accepted", "failed"] if fate < 0.1 else ["accepted", "sent", "delivered"]
        words += ["clicked"] if fate > 0.7 else []
        words += ["opted_out"] if fate > 0.985 else []
        for number, word in enumerate(words):
            said = {"touch_id": touch_id, "user_id": user_id, "status": word,
                    "at": at_ms + 60_000 * number}  # fmt: skip
            if channel == "call" and word == "delivered":
                said |= {"status": "handled", "outcome": "promised"}
            self.streams["feedback"].append(msgspec.json.encode(said))

    def _decisions(self, message: msgspec.Struct) -> None:
        self.streams["decisions"].append(to_json(message))

    def _touches(self, message: msgspec.Struct) -> None:
        self.streams["touches"].append(to_json(message))


def written(folder: Path, streams: Streams) -> Path:
    """Write the streams as ``winback simulate --out`` does."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in streams.items():
        (folder / f"{name}.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    return folder
