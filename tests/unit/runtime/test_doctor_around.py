"""The doctor, beside topics and clocks: each finding says why it matters and what repairs it."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.commands.doctor_dry import playbook_faults, sender_faults
from streams.core.time import DAY_MS, MINUTE_MS
from streams.replay.rulebook import rules_at
from streams.runtime.doctor_finding import Finding, Level
from streams.runtime.doctor_findings import report_of
from streams.runtime.doctor_seen import Around, Consent, Disk, Lacking, ModelSeen
from tests.unit.runtime.test_doctor import NOW, WELL

LEARNED = ModelSeen(is_frozen=False, written_ms=NOW - MINUTE_MS, version="m", phase="learned")
SOUND = Around(
    broker="4.1", newest_ms={"user-activity": NOW}, model=LEARNED,
    consents=(Consent("sms", 200, 100, 3),), disk=Disk("/d", 9 << 30, 1 << 30, is_writable=True),
)  # fmt: skip


def found(around: Around, **changes: Any) -> list[Finding]:
    seen = msgspec.structs.replace(WELL, around=around, **changes)
    return [each for each in report_of(seen).findings if not each.where.startswith("partition 2")]


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert found(SOUND) == []


@pytest.mark.parametrize(
    ("changes", "level", "where", "cure"),
    [
        ({"broker": "2.4"}, "wrong", "Kafka", "upgrade"),
        ({"lacking": (Lacking("win-back", ("Write",)),)}, "wrong", "topic win-back", "acls"),
        ({"newest_ms": {"t": NOW + 5 * MINUTE_MS}}, "wrong", "topic t", "timedatectl"),
        ({"model": ModelSeen(is_frozen=False, written_ms=0)}, "note", "models", "learner"),
        ({"model": msgspec.structs.replace(LEARNED, written_ms=NOW - 2 * DAY_MS)}, "wrong",
         "models", "winback run --role learner"),
        ({"model": msgspec.structs.replace(LEARNED, refused="bad signature")}, "wrong", "models",
         "WINBACK_MODEL_KEY"),
        ({"model": msgspec.structs.replace(LEARNED, phase="fallen_back")}, "note", "models",
         "winback models list"),
        ({"consents": (Consent("sms", 200, 0, 0),)}, "note", "channel sms", "consent_default"),
        ({"disk": Disk("/d", 9 << 30, 0, is_writable=False)}, "wrong", "/d", "chown"),
        ({"disk": Disk("/d", 1 << 20, 0, is_writable=True)}, "wrong", "/d", "WINBACK_DATA_DIR"),
        ({"playbooks": (("p.yaml:3", "tencent refuses t"),)}, "note", "playbooks p.yaml:3",
         "winback playbooks check"),
        ({"senders": (("aliyun", "no key"),)}, "wrong", "sender aliyun", "sender settings"),
    ],
)  # fmt: skip
def test_each_finding_says_why_and_what_to_do(
    changes: dict[str, Any], level: str, where: str, cure: str
) -> None:
    (finding,) = found(msgspec.structs.replace(SOUND, **changes))
    assert (finding.level, finding.where) == (Level(level), where)
    assert cure in finding.next
    assert finding.why


def test_an_unknown_consent_counts_where_the_rules_say_so() -> None:
    silent = msgspec.structs.replace(SOUND, consents=(Consent("sms", 200, 0, 3),))
    assert found(silent)
    assert not found(silent, is_consent_assumed=True)


def test_a_clock_of_a_worker_that_is_ahead_and_a_newer_state_are_told() -> None:
    record = WELL.records[2]
    assert record is not None
    ahead = msgspec.structs.replace(record, told_ms=NOW + DAY_MS)
    newer = msgspec.structs.replace(record, layout="9 (winback 9.0.0)")
    for changed, cure in ((ahead, "timedatectl"), (newer, "docs/upgrade.md")):
        report = report_of(msgspec.structs.replace(WELL, records={2: changed}))
        assert cure in report.findings[0].next
        assert not report.healthy


def test_every_finding_of_a_sick_deployment_says_why() -> None:
    sick = msgspec.structs.replace(
        WELL, topics=(("win-back", "create", ""),), groups=(), rules_hash="other",
        dead_letters={"future orders": 3}, users_max=1,
    )  # fmt: skip
    findings = report_of(sick).findings
    assert findings
    assert all(finding.why for finding in findings)


def test_settings_of_a_provider_are_held_against_its_catalogue() -> None:
    assert not list(sender_faults({}))
    ((name, what),) = sender_faults({"WINBACK_SENDER_ALIYUN_ACCESS_KEY_IDD": "x"})
    assert name == "aliyun"
    assert "WINBACK_SENDER_ALIYUN_ACCESS_KEY_IDD" in what


def test_the_shipped_playbooks_are_sound() -> None:
    demo = Path(__file__).parents[3] / "deploy" / "rules"
    for path in sorted(demo.glob("*.yaml")):
        assert list(playbook_faults(str(path), rules_at(str(path)))) == []
