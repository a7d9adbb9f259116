"""What the doctor looks at beside topics and clocks: versions, rights, model, consent, disk."""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from models.roster_records import SERVING
from models.snapshot import Serving, SnapshotRefused, load
from streams.core.partition_record import OURS
from streams.core.rules import Rules
from streams.core.state import decode
from streams.runtime.acls import Kind, Operation, roles
from streams.runtime.doctor_seen import Around, Consent, Disk, Lacking, ModelSeen
from streams.runtime.state_folder import SUFFIX, state_directory
from streams.settings import Settings

NAMES: Final = {
    Operation.READ: "READ", Operation.WRITE: "WRITE", Operation.CREATE: "CREATE",
    Operation.DESCRIBE: "DESCRIBE", Operation.ALTER: "ALTER",
    Operation.DESCRIBE_CONFIGS: "DESCRIBE_CONFIGS", Operation.ALTER_CONFIGS: "ALTER_CONFIGS",
}  # fmt: skip
"""As kafka-python names what a broker says that one may do."""


def around(
    client: Any, settings: Settings, rules: Rules, role: str, newest: Mapping[str, Sequence[Any]]
) -> Around:
    """Return what there is to see beside topics and clocks.

    Args:
        client: Of the administration.
        settings: The operator's.
        rules: The business rules.
        role: Whose rights to hold against what Kafka allows us; empty = nobody's.
        newest: Topic to the newest records of it.
    """
    return Around(
        broker=_broker(client),
        lacking=tuple(_lacking(client, settings, rules, role)) if role else (),
        newest_ms={
            topic: max(record.timestamp for record in records)
            for topic, records in newest.items() if records
        },
        model=_model(settings, newest.get(settings.topic_models, ())),
        consents=tuple(_consents(rules, newest.get(settings.topic_users_changelog, ()))),
        disk=_disk(settings),
    )  # fmt: skip


def _broker(client: Any) -> str:
    """Return the version of the brokers, as far as their protocol tells it.

    It is what the client agreed on with the first of them: to be told of the cluster takes a right.
    """
    version = client._manager.broker_version  # noqa: SLF001 (nothing public says it)
    return ".".join(map(str, version)) if isinstance(version, tuple) else str(version or "")


def _lacking(client: Any, settings: Settings, rules: Rules, role: str) -> Iterable[Lacking]:
    """Yield what a role needs of topics and we may not; where nobody is refused, we may all."""
    made = {each.name: each for each in roles(settings, rules.sources)}
    wanted = {
        grant.name: grant.operations
        for grant in made[role].grants if grant.kind is Kind.TOPIC and not grant.is_prefix
    }  # fmt: skip
    for topic in client.describe_topics(list(wanted)):
        allowed = set(topic.get("authorized_operations") or ())
        lacks = [each.value for each in wanted[topic["name"]] if NAMES[each] not in allowed]
        if lacks:
            yield Lacking(topic["name"], tuple(lacks))


def _model(settings: Settings, records: Sequence[Any]) -> ModelSeen:
    """Return what is in force of the models, from the newest records of their topic."""
    served = [record for record in records if record.key == SERVING.encode() and record.value]
    if settings.model_file or not served:
        return ModelSeen(is_frozen=bool(settings.model_file), written_ms=0)
    newest = max(served, key=lambda record: record.offset)
    try:
        serving = load(newest.value, settings.model_keys, Serving)
    except SnapshotRefused as refused:
        return ModelSeen(is_frozen=False, written_ms=newest.timestamp, refused=str(refused))
    return ModelSeen(
        is_frozen=False, written_ms=newest.timestamp, version=serving.version,
        examples=serving.examples, phase=serving.phase.value,
    )  # fmt: skip


def _consents(rules: Rules, records: Sequence[Any]) -> Iterable[Consent]:
    """Yield for each channel that playbooks use how many users of a sample said what of it."""
    values = {
        record.key: record.value
        for record in records if record.value and not record.key.startswith(OURS)
    }  # fmt: skip
    profiles = [decode(value).profile for value in values.values()]
    used = sorted({
        step.channel for book in rules.playbooks for variant in book.variants
        for step in variant.steps
    })  # fmt: skip
    for channel in used:
        words = [profile.consents.get(channel) for profile in profiles]
        yield Consent(channel, len(words), words.count(True), words.count(False))


def _disk(settings: Settings) -> Disk | None:
    """Return how the place of state files stands; None = there are none."""
    if not settings.state_files_every_s:
        return None
    path = state_directory(settings.data_dir, os.environ)
    there = next(each for each in (path, *path.parents) if each.exists())
    sizes = [file.stat().st_size for file in path.glob(f"*{SUFFIX}")] if path.exists() else []
    return Disk(
        str(path), shutil.disk_usage(there).free, sum(sizes), os.access(there, os.W_OK)
    )  # fmt: skip
