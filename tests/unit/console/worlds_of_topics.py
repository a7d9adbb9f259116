"""All topics of a small deployment: a shop's messages, and states by the core itself."""

import sys
from pathlib import Path
from typing import Any

import msgspec

from models.features import Rhythm
from streams.console.projection import Record
from streams.core.journey_state import Case, Profile
from streams.core.lifecycle import Stage
from streams.core.messages import Control, PartitionRecord
from streams.core.partition_record import PARTITION_KEY
from streams.core.playbook import PlaybookStep
from streams.core.rules import Rules
from streams.core.state import Column, blank, encode
from streams.core.time import DAY_MS, HOUR_MS, iso
from streams.replay.rulebook import rules_at
from streams.settings import Settings
from winback_sender.contract.dead_letters import dead_letter
from winback_sender.contract.messages import UserErased, to_json

HOUSE = Path(__file__).parents[3]
sys.path.insert(0, str(HOUSE / "tests" / "unit" / "reporting"))

import worlds  # noqa: E402

RULES: Rules = rules_at(str(HOUSE / "deploy" / "rules" / "demo.yaml"))
SETTINGS = Settings()
Topics = dict[str, list[Record]]


def state(number: int, at_ms: int, *, band: int = 2) -> bytes:
    """Return the changelog value of a user at risk, whose journey is under way."""
    found = blank(0.0)
    steps = (
        PlaybookStep("sms", "greeting", 0, DAY_MS),
        PlaybookStep("call", "care", DAY_MS, DAY_MS),
    )
    case = Case(f"case-{number}", "member_care", "a", 1, "risk", is_held_out=False, steps=steps)
    head = list(found.head)
    head[Rhythm.FIRST], head[Rhythm.LAST] = at_ms - 60 * DAY_MS, at_ms
    head[Rhythm.ACTIVE_DAYS] = 9
    head[Column.BAND], head[Column.RISK] = band, 0.3 + (number % 7) / 10
    head[Column.VALUE_NET] = head[Column.VALUE_DECAYED] = 1_000 + 37 * number
    head[Column.DUE] = at_ms + DAY_MS
    profile = Profile(stage=Stage.AT_RISK, source="douyin", consents={"sms": True}, case=case)
    return encode(msgspec.structs.replace(found, head=tuple(head), profile=profile))


def topics(days: int = 12, a_day: int = 6, *, erased: int = 2) -> Topics:
    """Return every stream as records of one partition each, as a service would have written it."""
    streams = worlds.world(days=days, a_day=a_day)
    found: Topics = {
        name: [_record(place, value, f"{name}-{place}") for place, value in enumerate(lines)]
        for name, lines in streams.items()
    }
    users = sorted({_user(record) for record in found["touches"]})
    end_ms = worlds.START_MS + days * DAY_MS
    states = [(user, state(place, end_ms - place * HOUR_MS)) for place, user in enumerate(users)]
    written: list[tuple[bytes, bytes | None]] = [(user.encode(), value) for user, value in states]
    forgotten = iso(end_ms + 90 * DAY_MS)  # Nothing of the world lies behind it.
    for user in users[:erased]:
        said = to_json(UserErased(user, forgotten))
        found["touches"].append(_record(len(found["touches"]), said, user))
        written.append((user.encode(), None))
    record = PartitionRecord({"user-activity": 70}, end_ms, end_ms, RULES.hash, "2 (winback)",
                             users=len(users))  # fmt: skip
    written.append((PARTITION_KEY, msgspec.json.encode(record)))
    found["users"] = [
        Record(0, place, end_ms, key, value) for place, (key, value) in enumerate(written)
    ]
    order = Control("pause/channel/sms", "on", iso(end_ms), iso(end_ms), "li@desk")
    found["control"] = [_record(0, msgspec.json.encode(order), order.key)]
    letter = dead_letter("not_decodable", "at 0", topic="user-activity", partition=0, offset=7,
                         key=b"u", value=b"{", timestamp_ms=end_ms)  # fmt: skip
    found["letters"] = [Record(0, 0, end_ms, letter.key, letter.value, letter.headers)]
    found["models"] = []
    return found


def _record(offset: int, value: bytes, key: str) -> Record:
    return Record(0, offset, 1_750_000_000_000, key.encode(), value)


def _user(record: Record) -> str:
    said: Any = msgspec.json.decode(record.value or b"")
    return str(said["user_id"])
