"""What happens to the deployment of a golden set: users of every stage, and what goes wrong."""

import json
from random import Random
from typing import Final

from streams.core.partitioner import partition_of_key
from tests.golden.stored import Given

START_MS: Final = 1_483_228_800_000
DAY_MS: Final = 86_400_000
DAYS: Final = 44
CUT_DAY: Final = 30
PARTITIONS: Final = 2
ACTIVITY: Final = "user-activity"
FEEDBACK: Final = "win-back-feedback"
ORDERS: Final = "app.orders"

HABITS: Final = {
    # name: first day, days between visits, then spans (from, to) in which there are none
    "daily": (0, 0.9, ()),
    "weekly": (0, 3.2, ()),
    "leaver": (0, 1.1, ((24, 99),)),
    "lapser": (0, 1.3, ((17, 99),)),
    "goner": (0, 1.2, ((9, 99),)),
    "returner": (0, 1.0, ((12, 27),)),
    "comeback": (0, 1.0, ((22, 33),)),
    "newcomer": (28, 1.5, ()),
    "complainer": (2, 1.4, ((25, 99),)),
    "refunder": (1, 1.6, ((26, 99),)),
    "trial": (3, 2.1, ((20, 36),)),
}
"""How people live; there are two of each."""


def at(day: float) -> int:
    return round(START_MS + day * DAY_MS)


def given(topic: str, key: str | None, value: str, at_ms: int) -> Given:
    partition = 0 if key is None else partition_of_key(key.encode(), PARTITIONS)
    half = 1 if at_ms < at(CUT_DAY) else 2
    return Given(half, topic, partition, key, value, at_ms + 1_000)


def event(user: str, name: str, day: float, **more: object) -> Given:
    """Return a native event."""
    at_ms = at(day)
    body = {"event_id": f"{user}-{name}-{at_ms}", "user_id": user, "event": name,
            "event_time": at_ms, **more}  # fmt: skip
    return given(ACTIVITY, user, json.dumps(body, separators=(",", ":"), ensure_ascii=False), at_ms)


def history() -> list[Given]:
    """Return all that happens but for what senders say, in order of time."""
    chance, made = Random(8), [*_told(), *_wrong()]
    for habit, (first, gap, holes) in HABITS.items():
        for number in (1, 2):
            day = first + chance.random()
            while day < DAYS:
                if not any(start <= day < end for start, end in holes):
                    made.append(_visit(f"{habit}-{number}", day, chance))
                day += gap * (0.4 + 1.2 * chance.random())
    made += [
        _visit(user, day + 0.01 * day, chance) for user in ("cookie", "李雷") for day in range(14)
    ]
    ticks = [
        Given(1 if day < CUT_DAY else 2, "$tick", 0, None, "", at(day)) for day in range(1, DAYS)
    ]
    return sorted([*made, *ticks], key=lambda each: each.at_ms)


def _visit(user: str, day: float, chance: Random) -> Given:
    if chance.random() < 0.3:
        return event(user, "purchase", day, amount=round(5 + 95 * chance.random(), 2))
    return event(user, "view", day)


def _told() -> list[Given]:
    """Return what is said of users beside their visits."""
    wechat = {"channel": "wechat", "tokens": 2}
    berlin = {"zone": "Europe/Berlin", "member_name": "王"}
    angry = ("refunder-2", "leaver-1", "goner-1", "weekly-2")
    outage = {"event_id": "out", "user_id": "$coverage", "event": "$coverage",
              "event_time": at(15.2), "properties": {"from": at(14.5), "to": at(15.0)}}  # fmt: skip
    outages = [
        Given(1, ACTIVITY, number, "$coverage", json.dumps(outage), at(15.2) + 1_000)
        for number in range(PARTITIONS)
    ]
    pause = json.dumps([["pause/playbook/rest", "on", at(16), at(16)]])
    return [
        event("leaver-1", "channel_reach", 1.5, properties=wechat),
        event("comeback-1", "channel_reach", 1.5, properties=wechat),
        event("daily-1", "traits_set", 2.0, properties=berlin),
        event("trial-1", "traits_set", 4.0, properties={"plan": "trial"}),
        event("trial-2", "traits_set", 4.0, properties={"plan": "paid"}),
        event("lapser-2", "opt_out", 12.0),
        event("weekly-2", "opt_out", 12.5, properties={"channel": "sms"}),
        event("goner-2", "consent_changed", 3.0, properties={"channel": "sms", "granted": False}),
        event("weekly-1", "consent_changed", 3.0, properties={"channel": "sms", "granted": True}),
        event("complainer-1", "complaint", 24.5),
        event("complainer-2", "complaint", 29.2),
        *(event(user, "complaint", 29.95) for user in angry),
        event("refunder-1", "refund", 25.3, amount=20),
        event("returner-2", "erasure_requested", 28.4),
        event("daily-2", "$identify", 9.0, properties={"anonymous_id": "phone"}),
        event("lapser-1", "$identify", 27.5, properties={"anonymous_id": "cookie"}),
        event("cookie", "view", 28.8),
        event("daily-1", "$identify", 28.0, properties={"anonymous_id": "phone"}),
        *outages,
        Given(1, "$orders", 0, None, pause, at(16)),
    ]  # fmt: skip


def _wrong() -> list[Given]:
    """Return what is put aside, and what the router reads."""
    return [
        given(ACTIVITY, "daily-1", "{no json", at(20.1)),
        given(ACTIVITY, "daily-2", '{"event_id":"x","user_id":"other","event":"v","event_time":1}',
              at(20.2)),
        event("daily-1", "view", 20.3) ,
        event("daily-1", "view", 20.3),
        *(given(ORDERS, None, f"paid-{n} {at(day)} o{n}", at(day))
          for n, day in enumerate((5.5, 12.5, 29.5, 33.5))),
    ]  # fmt: skip


def word_of_sender(touch_id: str, user: str, at_ms: int, *, half: int) -> list[Given]:
    """Return what a sender says of a touch: by its id some are delivered, some fail, some rest."""
    words = {0: ["accepted", "delivered"], 1: ["sent", "clicked"], 2: ["failed"], 3: []}
    partition = partition_of_key(user.encode(), PARTITIONS)
    said = []
    for place, status in enumerate(words[ord(touch_id[0]) % 4]):
        body = {"touch_id": touch_id, "user_id": user, "status": status, "channel": "sms",
                "at": at_ms + place, "outcome": "hard" if status == "failed" else ""}  # fmt: skip
        said.append(
            Given(half, FEEDBACK, partition, user, json.dumps(body, separators=(",", ":")), at_ms)
        )
    return said
