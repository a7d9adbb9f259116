"""What is wrong beside topics and clocks: versions, rights, wall clocks, model, consent, disk."""

from collections.abc import Iterator
from typing import Final

from streams.core.time import DAY_MS, MINUTE_MS
from streams.core.versions import STATE, WINBACK, state_version
from streams.runtime.doctor_clocks import span
from streams.runtime.doctor_finding import Finding, Level
from streams.runtime.doctor_seen import Seen

BROKER_MIN: Final = (2, 5)
"""KIP-447 and what transactions were mended by; older ones were never tried."""
AHEAD_MS: Final = MINUTE_MS
"""So far ahead of ours a clock may be; records come from other machines."""
MODEL_OLD_MS: Final = DAY_MS
"""A learner writes what it has learned within seconds; after a day without a word it is away."""
FREE_MIN: Final = 1 << 30
"""Bytes that are to be left beside as much as the state files take: each is written beside the
old one."""
CONSENT_LEAST: Final = 0.01
SAMPLE_LEAST: Final = 20
"""Users of a sample, below which nothing is said of shares."""


def around_findings(seen: Seen) -> Iterator[Finding]:
    """Yield what is the matter."""
    yield from _versions(seen)
    yield from _rights(seen)
    yield from _clocks(seen)
    yield from _model(seen)
    yield from _consent(seen)
    yield from _disk(seen)
    for file, what in seen.around.playbooks:
        yield Finding(
            Level.NOTE, what, f"playbooks {file}",
            "winback playbooks check shows it; change the text, or the channel",
            "a provider refuses the template, and the touches of its step with it",
        )  # fmt: skip
    for name, what in seen.around.senders:
        yield Finding(
            Level.WRONG, what, f"sender {name}", "mend the variable: winback sender settings",
            "the sender of this provider does not start, so its touches expire",
        )  # fmt: skip


def _versions(seen: Seen) -> Iterator[Finding]:
    numbers = seen.around.broker.split(".")[:2]
    if all(number.isdigit() for number in numbers) and tuple(map(int, numbers)) < BROKER_MIN:
        least = ".".join(map(str, BROKER_MIN))
        yield Finding(
            Level.WRONG, f"the brokers speak Kafka {seen.around.broker}, older than {least}",
            "Kafka", "upgrade the brokers", "transactions of older ones lose and double records",
        )  # fmt: skip
    for number, record in sorted(seen.records.items()):
        if record is not None and state_version(record.layout) > STATE:
            yield Finding(
                Level.WRONG,
                f"its state was written by a newer winback than this one, {WINBACK}: layout "
                f"{record.layout}", f"partition {number}",
                "install that version everywhere; to go back: docs/upgrade.md#rollback",
                "a worker of this version refuses the partition",
            )  # fmt: skip


def _rights(seen: Seen) -> Iterator[Finding]:
    for lacking in seen.around.lacking:
        yield Finding(
            Level.WRONG, f"this principal may not {', '.join(lacking.operations)}",
            f"topic {lacking.topic}",
            "winback topics acls --check; then --apply as an administrator",
            "the role stops where Kafka refuses it, at start or at its first record",
        )  # fmt: skip


def _clocks(seen: Seen) -> Iterator[Finding]:
    for topic, newest_ms in sorted(seen.around.newest_ms.items()):
        if newest_ms > seen.now_ms + AHEAD_MS:
            yield Finding(
                Level.WRONG,
                f"its newest record is stamped {span(newest_ms - seen.now_ms)} ahead of this clock",
                f"topic {topic}", "timedatectl on the machine of its producer, and on this one",
                "a clock that is ahead lets silence begin too early, or has its events rejected",
            )  # fmt: skip
    for number, record in sorted(seen.records.items()):
        if record is not None and seen.is_live and record.told_ms > seen.now_ms + AHEAD_MS:
            yield Finding(
                Level.WRONG,
                f"its worker's clock is {span(record.told_ms - seen.now_ms)} ahead of this one",
                f"partition {number}", "timedatectl on the machine of the worker, and on this one",
                "its timers fire too early, and quiet hours are not kept",
            )  # fmt: skip


def _model(seen: Seen) -> Iterator[Finding]:
    model = seen.around.model
    if model is None or model.is_frozen:
        return
    if not model.written_ms:
        yield Finding(
            Level.NOTE, "no model has been learned yet", "models",
            "start a learner: winback run --role learner; or give a past: winback bootstrap",
            "until one is, only the prior scores and only long silence alerts",
        )  # fmt: skip
    elif model.refused:
        yield Finding(
            Level.WRONG, f"the newest model is refused: {model.refused}", "models",
            "give workers and learner the same WINBACK_MODEL_KEY: winback keys check",
            "workers go on with the model that they have, and with none after a restart",
        )  # fmt: skip
    elif seen.is_live and seen.now_ms - model.written_ms > MODEL_OLD_MS:
        yield Finding(
            Level.WRONG,
            f"the newest model {model.version} is {span(seen.now_ms - model.written_ms)} old",
            "models", "winback run --role learner; its log says why it stopped",
            "users change and the model does not: alerts get worse without a sign",
        )  # fmt: skip
    if model.phase == "fallen_back":
        yield Finding(
            Level.NOTE, "the model errs more than silence alone, so the prior speaks", "models",
            "winback models list says since when; look at what its inputs have become",
            "fewer and later alerts",
        )  # fmt: skip


def _consent(seen: Seen) -> Iterator[Finding]:
    for each in seen.around.consents:
        if each.sampled < SAMPLE_LEAST:
            continue
        may = each.sampled - each.no if seen.is_consent_assumed else each.yes
        if may < CONSENT_LEAST * each.sampled:
            yield Finding(
                Level.NOTE, f"{may} of {each.sampled} users of a sample may be contacted by it",
                f"channel {each.channel}",
                "let the source of consent write to the inputs (docs/inputs.md), or say "
                "consent_default in the rules",
                "without a yes every touch of the channel is refused: no_consent",
            )  # fmt: skip


def _disk(seen: Seen) -> Iterator[Finding]:
    disk = seen.around.disk
    if disk is None:
        return
    why = "without state files a restart reads the whole changelog, which takes twice the time"
    if not disk.is_writable:
        yield Finding(
            Level.WRONG, "state files cannot be written here", disk.path,
            "chown it to the user of the worker, or set WINBACK_DATA_DIR", why,
        )  # fmt: skip
    elif disk.free < FREE_MIN + disk.used:
        yield Finding(
            Level.WRONG, f"{disk.free >> 20:,} MB are free, state files take {disk.used >> 20:,}",
            disk.path, "make room, or set WINBACK_DATA_DIR to a larger disk", why,
        )  # fmt: skip
